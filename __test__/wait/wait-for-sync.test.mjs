// waitForSync: the same, blocking.

import test from 'ava'
import { start } from '../support/child.mjs'
import { create, open, refuses } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

function timed(act) {
  const started = performance.now()
  act()
  return performance.now() - started
}

test('a segment that is there already', (t) => {
  const file = create(t)
  file.append('x')
  for (const options of [
    undefined,
    {},
    { timeout: 0 },
    { timeout: 10, spin: 0.1 },
    { spin: 0.001 },
  ]) {
    t.is(file.waitForSync(0, options), undefined)
  }
  t.is(open(t, file, { access: 'read' }).waitForSync(0), undefined)
})

test('a timeout of 0 checks once', (t) => {
  const file = create(t)
  const took = timed(() => {
    for (let round = 0; round < 100; round += 1) {
      refuses(t, () => file.waitForSync(0, { timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
    }
  })
  t.true(took < PROMPT)
})

test('a timeout is a time', (t) => {
  const file = create(t)
  for (const timeout of [1, 0.5, 30, 49.9, 50, 50.5, 120]) {
    for (const spin of [undefined, 0, 0.5, 1e6]) {
      const took = timed(() => {
        const wait = () => file.waitForSync(0, { timeout, spin })
        t.regex(refuses(t, wait, 'ERR_MMFILE_TIMEOUT').message, /segment 0/)
      })
      t.true(took >= timeout - 0.01 && took < timeout + PROMPT, `${took} ms instead of ${timeout}`)
    }
  }
})

test('another process appends', async (t) => {
  const file = create(t)
  const child = start(t, 'waits', 'appendLater', [file.id])
  await child.next()
  for (const [index, options] of [
    {},
    { timeout: 60_000 },
    { spin: 200 },
    { spin: 0.01 },
  ].entries()) {
    const told = child.tell('60')
    const took = timed(() => file.waitForSync(index, options))
    t.is(file.read(index), `${index}`)
    t.true(took > 10, `it slept (${took} ms)`)
    await told // Windows writes no next line before
  }
})

test('sealing ends it, closed is closed', async (t) => {
  const file = create(t)
  file.append('x')
  const child = start(t, 'waits', 'sealLater', [file.id])
  await child.next()
  child.tell('40')
  refuses(t, () => file.waitForSync(1), 'ERR_MMFILE_SEALED')
  refuses(t, () => file.waitForSync(1, { timeout: 0 }), 'ERR_MMFILE_SEALED')
  file.waitForSync(0)
  file.close()
  refuses(t, () => file.waitForSync(0), 'ERR_MMFILE_CLOSED')
})

test('it may be called inside withLock', (t) => {
  const file = create(t)
  file.withLockSync(() => {
    file.append('x')
    file.waitForSync(0)
    refuses(t, () => file.waitForSync(1, { timeout: 20 }), 'ERR_MMFILE_TIMEOUT')
  })
})

test('a sleeper costs next to nothing', (t) => {
  const file = create(t)
  const before = process.cpuUsage()
  refuses(t, () => file.waitForSync(0, { timeout: 600 }), 'ERR_MMFILE_TIMEOUT')
  const { user, system } = process.cpuUsage(before)
  // One that never sleeps takes 600,000 µs. The cost of a wake-up depends on the machine: up to
  // 3,000 µs.
  t.true(user + system < 200_000, `${user + system} µs of 600,000`)
})

test('a wait beside it, in the same thread, is not lost', async (t) => {
  const file = create(t)
  const wait = file.waitFor(0)
  const child = start(t, 'waits', 'appendLater', [file.id])
  await child.next()
  child.tell('20')
  file.waitForSync(0)
  await wait
  t.is(file.read(0), '0')
})
