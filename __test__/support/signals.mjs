// Everything that takes a signal, and signals that are not what they seem; as a program, one that gives
// the latter to the former.

import { pathToFileURL } from 'node:url'
import { MmFile, NamedMutex } from 'mmfile'
import { play, say } from './program.mjs'

export const own = new Error("the program's own")
const throws = () => {
  throw own
}

/** Ends as the stream does. Nothing ever comes, so that only the signal ends it. */
function ended(stream, timeout) {
  return new Promise((resolve, reject) => {
    if (timeout !== undefined) setTimeout(() => stream.destroy(), timeout)
    stream.on('error', reject).on('close', resolve)
    stream.resume?.()
  })
}

/** A free lock is taken at once and released; without a timeout, it is aborted while it is held. */
async function locked(thing, signal, timeout) {
  const other =
    thing instanceof MmFile ? MmFile.openExisting(thing.id) : NamedMutex.open(thing.name)
  const blocking = timeout === undefined ? other.tryLock() : undefined
  try {
    const guard = await thing.lock({ signal, timeout: timeout && 5000 })
    guard.release()
  } finally {
    blocking?.release()
    other.close()
  }
}

/** With a `timeout`, each ends after so many milliseconds; else only by the signal. */
export const uses = {
  waitFor: ({ file, signal, timeout }) => file.waitFor(file.length, { signal, timeout }),
  lock: ({ file, signal, timeout }) => locked(file, signal, timeout),
  'lock of a mutex': ({ mutex, signal, timeout }) => locked(mutex, signal, timeout),
  segments: ({ file, signal, timeout }) => {
    const segments = file.segments({ signal, from: file.length })
    if (timeout !== undefined) setTimeout(() => file.append('x'), timeout)
    return segments.next()
  },
  createReadStream: ({ file, signal, timeout }) =>
    ended(file.createReadStream({ signal, from: file.length }), timeout),
  createWriteStream: ({ file, signal, timeout }) =>
    ended(file.createWriteStream({ signal }), timeout),
}

const { prototype } = AbortSignal

export const fakes = {
  'of the right prototype': () => Object.create(prototype),
  'that says it is not aborted': () =>
    Object.create(prototype, { aborted: { value: false, writable: true } }),
  'that says it is aborted': () => Object.create(prototype, { aborted: { value: true } }),
  'that throws when it is asked': () => Object.create(prototype, { aborted: { get: throws } }),
  'that has all members': () =>
    Object.create(prototype, {
      aborted: { value: false },
      addEventListener: { value: () => {} },
      removeEventListener: { value: throws },
    }),
  'without a prototype': () => Object.setPrototypeOf(new AbortController().signal, null),
  'that is the prototype': () => prototype,
  'that is revoked': () => {
    const { proxy, revoke } = Proxy.revocable(new AbortController().signal, {})
    revoke()
    return proxy
  },
  'that is an event target': () => Object.assign(new EventTarget(), { aborted: false }),
}

/** Own members for a valid signal. */
export const behaved = {
  'throw when it is listened to': () => ({ addEventListener: { value: throws } }),
  'throw when it is left': () => ({ removeEventListener: { value: throws } }),
  'tell nobody': () => ({ addEventListener: { value: () => {} } }),
  'throw when it is asked': () => ({ aborted: { get: throws }, reason: { get: throws } }),
  lie: () => ({ aborted: { value: true }, reason: { value: 'a lie' } }),
}

const isProgram = import.meta.url === pathToFileURL(process.argv[1]).href
if (isProgram) {
  await play({
    async fakes() {
      const file = MmFile.createNew(4096)
      const mutex = NamedMutex.open(`fakes-${process.pid}`)
      for (const use of Object.values(uses)) {
        for (const fake of Object.values(fakes)) {
          try {
            await use({ file, mutex, signal: fake(), timeout: 50 })
            say('no error')
          } catch (error) {
            say(error.code ?? error.message)
          }
        }
      }
      for (const thing of [MmFile.openExisting(file.id), NamedMutex.open(mutex.name)]) {
        thing.withLockSync(() => {}, { timeout: 1000 })
      }
      // Nothing is closed: a pending wait would keep the process alive.
    },
  })
}
