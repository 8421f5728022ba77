// lock(): the file's lock over awaits, held by a separate thread.

import { readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import anyOrder from 'ava'
import { actor } from '../support/actors.mjs'
import { run, start } from '../support/child.mjs'
import { create, open, refuses, rejects, rounds } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

// One after the other: the last one counts threads.
const test = anyOrder.serial

test('it keeps others out over awaits, and its own handle works inside', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const guard = await file.lock()
  t.false(guard.abandoned)
  t.is(other.tryLock(), undefined)
  file.append('inside')
  await delay(5)
  t.is(file.length, 1)
  guard.release()
  guard.release()
  const again = other.tryLock()
  t.truthy(again)
  again.release()
})

test('a second lock on the same handle is an error, not a hang', async (t) => {
  const file = create(t)
  const guard = await file.lock()
  await rejects(t, file.lock(), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => file.tryLock(), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => file.withLockSync(() => 1), 'ERR_MMFILE_LOCK_HELD')
  guard.release()
  const here = file.tryLock()
  await rejects(t, file.lock(), 'ERR_MMFILE_LOCK_HELD')
  here.release()
  t.is(
    file.withLockSync(() => 7),
    7,
  )
})

test('a call that would block the thread that has to release the lock fails, also through another handle', async (t) => {
  const file = create(t, 1 << 16, { lockTimeout: 60_000 })
  const other = open(t, file, { lockTimeout: 60_000 })
  const guard = await file.lock()
  refuses(t, () => other.append('x'), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => other.lockSync(), 'ERR_MMFILE_LOCK_HELD')
  t.is(other.tryLock(), undefined)
  const waiting = other.lock() // does not block it
  file.append('inside')
  guard.release()
  const next = await waiting
  t.deepEqual([file.length, other.append('after'), file.length], [1, 1, 2])
  next.release()
})

test('timeout, signal and close() end the wait, and later locks work', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const guard = await file.lock()
  await rejects(t, other.lock({ timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
  const started = performance.now()
  await rejects(t, other.lock({ timeout: 40 }), 'ERR_MMFILE_TIMEOUT')
  t.true(performance.now() - started >= 39)
  const controller = new AbortController()
  const waiting = other.lock({ signal: controller.signal })
  setTimeout(() => controller.abort('why'), 10)
  const error = await t.throwsAsync(waiting, { name: 'AbortError' })
  t.is(error.cause, 'why')
  await t.throwsAsync(other.lock({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  const closing = open(t, file)
  const pending = rejects(t, closing.lock(), 'ERR_MMFILE_CLOSED')
  setImmediate(() => closing.close())
  await pending
  setTimeout(() => guard.release(), 10)
  const next = await other.lock({ timeout: 5000 })
  next.release()
})

test('closing the handle releases the lock', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const guard = await other.lock()
  other.close()
  t.truthy(file.tryLock())
  t.notThrows(() => guard.release())
})

test('the next holder after a killed one finds the lock abandoned', async (t) => {
  const file = create(t, 1 << 16)
  let most = 0
  const kills = rounds(10)
  for (let round = 0; round < kills; round += 1) {
    const holder = start(t, 'peers', 'holdFile', [file.id])
    t.deepEqual(await holder.next(), { abandoned: false })
    const waiting = file.lock({ timeout: 60_000 })
    await delay(2)
    const killed = performance.now()
    await holder.kill()
    const guard = await waiting
    most = Math.max(most, performance.now() - killed)
    t.true(guard.abandoned)
    guard.release()
    t.is(file.recovered, round + 1)
  }
  t.log(`${kills} kills, at most ${most.toFixed(1)} ms from the kill to the next lock`)
  t.true(most < PROMPT)
})

test('a worker that is terminated while it holds the lock loses it', async (t) => {
  const file = create(t)
  const code = `
    const { MmFile } = require(${JSON.stringify(fileURLToPath(new URL('../../dist/index.js', import.meta.url)))})
    const { parentPort, workerData } = require('node:worker_threads')
    const file = MmFile.openExisting(workerData)
    file.lock().then((guard) => { globalThis.guard = guard; parentPort.postMessage('locked') })
    setInterval(() => {}, 1000)`
  const worker = new Worker(code, { eval: true, workerData: file.id })
  await new Promise((resolve) => worker.once('message', resolve))
  t.is(file.tryLock(), undefined)
  await worker.terminate()
  const guard = await file.lock({ timeout: 2000 })
  t.pass()
  guard.release()
})

test('a guard that is lost is released, with a warning', async (t) => {
  for (const how of ['lock', 'tryLock']) {
    const { said } = await run(t, 'peers', 'loseGuard', [how], { node: ['--expose-gc'] })
    t.deepEqual(said, [{ warnings: ['MMFILE_GUARD_LOST'], free: true }], how)
  }
})

test('many locks on one handle use one thread, and none of libuv', async (t) => {
  const file = create(t)
  const threads = () => (process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0)
  ;(await file.lock()).release()
  const before = threads()
  for (let round = 0; round < 500; round += 1) (await file.lock()).release()
  t.is(threads(), before)
})

test('a lock() that has timed out behind a busy thread settles, and blocks others until then', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const guard = await file.lock()
  for (const busy of [0, 60]) {
    const first = other.lock({ timeout: 10 })
    const until = performance.now() + busy
    while (performance.now() < until);
    const second = other.lock({ timeout: 10 })
    refuses(t, () => other.tryLock(), 'ERR_MMFILE_LOCK_HELD')
    await rejects(t, second, 'ERR_MMFILE_LOCK_HELD')
    await rejects(t, first, 'ERR_MMFILE_TIMEOUT')
  }
  guard.release()
  const again = await other.lock()
  again.release()
})

test('a lock() that has timed out does not block the next one', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const guard = await file.lock()
  for (let round = 0; round < rounds(100); round += 1)
    await rejects(t, other.lock({ timeout: 1 }), 'ERR_MMFILE_TIMEOUT')
  guard.release()
})

test('an operation during a pending lock() runs inside the lock once it is taken', async (t) => {
  const file = create(t, 1 << 16, { lockTimeout: 60_000 })
  const other = await actor(t)
  await other.keeps('file', 'MmFile', 'openExisting', file.id)
  for (let round = 0; round < rounds(5); round += 1) {
    await other.keeps('guard', 'file', 'tryLock')
    other.begins([
      { on: 'actor', call: 'block', args: [50] },
      { on: 'guard', call: 'release' },
    ])
    const pending = file.lock()
    await delay(1)
    const started = performance.now()
    file.append('x')
    t.true(performance.now() - started < PROMPT, 'it waited for its own holder')
    const guard = await pending
    file.append('y')
    guard.release()
    await other.ends()
  }
})
