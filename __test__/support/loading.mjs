// Programs that load the package in unusual ways.

import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import FakeTimers from '@sinonjs/fake-timers'
import { pause, play, say } from './program.mjs'

const require = createRequire(import.meta.url)

/** The package in that folder, and the one that the tests use. */
const copies = (folder) => [require('mmfile'), require(join(folder, 'dist/index.js'))]

/** The package, loaded anew; with its binary, or without. */
function again(binary) {
  for (const key of Object.keys(require.cache)) {
    if (binary || !key.endsWith('.node')) delete require.cache[key]
  }
  return require('mmfile')
}

function codeOf(act) {
  try {
    return act()
  } catch (error) {
    return error
  }
}

/** A worker that has the lock. */
const HOLDER = `
const { parentPort, workerData: [path, id] } = require('node:worker_threads')
const { MmFile } = require(path)
globalThis.guard = MmFile.openExisting(id).lockSync()
parentPort.postMessage('locked')
setInterval(() => {}, 1000)`

await play({
  /** Two copies know each other's errors. */
  async copies(folder) {
    const [first, second] = copies(folder)
    const error = codeOf(() => first.MmFile.openExisting('not-there'))
    const file = second.MmFile.createNew(64)
    file.append('x')
    file.seal()
    const seen = []
    for await (const text of first.MmFile.openExisting(file.id)) seen.push(text)
    say({
      same: first.MmFile === second.MmFile,
      known: [first, second].map(({ MmFileError }) => [
        error instanceof MmFileError,
        MmFileError.is(error, 'ERR_MMFILE_NOT_FOUND'),
        MmFileError.is(error, 'ERR_MMFILE_EXISTS'),
        new Error('x') instanceof MmFileError,
      ]),
      seen,
    })
  },

  /** One copy holds locks while the other one takes and releases its own, and the process is killed. */
  hold(folder, ...ids) {
    const [first, second] = copies(folder)
    const files = ids.map((id, at) => (at % 2 ? first : second).MmFile.openExisting(id))
    const guards = files.map((file) => file.tryLock())
    const other = second.MmFile.createNew(1000)
    other.withLockSync(() => first.MmFile.createNew(100).append('x'))
    say(guards.map((guard) => guard.abandoned))
    process.kill(process.pid, 'SIGKILL')
  },

  /** One copy has the lock by `lock()`, and the other one would block the thread that has to release it. */
  async blocked(folder) {
    const [first, second] = copies(folder).map(({ MmFile }) => MmFile)
    const file = first.createNew(100)
    const other = second.openExisting(file.id, { lockTimeout: 2000 })
    const guard = await file.lock()
    const { code } = codeOf(() => other.append('x'))
    guard.release()
    say([code, other.append('y')])
    process.exit()
  },

  /** One copy fills a message in place, and another one sends in the meantime. */
  filling(folder) {
    const [first, second] = copies(folder).map(({ Channel }) => Channel)
    const channel = first.createNew()
    const other = second.openExisting(channel.id, { lockTimeout: 2000 })
    const errors = []
    channel.trySendWith(1, () => {
      errors.push(codeOf(() => other.trySend(Buffer.from('x'))).code)
    })
    say([...errors, other.trySend(Buffer.from('y'))])
    process.exit()
  },

  /** Both copies have a file open whose other process leaves. */
  async peer(folder, id) {
    const [first, second] = copies(folder).map(({ MmFile }) => MmFile.openExisting(id))
    const wait = first.waitFor(0, { requirePeer: true, timeout: 60_000 }).catch(({ code }) => code)
    say('here')
    say({ missed: await wait, open: !second.closed })
  },

  /** A test runner loads the package again and again; the binary with it, or not. */
  listeners(binary) {
    const before = process.listenerCount('exit')
    for (let load = 0; load < 15; load += 1) again(binary === 'binary').MmFile.createNew(10)
    say(process.listenerCount('exit') - before)
  },

  /** A copy is loaded that opens nothing; a later one has a file open when the program ends. */
  late() {
    again(true)
    say(again(true).MmFile.createNew(10).id)
    process.exit(0)
  },

  /** It throws copies away that have files open, and locked. Run with --expose-gc. */
  async dropped() {
    const ids = Array.from({ length: 20 }, () => {
      const { MmFile } = again(false)
      const file = MmFile.createNew(10)
      file.tryLock()
      return file.id
    })
    for (let round = 0; round < 20; round += 1) {
      globalThis.gc()
      await pause(5)
    }
    const { list } = again(false)
    say(list().filter(({ id, stale }) => ids.includes(id) && !stale).length)
  },

  /** A test runner has replaced the clock and all timers before the package is loaded. */
  async faked() {
    FakeTimers.install()
    const { MmFile } = require('mmfile')
    const file = MmFile.createNew(100)
    const other = MmFile.openExisting(file.id)
    const workerData = [require.resolve('mmfile'), file.id]
    await once(new Worker(HOLDER, { eval: true, workerData }), 'message')
    say(codeOf(() => other.waitForSync(0, { timeout: 100 })).code)
    say(codeOf(() => other.withLockSync(() => {}, { timeout: 100 })).code)
    process.exit(0)
  },

  twice() {
    const [first, second] = [again(true), again(true)]
    const own = [first, second].map(({ MmFile, MmFileError }) => {
      try {
        return MmFile.openExisting('not-there')
      } catch (error) {
        return error instanceof MmFileError
      }
    })
    const file = first.MmFile.createNew(100)
    file.append('x')
    const other = second.MmFile.openExisting(file.id)
    say({ same: first.MmFile === second.MmFile, own, read: other.read(0) })
  },

  broken(directory) {
    try {
      require(join(directory, 'dist/index.js'))
    } catch (error) {
      const { name, code, message, cause } = error
      say({ name, code, message, lines: inspect(error).split('\n').length, cause: cause?.message })
    }
  },
})
