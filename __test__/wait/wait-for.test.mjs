// waitFor in one process: what it resolves and rejects with, and when.

import { getEventListeners } from 'node:events'
import test from 'ava'
import { MmFile } from 'mmfile'
import { create, open, refuses, rejects } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** The state of a promise, without waiting for it. */
async function state(promise) {
  await pause(30)
  return Promise.race([
    promise.then(
      () => 'resolved',
      (error) => error.code,
    ),
    'pending',
  ])
}

test('a segment that is there already', async (t) => {
  const file = create(t)
  file.appendAll(['a', 'b'])
  for (const options of [undefined, {}, { timeout: 0 }, { timeout: 1 }, { timeout: Infinity }]) {
    t.is(await file.waitFor(0, options), undefined)
    t.is(await file.waitFor(1, options), undefined)
  }
  t.is(await open(t, file, { access: 'read' }).waitFor(1), undefined)
})

test('a segment that comes later, by whichever way and handle', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const reader = open(t, file, { access: 'read' })
  let index = 0
  for (const act of [
    () => file.append('x'),
    () => other.append(''),
    () => other.write(index, 'x'),
    () => other.appendAll(['x']),
    () => other.withLockSync(() => other.append('x')),
    () => open(t, file, { synchronized: false }).append('x'),
  ]) {
    const waits = [file, other, reader].map((handle) => handle.waitFor(index))
    t.is(await state(Promise.any(waits)), 'pending')
    act()
    await Promise.all(waits)
    t.is(file.length, index + 1)
    index += 1
  }
})

test('each wait has its own index', async (t) => {
  const file = create(t)
  const order = []
  const waits = [3, 0, 2, 2, 1, 9].map((index) => file.waitFor(index).then(() => order.push(index)))
  file.append('zero')
  await waits[1]
  t.deepEqual(order, [0])
  file.appendAll(['one', 'two'])
  await Promise.all([waits[2], waits[3], waits[4]])
  t.deepEqual(order.toSorted?.() ?? [...order].sort(), [0, 1, 2, 2])
  file.append('three')
  await waits[0]
  t.is(await state(waits[5]), 'pending')
  file.appendAll(Array(6).fill('more'))
  await waits[5]
})

test('waits that are asked for while others settle', async (t) => {
  const file = create(t)
  const seen = []
  const follow = async () => {
    for (let index = 0; index < 50; index += 1) {
      await file.waitFor(index)
      seen.push(index)
      if (index % 2 === 0) await file.waitFor(index, { timeout: 5 })
      else await rejects(t, file.waitFor(index + 1, { timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
    }
  }
  const following = follow()
  for (let index = 0; index < 50; index += 1) {
    while (seen.length < index) await pause(0)
    file.append(`${index}`)
  }
  await following
  t.is(seen.length, 50)
})

test('a timeout of 0 checks once', async (t) => {
  const file = create(t)
  await rejects(t, file.waitFor(0, { timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
  file.append('x')
  await file.waitFor(0, { timeout: 0 })
  const { message } = await rejects(t, file.waitFor(1, { timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
  t.regex(message, /1/)
})

test('a timeout is a time, of whole milliseconds or not', async (t) => {
  const file = create(t)
  for (const timeout of [1, 0.5, 30.25, 80]) {
    const started = performance.now()
    await rejects(t, file.waitFor(0, { timeout }), 'ERR_MMFILE_TIMEOUT')
    const took = performance.now() - started
    t.true(took >= timeout && took < timeout + PROMPT, `${took} ms instead of ${timeout}`)
  }
})

test('a timeout that is longer than a timer can be', async (t) => {
  const file = create(t)
  const waits = [2 ** 31, 2 ** 40, Number.MAX_VALUE].map((timeout) => file.waitFor(0, { timeout }))
  t.is(await state(Promise.any(waits)), 'pending')
  file.append('x')
  await Promise.all(waits)
  t.pass()
})

test('one wait that times out does not disturb the others', async (t) => {
  const file = create(t)
  const stays = [file.waitFor(0), file.waitFor(5)]
  await rejects(t, file.waitFor(0, { timeout: 10 }), 'ERR_MMFILE_TIMEOUT')
  await rejects(t, file.waitFor(7, { timeout: 10 }), 'ERR_MMFILE_TIMEOUT')
  file.append('x')
  await stays[0]
  t.is(await state(stays[1]), 'pending')
  file.appendAll(Array(5).fill(''))
  await stays[1]
  t.pass()
})

test('after all waits have timed out, the next one works', async (t) => {
  const file = create(t)
  for (let round = 0; round < 20; round += 1) {
    await rejects(t, file.waitFor(round + 5, { timeout: 2 }), 'ERR_MMFILE_TIMEOUT')
    const wait = file.waitFor(round)
    file.append('x')
    const started = performance.now()
    await wait
    t.true(performance.now() - started < PROMPT, 'and it does not come late')
  }
})

test('a signal aborts the wait, with its reason as the cause', async (t) => {
  const file = create(t)
  const reason = new Error('its own reason')
  for (const [given, expected] of [
    [reason, reason],
    ['a string', 'a string'],
    [null, null],
    [0, 0],
  ]) {
    const controller = new AbortController()
    const { signal } = controller
    const wait = file.waitFor(0, { signal })
    t.is(await state(wait), 'pending')
    controller.abort(given)
    const error = await t.throwsAsync(wait, { name: 'AbortError', code: 'ABORT_ERR' })
    t.true(error instanceof Error)
    t.true('cause' in error)
    t.is(error.cause, expected)
    t.is(getEventListeners(signal, 'abort').length, 0)
  }
  const controller = new AbortController()
  const wait = file.waitFor(0, { signal: controller.signal })
  controller.abort()
  const error = await t.throwsAsync(wait, { name: 'AbortError' })
  t.is(error.cause, controller.signal.reason)
  t.is(error.cause.name, 'AbortError')
})

test('a signal that was aborted before', async (t) => {
  const file = create(t)
  file.append('there')
  const reason = { any: 'thing' }
  for (const index of [0, 1]) {
    const wait = file.waitFor(index, { signal: AbortSignal.abort(reason), timeout: 0 })
    const error = await t.throwsAsync(wait, { name: 'AbortError', code: 'ABORT_ERR' })
    t.is(error.cause, reason)
  }
})

test('AbortSignal.timeout, and a longer `timeout`', async (t) => {
  const file = create(t)
  const signal = AbortSignal.timeout(20)
  const error = await t.throwsAsync(file.waitFor(0, { signal, timeout: 5000 }), {
    name: 'AbortError',
  })
  t.is(error.cause.name, 'TimeoutError')
})

test('a signal that many waits share, and that is never aborted', async (t) => {
  const file = create(t)
  const { signal } = new AbortController()
  const waits = Array.from({ length: 10 }, (_, at) =>
    file.waitFor(at % 2, { signal, timeout: at < 5 ? 5 : undefined }),
  )
  const timedOut = waits.slice(0, 5).map((wait) => rejects(t, wait, 'ERR_MMFILE_TIMEOUT'))
  await Promise.all(timedOut)
  file.appendAll(['x', 'y'])
  await Promise.all(waits.slice(5))
  await file.waitFor(0, { signal })
  t.is(getEventListeners(signal, 'abort').length, 0, 'nothing is left on it')
})

test('aborting after the end changes nothing', async (t) => {
  const file = create(t)
  const controller = new AbortController()
  const wait = file.waitFor(0, { signal: controller.signal })
  file.append('x')
  await wait
  controller.abort()
  t.is(await wait, undefined)
})

test('a file that was waited on, or is, ends when it is closed and not later', async (t) => {
  for (const index of [0, 1]) {
    const file = MmFile.createNew(4096)
    const wait = file.waitFor(index).catch((error) => error.code)
    file.append('x')
    if (index === 0) await wait
    file.close()
    t.throws(() => MmFile.openExisting(file.id), { code: 'ERR_MMFILE_NOT_FOUND' })
    t.is(await wait, index === 0 ? undefined : 'ERR_MMFILE_CLOSED')
  }
})

test('closing rejects all that is pending', async (t) => {
  const file = create(t)
  const { signal } = new AbortController()
  const waits = [file.waitFor(0), file.waitFor(9, { timeout: 1e6 }), file.waitFor(0, { signal })]
  file.close()
  for (const wait of waits) await rejects(t, wait, 'ERR_MMFILE_CLOSED')
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test('sealing rejects the waits for what can never come', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const reader = open(t, file, { access: 'read' })
  const fine = [file.waitFor(0), other.waitFor(0)]
  const waits = [file, other, reader].flatMap((one) => [
    one.waitFor(1),
    one.waitFor(7, { timeout: 1e6 }),
  ])
  file.append('the last')
  other.seal()
  for (const wait of waits) await rejects(t, wait, 'ERR_MMFILE_SEALED')
  await Promise.all(fine)
  await file.waitFor(0)
  for (const options of [undefined, { timeout: 0 }, { timeout: 1000 }]) {
    await rejects(t, reader.waitFor(1, options), 'ERR_MMFILE_SEALED')
  }
})

test('the awaited segment is there when the promise resolves', async (t) => {
  const file = create(t, 1 << 20)
  const other = open(t, file)
  const random = Array.from({ length: 200 }, (_, at) => (at * 7919) % 200)
  const reads = random.map((index) => file.waitFor(index).then(() => file.read(index)))
  for (let at = 0; at < 200; at += 1) {
    other.append(`segment ${at}`)
    if (at % 10 === 0) await pause(0)
  }
  t.deepEqual(
    await Promise.all(reads),
    random.map((index) => `segment ${index}`),
  )
})

test('waiting while the same handle has the lock', async (t) => {
  const file = create(t)
  const result = await file.withLock(async () => {
    const wait = file.waitFor(0)
    await pause(20)
    file.append('from inside')
    await wait
    await rejects(t, file.waitFor(1, { timeout: 10 }), 'ERR_MMFILE_TIMEOUT')
    return 'done'
  })
  t.is(result, 'done')
})

test('a wait continues when another handle closes', async (t) => {
  const file = create(t, 4096, { lifetime: 'last-process' })
  const other = open(t, file)
  const wait = file.waitFor(0)
  other.close()
  t.is(await state(wait), 'pending')
  open(t, file).append('x')
  await wait
  refuses(t, () => other.append('x'), 'ERR_MMFILE_CLOSED')
})
