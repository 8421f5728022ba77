// A test framework replaces the clock and the timers. Waits with a time limit end all the same.

import FakeTimers from '@sinonjs/fake-timers'
import test from 'ava'
import { run, start } from '../support/child.mjs'
import { create, open, refuses, rejects } from '../support/files.mjs'

/** Lets time stand still for the program while `work` runs. */
async function withStoppedTime(toFake, work) {
  const clock = FakeTimers.install({ toFake })
  try {
    return await work()
  } finally {
    clock.uninstall()
  }
}

const fakes = {
  'everything is faked': undefined,
  'Date and performance are faked': ['Date', 'performance'],
}

for (const [name, toFake] of Object.entries(fakes)) {
  test.serial(`${name}: waitForSync, withLock`, async (t) => {
    const file = create(t)
    const holder = start(t, 'locks', 'hold', [file.id])
    await holder.next()
    await withStoppedTime(toFake, () => {
      refuses(t, () => file.waitForSync(9, { timeout: 100 }), 'ERR_MMFILE_TIMEOUT')
      refuses(t, () => file.withLockSync(() => {}, { timeout: 100 }), 'ERR_MMFILE_TIMEOUT')
    })
  })

  test.serial(`${name}: waitFor, lock`, async (t) => {
    const file = create(t)
    const holder = start(t, 'locks', 'hold', [file.id])
    await holder.next()
    const other = open(t, file)
    await withStoppedTime(toFake, () =>
      Promise.all([
        rejects(t, file.waitFor(9, { timeout: 100 }), 'ERR_MMFILE_TIMEOUT'),
        rejects(t, other.lock({ timeout: 100 }), 'ERR_MMFILE_TIMEOUT'),
      ]),
    )
  })
}

test('everything is faked before the package is loaded: blocking waits end', async (t) => {
  const { said, code } = await run(t, 'loading', 'faked')
  t.deepEqual([said, code], [['ERR_MMFILE_TIMEOUT', 'ERR_MMFILE_TIMEOUT'], 0])
})
