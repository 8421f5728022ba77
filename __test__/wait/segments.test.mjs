// segments() and async iteration: what is there and what will come, until the file is sealed.

import { getEventListeners } from 'node:events'
import test from 'ava'
import { start } from '../support/child.mjs'
import { create, open, rejects } from '../support/files.mjs'

async function collect(iterable) {
  const all = []
  for await (const value of iterable) all.push(value)
  return all
}

test('it yields existing and new segments, and ends at the seal', async (t) => {
  const file = create(t)
  const reader = open(t, file, { access: 'read' })
  file.appendAll(['a', '', '\ud800'])
  const reading = collect(reader)
  setImmediate(() => {
    file.append('later')
    setImmediate(() => file.seal())
  })
  t.deepEqual(await reading, ['a', '', '\ud800', 'later'])
  t.deepEqual(
    await collect(reader),
    ['a', '', '\ud800', 'later'],
    'and again, sealed from the start',
  )
})

test('as strings, bytes or views, from any index on', async (t) => {
  const file = create(t)
  file.appendAll(['a', new Uint8Array([1, 2, 3]), 'bc'])
  file.seal()
  t.deepEqual(await collect(file.segments({ from: 2 })), ['bc'])
  t.deepEqual(await collect(file.segments({ from: 3 })), [])
  const bytes = await collect(file.segments({ as: 'bytes' }))
  t.deepEqual(bytes[1], Buffer.from([1, 2, 3]))
  const views = await collect(file.segments({ as: 'view', from: 1 }))
  t.deepEqual(views[0], new Uint8Array([1, 2, 3]))
  t.is(views[0].buffer, views[1].buffer, 'windows on the same memory')
  await rejects(t, () => collect(file.segments({ as: 'value' })), 'ERR_MMFILE_NOT_TEXT')
})

test("another process's segments arrive in order and complete", async (t) => {
  const file = create(t, 1 << 20)
  const count = 5000
  const reading = collect(file.segments())
  start(t, 'peers', 'produce', [file.id, count])
  const got = await reading
  t.is(got.length, count)
  t.true(got.every((value, index) => value === `segment ${index}`))
})

test('break, a signal and close() end it', async (t) => {
  const file = create(t)
  file.append('first')
  for await (const value of file) {
    t.is(value, 'first')
    break
  }
  const controller = new AbortController()
  const aborted = collect(file.segments({ signal: controller.signal }))
  const reason = new Error('enough')
  setImmediate(() => controller.abort(reason))
  const error = await t.throwsAsync(aborted, { name: 'AbortError' })
  t.is(error.cause, reason)
  await t.throwsAsync(collect(file.segments({ signal: AbortSignal.abort() })), {
    name: 'AbortError',
  })
  const closed = collect(file)
  setImmediate(() => file.close())
  await rejects(t, closed, 'ERR_MMFILE_CLOSED')
})

test('return() and throw() end it while it waits', async (t) => {
  const file = create(t)
  file.append('first')
  const own = new Error('own')
  for (const signal of [undefined, new AbortController().signal]) {
    const returned = file.segments({ signal })
    t.deepEqual(await returned.next(), { value: 'first', done: false })
    const pending = [returned.next(), returned.next()]
    await new Promise(setImmediate)
    t.deepEqual(await returned.return('value'), { value: 'value', done: true })
    for (const next of pending) t.deepEqual(await next, { value: undefined, done: true })
    t.deepEqual(await returned.next(), { value: undefined, done: true })

    const thrown = file.segments({ signal, from: 1 })
    const next = thrown.next()
    await t.throwsAsync(thrown.throw(own), { is: own })
    t.deepEqual(await next, { value: undefined, done: true })
    if (signal) t.is(getEventListeners(signal, 'abort').length, 0)

    // Where it does not wait, they do what they do with any generator.
    const before = file.segments({ signal })
    await t.throwsAsync(before.throw(own), { is: own })
    t.deepEqual(await before.next(), { value: undefined, done: true })
    const between = file.segments({ signal })
    await between.next()
    t.deepEqual(await between.return(), { value: undefined, done: true })
  }
  const both = file.segments({ from: 1 })
  const last = both.next()
  file.append('second')
  t.deepEqual(await both.return(), { value: undefined, done: true })
  t.true([true, false].includes((await last).done), 'what had come by then may have been in time')
})

test('several iterators of one handle do not disturb one another', async (t) => {
  const file = create(t, 1 << 16)
  const readings = Array.from({ length: 10 }, (_, from) => collect(file.segments({ from })))
  for (let index = 0; index < 100; index += 1) {
    file.append(`${index}`)
    if (index % 10 === 0) await new Promise(setImmediate)
  }
  file.seal()
  const all = await Promise.all(readings)
  t.deepEqual(
    all.map((got) => got.length),
    [100, 99, 98, 97, 96, 95, 94, 93, 92, 91],
  )
})

test('wrong options are refused', (t) => {
  const file = create(t)
  t.throws(() => file.segments({ from: -1 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => file.segments({ from: '0' }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => file.segments({ as: 'text' }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => file.segments({ signal: {} }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => file.segments(5), { code: 'ERR_INVALID_ARG_TYPE' })
  file.close()
  t.throws(() => file.segments(), { code: 'ERR_MMFILE_CLOSED' })
})
