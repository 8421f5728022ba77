// Programs that the ported suites start.

import { readFileSync, writeFileSync } from 'node:fs'
import { NamedMutex } from 'mmfile'
import { block, play, say } from './program.mjs'

await play({
  /** Counts in a file that only the mutex keeps whole. */
  increment(name, path, times) {
    const mutex = NamedMutex.open(name)
    for (let round = 0; round < Number(times); round += 1) {
      mutex.withLockSync(() => {
        const number = Number(readFileSync(path, 'utf8'))
        block(5)
        writeFileSync(path, `${number + 1}`)
      })
    }
    say('done')
  },

  /** Opens mutexes, takes them if they are free, and closes them with the lock. */
  openLockClose(times, ...names) {
    const failures = []
    for (let round = 0; round < Number(times); round += 1) {
      for (const name of names) {
        try {
          const mutex = NamedMutex.open(name)
          if (mutex.isCreator) mutex.lockSync()
          mutex.close()
        } catch (error) {
          failures.push(error.message)
        }
      }
    }
    say({ failures: failures.slice(0, 5) })
  },
})
