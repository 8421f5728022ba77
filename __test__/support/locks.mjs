// Programs that take the lock of a file.

import { MmFile } from 'mmfile'
import { block, hear, pause, play, say } from './program.mjs'

async function collect() {
  for (let round = 0; round < 6; round += 1) {
    globalThis.gc()
    await pause(2)
  }
}

await play({
  /** Takes the lock when told to, and says what it was like. */
  takeAndTell(id) {
    const file = MmFile.openExisting(id)
    say('ready')
    hear()
    say('waiting')
    file.withLockSync(({ abandoned }) => say({ abandoned, recovered: file.recovered }))
    hear()
  },

  isFree(id) {
    const guard = MmFile.openExisting(id).tryLock()
    say(guard !== undefined)
    guard?.release()
  },

  /** Waits for the lock when told to, and says what it sees then. */
  wait(id) {
    const file = MmFile.openExisting(id)
    say('ready')
    hear()
    say('waiting')
    file.withLockSync(({ abandoned }) => say({ abandoned, seen: [...file] }))
  },

  /** Has the lock until told otherwise. */
  hold(id) {
    const file = MmFile.openExisting(id)
    file.withLockSync(() => {
      file.append('from the holder')
      say('held')
      block(Number(hear().split(' ')[2] ?? 0))
    })
    say('released')
    hear()
  },

  /** Counts on from the last segment, in steps that take time. */
  async count(id, steps) {
    const file = MmFile.openExisting(id)
    say('ready')
    hear()
    for (let step = 0; step < Number(steps); step += 1) {
      const next = () => file.append(`${Number(file.read(file.length - 1)) + 1}`)
      if (step % 2) file.withLockSync(next)
      else {
        await file.withLock(async () => {
          const last = Number(file.read(file.length - 1))
          await Promise.resolve()
          file.append(`${last + 1}`)
        })
      }
    }
    say('done')
  },

  /** Holds the lock in a way that leaves nothing else that refers to the file. */
  async keep(what) {
    const file = MmFile.createNew(4096)
    const code = () => {
      try {
        const guard = file.tryLock()
        guard?.release()
        return guard === undefined ? 'held' : 'free'
      } catch (error) {
        return error.code
      }
    }
    if (what === 'guard') {
      const guard = MmFile.openExisting(file.id).tryLock()
      await collect()
      say(code())
      guard.release()
    } else {
      await MmFile.openExisting(file.id).withLock(async () => {
        await collect()
        say(code())
      })
    }
    say('released')
    say(code())
  },

  async lose(state) {
    const file = MmFile.createNew(4096)
    const other = MmFile.openExisting(file.id)
    ;(() => other.tryLock())()
    if (state === 'closed') other.close()
    await collect()
    file.tryLock().release()
    say('free')
  },
})
