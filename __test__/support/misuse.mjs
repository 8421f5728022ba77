// Programs that treat their files badly.

import { getEventListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { MmFile, NamedMutex } from 'mmfile'
import { resources } from './files.mjs'
import { hear, pause, play, say } from './program.mjs'

const forgetful = {
  file: (file) => void MmFile.openExisting(file.id).length,
  reader: (file) => void MmFile.openExisting(file.id, { access: 'read' }).read(0),
  view: (file) => void MmFile.openExisting(file.id).view(0),
  guard: () => void NamedMutex.open(`forgotten-${process.pid}`).tryLock().release(),
}

/** Calls the file at every depth of a stack that overflows. */
function deep(file) {
  let calls = 0
  const dive = () => {
    file.readBytes(0)
    file.append('x')
    file.withLockSync(() => file.length)
    calls += 1
    dive()
  }
  const codes = new Set()
  for (let round = 0; round < 5; round += 1) {
    try {
      dive()
    } catch (error) {
      codes.add(error.name)
    }
  }
  return {
    calls: calls > 100,
    codes: [...codes],
    index: file.append('still works') === file.length - 1,
  }
}

function bigFile() {
  const file = MmFile.createNew(16 << 20)
  file.append('x')
  return file
}

const ends = {
  exit: () => process.exit(7),
  'exit in a callback': (file, own) => {
    own.waitFor(file.length).then(() => process.exit(7))
  },
  throw: () => {
    process.on('uncaughtExceptionMonitor', () => process.on('exit', () => process.exit(7)))
    throw new Error('uncaught')
  },
}

await (isMainThread
  ? play({
      /** The same, any number of times, without a forced garbage collection. */
      async pileUp(what, count) {
        const file = MmFile.createNew(4096)
        for (let at = 0; at < Number(count); at += 1) {
          if (what === 'mutex') NamedMutex.open(`${file.id}-${at % 100}`)
          else MmFile.openExisting(file.id)
          await new Promise(setImmediate)
        }
        say('done')
      },

      /** Opens files and mutexes and closes none of them. */
      async forget(what, count) {
        const file = MmFile.createNew(4096)
        file.append('x')
        process.on('warning', ({ message }) => say({ warning: message }))
        const collect = async () => {
          globalThis.gc()
          await pause(0)
        }
        for (let at = 0; at < 200; at += 1) forgetful[what](file)
        for (let round = 0; round < 5; round += 1) await collect()
        const before = resources()
        const most = { ...before }
        for (let at = 1; at <= Number(count); at += 1) {
          forgetful[what](file)
          if (at % 100 !== 0) continue
          const now = resources()
          for (const kind of Object.keys(most)) most[kind] = Math.max(most[kind], now[kind])
          await collect()
        }
        for (let round = 0; round < 5; round += 1) await collect()
        say({ before, most, after: resources() })
      },

      /** Ends while everything that can be pending is. */
      async pending(how, id) {
        const file = MmFile.openExisting(id)
        const own = MmFile.openExisting(id)
        const nothing = () => {}
        own.waitFor(50).catch(nothing)
        own.waitFor(50, { timeout: 1e6, requirePeer: true }).catch(nothing)
        own.waitFor(50, { signal: new AbortController().signal }).catch(nothing)
        own.lock().then(() => say('it got the lock'), nothing)
        own.createReadStream({ from: 50 }).on('data', nothing).on('error', nothing)
        const segments = own.segments({ from: 50 })
        segments.next().catch(nothing)
        const mutex = NamedMutex.open(`pending-${id}`)
        mutex.tryLock()
        NamedMutex.open(`pending-${id}`).lock().catch(nothing)
        say('pending')
        hear()
        ends[how](file, own)
      },

      /** Begins iterations and ends them while they wait, again and again; then nothing is left. */
      async iterate(count) {
        const file = MmFile.createNew(4096)
        const { signal } = new AbortController()
        const once = async (how) => {
          const other = MmFile.openExisting(file.id)
          const segments = other.segments({ signal })
          const next = segments.next()
          await new Promise(setImmediate)
          await segments[how](new Error('enough')).catch(() => {})
          await next
          return other
        }
        for (const how of ['return', 'throw']) (await once(how)).close()
        const before = resources()
        for (let at = 0; at < Number(count); at += 1) {
          const other = await once(at % 2 === 0 ? 'return' : 'throw')
          if (at < count - 5) other.close()
        }
        say({ before, after: resources(), listeners: getEventListeners(signal, 'abort').length })
        // The last ones stay open, and so does the file: no wait of theirs keeps the process.
      },

      async deep() {
        say(deep(bigFile()))
        const worker = new Worker(fileURLToPath(import.meta.url))
        say(await new Promise((resolve) => worker.once('message', resolve)))
        await worker.terminate()
      },
    })
  : parentPort.postMessage(deep(bigFile())))
