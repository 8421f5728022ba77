// Programs that use what one process alone cannot show: streams, locks, mutexes, files on disk.

import { MmFile, NamedMutex } from 'mmfile'
import { failure, hear, pause, play, say, uptime } from './program.mjs'

await play({
  /** Appends so many segments, a few at a time, and seals the file. */
  async produce(id, count) {
    using(MmFile.openExisting(id), (file) => {
      for (let index = 0; index < Number(count); index += 1) file.append(`segment ${index}`)
      file.seal()
    })
  },

  /** Keeps the files open until it is asked to close them, or killed. */
  async guest(...ids) {
    const files = ids.map((id) => MmFile.openExisting(id))
    say('here')
    hear()
    for (const file of files) file.close()
    say('gone')
    hear()
  },

  /** Waits for the peers of so many files, each from another moment on, and says when it missed them. */
  async miss(count, milliseconds) {
    const files = Array.from({ length: Number(count) }, () => MmFile.createNew(64))
    say(files.map(({ id }) => id))
    hear()
    const missed = []
    for (const file of files) {
      const wait = file.waitFor(0, { requirePeer: true })
      missed.push(wait.catch(({ code }) => ({ code, at: uptime() })))
      await pause(Number(milliseconds))
    }
    say('waiting')
    say(await Promise.all(missed))
  },

  /** Takes the lock of a file with `lock()` and keeps it over awaits. */
  async holdFile(id) {
    const file = MmFile.openExisting(id)
    const guard = await file.lock()
    say({ abandoned: guard.abandoned })
    await pause(1)
    file.append('inside')
    hear()
    guard.release()
    say('released')
    hear()
  },

  /** Takes a mutex and keeps it, on a separate thread or on this one. */
  async holdMutex(name, how) {
    const mutex = NamedMutex.open(name)
    const guard = how === 'lock' ? await mutex.lock() : mutex.lockSync()
    say({ abandoned: guard.abandoned, created: mutex.isCreator })
    hear()
    guard.release()
    say('released')
    hear()
  },

  /** Takes a mutex again and again, and counts in a file what must not be counted at once. */
  async countUnderMutex(name, id, times) {
    const mutex = NamedMutex.open(name)
    const file = MmFile.openExisting(id)
    for (let round = 0; round < Number(times); round += 1) {
      const guard = round % 2 === 0 ? mutex.lockSync() : await mutex.lock()
      const before = file.length
      if (round % 4 === 1) await pause(0)
      file.write(before, `${before}`)
      guard.release()
    }
    say('done')
  },

  /** Loses a guard, and says what the process says of it. */
  async loseGuard(how) {
    const warnings = []
    process.on('warning', (warning) => warnings.push(warning.code))
    const mutex = NamedMutex.open(`lost-${process.pid}`)
    const other = NamedMutex.open(`lost-${process.pid}`)
    await (async () => {
      how === 'lock' ? await mutex.lock() : mutex.tryLock()
    })()
    for (let round = 0; round < 100 && warnings.length === 0; round += 1) {
      globalThis.gc()
      await pause(5)
    }
    say({ warnings, free: other.tryLock() !== undefined })
  },

  /** Opens a file on disk, appends under its lock and keeps that. */
  async holdDisk(path) {
    const file = MmFile.openFile(path)
    const guard = file.tryLock()
    file.append(`from ${process.pid}`)
    say('locked')
    hear()
    guard.release()
  },

  /** Says what happens to a file on disk that this user may only read. */
  async readOnly(path, user) {
    process.setgid(Number(user))
    process.setuid(Number(user))
    say(failure(() => MmFile.openFile(path).length))
    const file = MmFile.openFile(path, { access: 'read' })
    say([...file])
    await file.waitFor(1, { timeout: 5000 })
    say([...file])
    say(failure(() => file.append('x')))
  },
})

function using(file, act) {
  try {
    act(file)
  } finally {
    file.close()
  }
}
