// One of the processes of `npm run soak`: does a bit of everything until it is asked to end, or
// killed.

import { createInterface } from 'node:readline'
import { list, MmFile, NamedMutex, sweep } from 'mmfile'
import { randoms } from './files.mjs'
import { measure } from './measure.mjs'
import { pause, play, say } from './program.mjs'

const CAPACITY = 1 << 18
const EXPECTED = ['ERR_MMFILE_TIMEOUT', 'ERR_MMFILE_SEALED', 'ERR_MMFILE_CAPACITY']

await play({
  async soak(data, mutex, from, writer) {
    const prefixes = { data, mutex }
    const prefix = `${mutex}shared-`
    const random = randoms(process.pid * 31 + Date.now())
    const done = { operations: 0, number: 0, recovered: 0 }
    let era = Number(from)
    let file = null
    let order = null
    createInterface({ input: process.stdin }).on('line', (line) => {
      order = line
    })

    const leave = () => {
      done.recovered += file?.recovered ?? 0
      file?.close()
      file = null
    }
    const append = () => {
      file.append(record(writer, done.number, random(40)))
      done.number += 1
    }
    const steps = [
      () => append(),
      () => append(),
      () => append(),
      () => {
        const first = done.number
        file.appendAll([first, first + 1].map((number) => record(writer, number, 5)))
        done.number += 2
      },
      () =>
        file.withLockSync(() => {
          append()
          append()
        }),
      async () => {
        const guard = await file.lock({ timeout: 1000 })
        try {
          append()
          await pause(random(8))
        } finally {
          guard.release()
        }
      },
      () => file.waitFor(file.length + random(5), { timeout: random(5) }),
      () => file.waitForSync(file.length + 1, { timeout: 2, spin: 0.02 }),
      () => random(4) || file.length === 0 || file.view(file.length - 1).byteLength,
      () => random(4) || leave(),
      () => {
        const mine = MmFile.createNew(1 + random(100_000), { prefixes })
        mine.tryLock()?.release()
        if (mine.capacity > 100) mine.append('mine')
        MmFile.openExisting(mine.id, { prefixes }).close()
        mine.close()
      },
      () => {
        const shared = NamedMutex.open('shared', { prefix })
        shared.withLockSync(() => done.operations, { timeout: 1000 })
        shared.close()
      },
      () => random(8) || sweep({ prefixes, prefix }),
      () => random(8) || list({ prefixes, prefix }),
    ]

    say(done)
    while (order !== 'end') {
      if (order === 'measure') {
        order = null
        leave()
        say({ measured: await measure() })
      }
      try {
        file ??= MmFile.createOrOpen(`era-${era}`, CAPACITY, { prefixes })
        await steps[random(steps.length)]()
      } catch (error) {
        if (!EXPECTED.includes(error.code)) throw error
        if (error.code === 'ERR_MMFILE_CAPACITY') file.seal()
        if (error.code !== 'ERR_MMFILE_TIMEOUT') {
          leave()
          era += 1
        }
      }
      done.operations += 1
      if (done.operations % 8 === 0) {
        say({ ...done, recovered: done.recovered + (file?.recovered ?? 0) })
        await pause(random(3))
      }
    }
    leave()
    say({ ...done, measured: await measure() })
    process.exit()
  },
})

/** The checker's key of one append. Process ids are reused during a soak. */
function record(writer, number, more) {
  return JSON.stringify([writer, number, '.'.repeat(more)])
}
