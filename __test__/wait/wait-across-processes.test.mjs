// waitFor across processes: what it costs, what it keeps alive, and how soon it comes.

import test from 'ava'
import { canRefuse, refuse, run, start } from '../support/child.mjs'
import { create, rounds, summary } from '../support/files.mjs'

test('a pending wait keeps the process, and a resolved one lets it go', async (t) => {
  const file = create(t)
  const child = start(t, 'waits', 'waitOnce', [file.id, 1])
  await child.next()
  file.append('zero')
  await new Promise((resolve) => setTimeout(resolve, 50))
  file.append('one')
  t.is(await child.next(), 'one')
  t.deepEqual(await child.exited, { code: 0, signal: null })
})

test('a wait that times out in another process', async (t) => {
  const file = create(t)
  const { said, code } = await run(t, 'waits', 'waitOnce', [file.id, 0, 20])
  t.deepEqual([said, code], [['waiting', 'ERR_MMFILE_TIMEOUT'], 0])
})

test('sealing in another process', async (t) => {
  const file = create(t)
  const child = start(t, 'waits', 'waitOnce', [file.id, 0])
  await child.next()
  file.seal()
  t.is(await child.next(), 'ERR_MMFILE_SEALED')
})

test('nothing pending, nothing that keeps the process', async (t) => {
  const { said, code, signal, stderr } = await run(t, 'waits', 'nothingPending')
  t.deepEqual([said, code, signal, stderr], [['done'], 0, null, ''])
})

test('the wait alone keeps the event loop going', async (t) => {
  const { said, code } = await run(t, 'waits', 'abortLater', [create(t).id])
  t.deepEqual([said, code], [['waiting', 'AbortError'], 0])
})

test('a wait of which only its promise is left', async (t) => {
  const { said } = await run(t, 'waits', 'onlyPromise', [], { node: ['--expose-gc'] })
  t.deepEqual(said, ['resolved'])
})

// Who sleeps: the event loop itself where the kernel can tell it, otherwise a thread for each file.
// Elsewhere than on Linux threads are not counted.
const sleepers = {
  'whoever can': { env: {}, threads: [0, 1] },
  'a thread': { env: { UV_USE_IO_URING: '0' }, threads: [process.platform === 'linux' ? 1 : 0] },
}
if (canRefuse) {
  // The kernel makes the ring and refuses to go on with it.
  const number = 426 // io_uring_enter
  for (const [name, errno] of Object.entries({ EPERM: 1, EAGAIN: 11 })) {
    sleepers[`a thread, after ${name},`] = { shell: refuse(`${number}=${errno}`), threads: [0, 1] }
  }
}

for (const [name, { env, shell, threads }] of Object.entries(sleepers)) {
  test(`${name} sleeps for a thousand waits on one handle, and all of them resolve`, async (t) => {
    const file = create(t, 1 << 16)
    const child = start(t, 'waits', 'thousand', [file.id], { env, shell })
    const { extra } = await child.next()
    t.true(threads.includes(extra), `${extra} threads`)
    for (let at = 0; at < 100; at += 1) file.append(`${at}`)
    t.deepEqual(await child.next(), { resolved: 1000, left: 0 })
    t.deepEqual(await child.exited, { code: 0, signal: null })
  })

  test(`${name} sleeps for each of fifty files, and nothing of it is left`, async (t) => {
    const { said, stderr } = await run(t, 'waits', 'manyFiles', [50], { env, shell })
    const [{ during, ...rest }] = said
    // The first of them may have found out that a ring is of no use.
    t.true(threads.includes(Math.round(during / 50)), `${during} threads`)
    t.deepEqual(rest, { codes: ['ERR_MMFILE_CLOSED'], left: 0, descriptors: 0 })
    t.is(stderr, '')
  })
}

test("libuv's pool is not needed", async (t) => {
  const file = create(t)
  const child = start(t, 'waits', 'blockedPool', [file.id], { env: { UV_THREADPOOL_SIZE: '1' } })
  await child.next()
  file.append('x')
  t.deepEqual(await child.next(), { blocked: true })
})

test('segments appended inside withLock are seen before the lock is released', async (t) => {
  const file = create(t)
  const child = start(t, 'waits', 'inside', [file.id])
  const wait = file.waitFor(0)
  t.is(await child.next(), 'held')
  await wait
  t.is(file.read(0), 'from inside')
  t.is(file.tryLock(), undefined, 'it is still held')
  child.tell('release')
  t.is(await child.next(), 'released')
})

// Figures: ava runs the serial ones before all others, which would spoil them.

test.serial(
  'a hundred pending waits on ten handles wake their process twice a second for each handle',
  async (t) => {
    for (const [name, { env, shell }] of Object.entries(sleepers)) {
      const { said } = await run(t, 'waits', 'cost', [create(t).id, 2000], { env, shell })
      const [{ rate, percent }] = said
      t.log(
        `${name}: ${rate?.toFixed(1)} wake-ups a second, ${percent.toFixed(3)} % of a processor`,
      )
      if (rate !== undefined) t.true(rate < 30, `${name}: ${rate}`)
      // The cost of a wake-up depends on the machine: 0.01 to 0.3 ms. A loop that never sleeps takes a whole
      // processor.
      t.true(percent < 20, `${name}: ${percent}`)
    }
  },
)

const onLinux = process.platform === 'linux' ? test.serial : test.skip

onLinux('waits with and without requirePeer that take turns leave no timers', async (t) => {
  for (const [name, { env, shell }] of Object.entries(sleepers)) {
    const options = { env, shell }
    const { said } = await run(t, 'waits', 'alternate', [create(t).id, 1500, 2000], options)
    const [{ rate }] = said
    t.log(`${name}: ${rate.toFixed(1)} wake-ups a second`)
    // One needs five a second, for the death of a peer wakes no process.
    t.true(rate < 20, `${name}: ${rate}`)
  }
})

test.serial('back and forth between two processes', async (t) => {
  const count = rounds(300)
  const file = create(t, 1 << 20)
  const child = start(t, 'waits', 'pong', [file.id, count])
  await child.next()
  const times = []
  for (let index = 0; index < 2 * count; index += 2) {
    const started = performance.now()
    file.append(`${index}`)
    await file.waitFor(index + 1)
    times.push(performance.now() - started)
    t.is(file.read(index + 1), `${index}`)
  }
  t.log(`round trip: ${summary(times)}`)
  t.is(await child.next(), 'done')
  // One whose wake-up gets lost is found 200 ms later, or not at all.
  t.true(times.filter((time) => time > 150).length <= count / 100)
})

test.serial('no wake-up is lost', async (t) => {
  const count = rounds(400)
  const file = create(t, 1 << 20)
  const child = start(t, 'waits', 'clock', [file.id, count])
  const times = []
  for (let index = 0; index < count; index += 1) {
    await file.waitFor(index)
    times.push(Number(process.hrtime.bigint() - BigInt(file.read(index))) / 1e6)
  }
  t.log(`from append to its reader: ${summary(times)}`)
  t.is(await child.next(), 'done')
  t.true(times.filter((time) => time > 150).length <= count / 100)
})
