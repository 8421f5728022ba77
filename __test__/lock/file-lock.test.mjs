// The file's own lock, held over several operations.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { MmFile, MmFileError } from 'mmfile'
import { run, start } from '../support/child.mjs'
import { create, open, refuses, rejects } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

/** Whether another process can have the lock now. It blocks until that has looked. */
function isFree(file) {
  const script = fileURLToPath(new URL('../support/locks.mjs', import.meta.url))
  return JSON.parse(execFileSync(process.execPath, [script, 'isFree', file.id]))
}

test('withLockSync calls its work with the lock held, and returns what that returns', (t) => {
  const file = create(t)
  const result = {}
  t.is(
    file.withLockSync((...given) => {
      t.is(given.length, 1)
      t.is(given[0].abandoned, false)
      t.false(isFree(file))
      return result
    }),
    result,
  )
  t.true(isFree(file))
  t.is(file.recovered, 0)
})

test('all operations of the handle work inside', async (t) => {
  const file = create(t)
  const reader = open(t, file, { access: 'read' })
  const check = () => {
    const index = file.length
    file.write(index, 'written')
    t.is(file.append('appended'), index + 1)
    t.is(file.appendAll(['all', 'of', 'it']), index + 2)
    t.is(file.read(index), 'written')
    t.is(file.view(index).length, 14)
    t.is(file.byteLength(index + 4), 4)
    t.is([...file].length, index + 5)
    file.waitForSync(index + 4, { timeout: 0 })
    t.deepEqual([file.sealed, file.size > 0], [false, true])
    t.is(reader.length, index + 5, 'and others can read meanwhile')
    t.is(reader.read(index), 'written')
  }
  file.withLockSync(check)
  await file.withLock(async () => {
    await Promise.resolve()
    check()
    await file.waitFor(file.length - 1)
    const next = file.waitFor(file.length)
    file.append('wakes the one who has the lock, too')
    await next
    check()
  })
  file.withLockSync(() => file.seal())
  t.true(reader.sealed)
})

test('an async work has the lock until its promise has settled', async (t) => {
  const file = create(t)
  const child = start(t, 'locks', 'wait', [file.id])
  await child.next()
  const promise = file.withLock(async () => {
    child.tell('wait')
    t.is(await child.next(), 'waiting')
    await new Promise((resolve) => setTimeout(resolve, 50))
    file.append('from the holder')
    return 'result'
  })
  t.true(promise instanceof Promise)
  t.is(await promise, 'result')
  t.deepEqual(await child.next(), { abandoned: false, seen: ['from the holder'] })
})

test('a thenable counts as a promise', async (t) => {
  const file = create(t)
  let settle
  const promise = file.withLock(() => ({
    // biome-ignore lint/suspicious/noThenProperty: the test needs a `then`
    then(resolve) {
      settle = resolve
    },
  }))
  while (settle === undefined) await new Promise(setImmediate)
  refuses(t, () => file.tryLock(), 'ERR_MMFILE_LOCK_HELD')
  settle('result')
  t.is(await promise, 'result')
  file.tryLock().release()
})

test('a work that throws or rejects gives the lock back', async (t) => {
  const file = create(t)
  const own = new Error('its own')
  const thrown = t.throws(() =>
    file.withLockSync(() => {
      throw own
    }),
  )
  t.is(thrown, own)
  t.true(isFree(file))
  const rejected = await t.throwsAsync(
    file.withLock(async () => {
      await Promise.resolve()
      throw own
    }),
  )
  t.is(rejected, own)
  t.true(isFree(file))
  t.throws(() => file.withLockSync(() => file.read(99)), { code: 'ERR_MMFILE_SEGMENT_RANGE' })
  t.true(isFree(file))
})

test('a second lock of the same handle is an error, not a hang', async (t) => {
  const file = create(t)
  file.withLockSync(() => {
    for (const act of [() => file.withLockSync(t.fail), () => file.tryLock()]) {
      t.regex(refuses(t, act, 'ERR_MMFILE_LOCK_HELD').message, /re-?entrant|already/)
    }
    t.is(file.append('the first is still held'), 0)
  })
  const guard = file.tryLock()
  refuses(t, () => file.withLockSync(t.fail, { timeout: 5000 }), 'ERR_MMFILE_LOCK_HELD')
  guard.release()
  await file.withLock(async () => {
    await Promise.resolve()
    refuses(t, () => file.withLockSync(t.fail), 'ERR_MMFILE_LOCK_HELD')
  })
  file.tryLock().release()
})

test('every call through another handle of the same thread fails at once', (t) => {
  const file = create(t)
  const other = open(t, file)
  const unsynchronized = open(t, file, { synchronized: false })
  file.append('before')
  file.withLockSync(() => {
    const started = performance.now()
    for (const act of [
      () => other.append('x'),
      () => other.write(1, 'x'),
      () => other.appendAll(['x']),
      () => other.seal(),
      () => other.withLockSync(t.fail),
      () => other.tryLock(),
      () => unsynchronized.tryLock(),
    ]) {
      refuses(t, act, 'ERR_MMFILE_LOCK_HELD')
    }
    t.true(performance.now() - started < PROMPT, 'it did not wait for itself')
    t.deepEqual([other.length, other.read(0), other.sealed], [1, 'before', false])
  })
  t.is(other.append('after'), 1)
})

test('locks of several files nest, and are released in any order', (t) => {
  const files = [create(t), create(t), create(t)]
  files[0].withLockSync(() =>
    files[1].withLockSync(() => files[2].withLockSync(() => files[0].append('x'))),
  )
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
    [1, 2, 0],
  ]) {
    const guards = files.map((file) => file.tryLock())
    for (const at of order) {
      guards[at].release()
      files[at].append('x')
    }
  }
  for (const file of files) t.true(isFree(file))
})

test('tryLock: a guard, or undefined if another process has it', async (t) => {
  const file = create(t)
  const guard = file.tryLock()
  t.is(guard.abandoned, false)
  t.false(isFree(file))
  t.is(guard.release(), undefined)
  t.true(isFree(file))
  const child = start(t, 'locks', 'hold', [file.id])
  await child.next()
  t.is(file.tryLock(), undefined)
  child.tell('release')
  await child.next()
  file.tryLock().release()
})

test('a guard is released only once', (t) => {
  const file = create(t)
  const first = file.tryLock()
  first.release()
  first.release()
  const second = file.tryLock()
  first.release()
  first[Symbol.dispose]()
  refuses(t, () => file.tryLock(), 'ERR_MMFILE_LOCK_HELD', 'the second is still held')
  second[Symbol.dispose]()
  second.release()
  const third = file.withLockSync((guard) => {
    guard.release()
    return file.tryLock()
  })
  refuses(t, () => file.tryLock(), 'ERR_MMFILE_LOCK_HELD', 'withLock released its own only')
  third.release()
  file.close()
  third.release()
})

test('another process waits for the lock, and no longer than its timeout', async (t) => {
  const file = open(t, create(t), { lockTimeout: 60 })
  const child = start(t, 'locks', 'hold', [file.id])
  await child.next()
  const took = (act) => {
    const started = performance.now()
    const { message } = refuses(t, act, 'ERR_MMFILE_TIMEOUT')
    t.regex(message, /lock/)
    return performance.now() - started
  }
  for (const [least, act] of [
    [59, () => file.append('x')],
    [59, () => file.write(1, 'x')],
    [59, () => file.appendAll(['x'])],
    [59, () => file.seal()],
    [0, () => file.withLockSync(t.fail, { timeout: 0 })],
    [20, () => file.withLockSync(t.fail, { timeout: 20 })],
    [149, () => file.withLockSync(t.fail, { timeout: 150 })],
  ]) {
    const time = took(act)
    t.true(time >= least && time < least + PROMPT, `${time} ms instead of ${least}`)
  }
  const impatient = open(t, file, { lockTimeout: 0 })
  t.true(took(() => impatient.append('x')) < PROMPT)
  t.deepEqual([file.length, file.read(0)], [1, 'from the holder'], 'reading takes no lock')
  child.tell('release')
  await child.next()
  t.is(impatient.append('x'), 1, 'a timeout of 0 is enough when it is free')
})

test('a waiter gets the lock as soon as it is released', async (t) => {
  const file = create(t)
  const child = start(t, 'locks', 'hold', [file.id])
  await child.next()
  child.tell('release in 50')
  const started = performance.now()
  file.withLockSync(() => t.true(performance.now() - started > 20), { timeout: Infinity })
  t.is(await child.next(), 'released')
})

test("a 'read' handle can take the lock, and keeps writers out with it", (t) => {
  const file = create(t)
  const reader = open(t, file, { access: 'read' })
  const guard = reader.tryLock()
  t.false(isFree(file))
  refuses(t, () => file.append('x'), 'ERR_MMFILE_LOCK_HELD')
  guard.release()
  file.append('x')
})

// The lock of an async work is held by another thread.
for (const [what, held] of [
  ['guard', 'ERR_MMFILE_LOCK_HELD'],
  ['async work', 'held'],
]) {
  test(`the lock is kept while only the ${what} refers to the file`, async (t) => {
    const { said, stderr } = await run(t, 'locks', 'keep', [what], { node: ['--expose-gc'] })
    t.deepEqual([said, stderr], [[held, 'released', 'free'], ''])
  })
}

test('a guard that is lost gives the lock back in the end, with a warning', async (t) => {
  const { said, stderr } = await run(t, 'locks', 'lose', ['open'], { node: ['--expose-gc'] })
  t.deepEqual(said, ['free'])
  t.regex(stderr, /guard/)
  t.regex(stderr, /MMFILE_GUARD_LOST/)
})

test('a guard that is lost after its file was closed is nothing to warn of', async (t) => {
  const { said, stderr } = await run(t, 'locks', 'lose', ['closed'], { node: ['--expose-gc'] })
  t.deepEqual([said, stderr], [['free'], ''])
})

test('errors of the lock have the right codes', (t) => {
  const file = create(t)
  const error = t.throws(() => file.withLockSync(() => file.tryLock()))
  t.true(error instanceof MmFileError)
  t.true(error instanceof Error)
  t.is(`${error}`.split(':')[0], 'MmFileError')
  t.is(Object.prototype.toString.call(error), '[object Error]')
  t.deepEqual({ ...error }, { code: 'ERR_MMFILE_LOCK_HELD', pid: process.pid })
  t.is(new MmFileError('ERR_MMFILE_TIMEOUT', 'own').message, 'own')
  t.is(typeof MmFile, 'function')
})

test('exclusion: two processes that read, think and write lose no step', async (t) => {
  const file = create(t, 1 << 20)
  file.append('0')
  const children = [1, 2].map(() => start(t, 'locks', 'count', [file.id, 200]))
  for (const child of children) await child.next()
  for (const child of children) child.tell('go')
  for (const child of children) t.deepEqual(await child.next(), 'done')
  t.is(file.length, 401)
  t.deepEqual(
    [...file].map(Number),
    Array.from({ length: 401 }, (_, at) => at),
  )
})

test('a promise of a lock that timed out rejects where it was asked for', async (t) => {
  const file = create(t)
  const child = start(t, 'locks', 'hold', [file.id])
  await child.next()
  await rejects(
    t,
    file.withLock(async () => {}, { timeout: 10 }),
    'ERR_MMFILE_TIMEOUT',
  )
  child.tell('release')
})

test('a timeout names the process that holds the lock', async (t) => {
  const file = create(t, 1000)
  const holder = start(t, 'locks', 'hold', [file.id])
  t.is(await holder.next(), 'held')
  const brief = open(t, file, { lockTimeout: 20 })
  const errors = [
    refuses(t, () => file.lockSync({ timeout: 20 }), 'ERR_MMFILE_TIMEOUT'),
    refuses(t, () => brief.append('x'), 'ERR_MMFILE_TIMEOUT'),
    await rejects(t, file.lock({ timeout: 20 }), 'ERR_MMFILE_TIMEOUT'),
  ]
  for (const { message, pid } of errors) {
    t.is(pid, holder.pid)
    t.true(message.includes(`process ${pid} holds`), message)
  }
})
