// A test framework replaces the clock and the timers. Waits with a time limit end nevertheless.

import FakeTimers from '@sinonjs/fake-timers'
import test from 'ava'
import { Channel } from 'mmfile'
import { run, start } from '../support/child.mjs'
import { closing, create, open, refuses, rejects } from '../support/files.mjs'

/** Stops the program's clock while `work` runs. */
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

for (const [name, toFake] of Object.entries(fakes)) {
  test.serial(`${name}: channels`, async (t) => {
    const made = (options) => closing(t, Channel.createNew({ groups: ['g'], ...options }))
    const [one, full, owned] = [made(), made({ capacity: 4096 }), made()]
    while (full.trySend(Buffer.alloc(500)) !== undefined);
    const [reader, member] = [one.reader(), one.member('g')]
    const other = closing(t, Channel.openExisting(owned.id))
    await owned.exclusiveWriter()
    const soon = { timeout: 50 }
    const bytes = Buffer.alloc(500)
    await withStoppedTime(toFake, async () => {
      refuses(t, () => reader.receiveSync(soon), 'ERR_MMFILE_TIMEOUT')
      refuses(t, () => member.receiveSync(soon), 'ERR_MMFILE_TIMEOUT')
      refuses(t, () => full.sendSync(bytes, soon), 'ERR_MMFILE_FULL')
      const loop = one.reader(soon)[Symbol.asyncIterator]()
      await Promise.all([
        rejects(t, reader.receive(soon), 'ERR_MMFILE_TIMEOUT'),
        rejects(t, member.receive(soon), 'ERR_MMFILE_TIMEOUT'),
        rejects(t, loop.next(), 'ERR_MMFILE_TIMEOUT'),
        rejects(t, full.send(bytes, soon), 'ERR_MMFILE_FULL'),
        rejects(t, full.sendAll([bytes], soon), 'ERR_MMFILE_FULL'),
        rejects(
          t,
          full.sendWith(500, () => {}, soon),
          'ERR_MMFILE_FULL',
        ),
        rejects(t, other.exclusiveWriter(soon), 'ERR_MMFILE_LOCK_HELD'),
        rejects(t, one.request(bytes, soon), 'ERR_MMFILE_TIMEOUT'),
      ])
      const stop = new AbortController()
      const served = one.serve((asked) => asked, { signal: stop.signal })
      t.true(bytes.equals(await one.request(bytes)))
      stop.abort()
      await served
      one.trySend(bytes)
      const job = await member.receive()
      job.nak({ delay: 20 })
      const again = await member.receive()
      t.is(again.attempt, 2, 'a delay is a time')
      again.ack()
    })
  })
}

test('everything is faked before the package is loaded: blocking waits end', async (t) => {
  const { said, code } = await run(t, 'loading', 'faked')
  t.deepEqual([said, code], [['ERR_MMFILE_TIMEOUT', 'ERR_MMFILE_TIMEOUT'], 0])
})
