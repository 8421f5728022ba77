// Sending: order, room, expected indices, all or none, and in place.

import { finished } from 'node:stream/promises'
import test from 'ava'
import { Channel } from 'mmfile'
import { channel, closing, fill, refuses, rejects } from '../support/channels.mjs'

const small = (t, options = {}) => channel(t, { capacity: 4096, ...options })

test('messages of all senders get gapless indices from 0', async (t) => {
  const one = small(t, { encoding: 'utf8' })
  const other = closing(t, Channel.openExisting(one.id))
  const indices = [
    one.trySend('a'),
    other.sendSync('b'),
    await one.send('c'),
    await other.sendAll(['d', 'e']),
  ]
  t.deepEqual(indices, [0, 1, 2, 3])
  t.is(one.nextIndex, 5)
})

test('without reliable readers the oldest goes, and nothing waits', (t) => {
  const one = small(t)
  for (let n = 0; n < 1000; n += 1) t.is(one.trySend(Buffer.alloc(100)), n)
  t.true(one.oldestIndex > 900)
})

test('full means that the slowest reader leaves no room', async (t) => {
  const one = small(t)
  const slow = one.reader()
  const fast = one.reader()
  const count = fill(one)
  t.true(count > 20)
  fast.tryReceiveAll(1000)
  t.is(one.trySend(Buffer.alloc(100)), undefined)
  const error = await rejects(t, one.send(Buffer.alloc(100), { timeout: 10 }), 'ERR_MMFILE_FULL')
  t.like(error.slowest, { role: 'reader', pid: process.pid, nextIndex: 0, lag: count })
  t.true(error.slowest.since instanceof Date)
  t.like(
    refuses(t, () => one.sendSync(Buffer.alloc(100), { timeout: 5 }), 'ERR_MMFILE_FULL').slowest,
    {
      lag: count,
    },
  )
  one.evict(error.slowest)
  t.is(one.trySend(Buffer.alloc(100)), count)
  refuses(t, () => slow.tryReceive(), 'ERR_MMFILE_EVICTED')
})

test('a group without members holds writers back, and FULL names it', async (t) => {
  const one = small(t, { groups: ['nobody'] })
  const count = fill(one)
  const error = await rejects(t, one.send(Buffer.alloc(100), { timeout: 0 }), 'ERR_MMFILE_FULL')
  t.like(error.slowest, { role: 'group', group: 'nobody', pid: undefined, lag: count })
  t.regex(error.message, /nobody/)
  one.removeGroup('nobody')
  t.is(one.trySend(Buffer.alloc(100)), count)
})

test('send waits for room, in the order of the calls', async (t) => {
  const one = small(t, { encoding: 'utf8' })
  const reader = one.reader()
  const sent = []
  const pending = []
  for (let n = 0; n < 200; n += 1) {
    pending.push(one.send(`${n} ${'x'.repeat(100)}`).then((index) => sent.push(index)))
  }
  const got = []
  for await (const { index, value } of reader) {
    got.push([index, Number.parseInt(value, 10)])
    if (got.length === 200) break
  }
  await Promise.all(pending)
  t.deepEqual(
    sent,
    [...sent].sort((a, b) => a - b),
  )
  t.deepEqual(
    got,
    got.map((_, n) => [n, n]),
  )
})

test('the value is taken during the call', async (t) => {
  const one = small(t)
  const reader = one.reader()
  const count = fill(one)
  const bytes = Buffer.from('before')
  const pending = one.send(bytes)
  bytes.write('after!')
  t.is(reader.tryReceiveAll(10).length, 10)
  t.is(await pending, count)
  t.is(reader.tryReceiveAll(1000).at(-1).value.toString(), 'before')
})

test('trySend gets nothing while a send waits, and gets its turn once that is through', async (t) => {
  const one = small(t)
  const reader = one.reader()
  const count = fill(one)
  const pending = one.send(Buffer.alloc(900))
  t.is(reader.tryReceiveAll(2).length, 2)
  t.is(one.trySend(Buffer.alloc(10)), undefined)
  reader.tryReceiveAll(1000)
  t.is(one.trySend(Buffer.alloc(10)), count + 1)
  t.is(await pending, count)
})

test('trySend says that there is room as soon as there is', (t) => {
  const one = small(t)
  const reader = one.reader()
  for (let n = 0; n < 3; n += 1) {
    fill(one)
    t.truthy(reader.tryReceive())
    t.not(one.trySend(Buffer.alloc(100)), undefined)
    reader.tryReceiveAll(1000)
  }
})

test('the 1,025th send that waits is FULL at once', async (t) => {
  const one = small(t)
  const reader = one.reader()
  fill(one)
  const pending = []
  for (let n = 0; n < 1024; n += 1) pending.push(one.send(Buffer.alloc(100)))
  const error = await rejects(t, one.send(Buffer.alloc(100)), 'ERR_MMFILE_FULL')
  t.regex(error.message, /await send\(\)/)
  const settled = Promise.allSettled(pending)
  one.close()
  t.true((await settled).every(({ reason }) => reason.code === 'ERR_MMFILE_CLOSED'))
  t.true(reader.closed)
})

test('expectedIndex: compare and set', async (t) => {
  const one = small(t, { encoding: 'json' })
  t.is(one.trySend('a', { expectedIndex: 0 }), 0)
  refuses(t, () => one.trySend('b', { expectedIndex: 0 }), 'ERR_MMFILE_SEGMENT_ORDER')
  refuses(t, () => one.sendSync('b', { expectedIndex: 2 }), 'ERR_MMFILE_SEGMENT_ORDER')
  await rejects(t, one.send('b', { expectedIndex: 0 }), 'ERR_MMFILE_SEGMENT_ORDER')
  t.is(await one.send('b', { expectedIndex: 1 }), 1)
  t.is(one.newest().value, 'b')
  t.throws(() => one.trySend('c', { expectedIndex: -1 }), { code: 'ERR_OUT_OF_RANGE' })
})

test('sendAll: all or none, next to each other', async (t) => {
  const one = small(t, { encoding: 'utf8' })
  const reader = one.reader()
  t.is(await one.sendAll(new Set(['a', 'b', 'c'])), 0)
  t.is(one.sendAllSync([]), 3)
  t.is(one.trySendAll(['d']), 3)
  t.deepEqual(
    reader.tryReceiveAll(10).map(({ value }) => value),
    ['a', 'b', 'c', 'd'],
  )
  const much = Array.from({ length: 20 }, () => 'x'.repeat(100))
  refuses(t, () => one.trySendAll(much), 'ERR_MMFILE_CAPACITY')
  t.throws(() => one.trySendAll(['a', 5]), { code: 'ERR_INVALID_ARG_TYPE', message: /values\[1\]/ })
  t.throws(() => one.trySendAll('text'), { code: 'ERR_INVALID_ARG_TYPE' })
  await t.throwsAsync(one.sendAll(5), { code: 'ERR_INVALID_ARG_TYPE' })
  t.is(one.nextIndex, 4)
})

test('sendAll of a codec that uses its bytes again', (t) => {
  const bytes = Buffer.alloc(1)
  const encoding = {
    name: 'one-byte',
    encode: (value) => {
      bytes[0] = value
      return bytes
    },
    decode: ([value]) => value,
  }
  const one = small(t, { encoding })
  const reader = one.reader()
  one.sendAllSync([1, 2, 3])
  t.deepEqual(
    reader.tryReceiveAll(10).map(({ value }) => value),
    [1, 2, 3],
  )
})

test('sendWith is filled in place', async (t) => {
  const one = small(t)
  const reader = one.reader()
  let target
  const index = await one.sendWith(8, (bytes) => {
    target = bytes
    t.is(bytes.length, 8)
    bytes.set([1, 2, 3])
    return 3
  })
  t.is(index, 0)
  t.is(target.length, 0)
  t.is(
    one.trySendWith(2, (bytes) => void bytes.set([4, 5])),
    1,
  )
  t.is(
    one.sendWithSync(0, () => {}),
    2,
  )
  t.deepEqual(
    reader.tryReceiveAll(10).map(({ value }) => [...value]),
    [[1, 2, 3], [4, 5], []],
  )
})

test('a fill that throws, promises or counts wrongly sends nothing', (t) => {
  const one = small(t)
  const wrong = new Error('no')
  const fails = (fill) => () => one.sendWithSync(8, fill)
  t.is(
    t.throws(
      fails(() => {
        throw wrong
      }),
    ),
    wrong,
  )
  t.throws(
    fails(async () => {}),
    { code: 'ERR_INVALID_ARG_VALUE' },
  )
  t.throws(
    fails(() => 9),
    { code: 'ERR_OUT_OF_RANGE' },
  )
  t.throws(
    fails(() => 'x'),
    { code: 'ERR_INVALID_ARG_TYPE' },
  )
  t.throws(() => one.sendWithSync(8, 5), { code: 'ERR_INVALID_ARG_TYPE' })
  t.is(one.nextIndex, 0)
  t.is(one.sendSync(Buffer.from('x')), 0)
})

test('calls of a fill on its own channel are LOCK_HELD, and do not hang', (t) => {
  const one = small(t)
  const other = closing(t, Channel.openExisting(one.id))
  const index = one.sendWithSync(4, (bytes) => {
    refuses(t, () => one.trySend(Buffer.from('x')), 'ERR_MMFILE_LOCK_HELD')
    refuses(t, () => other.trySend(Buffer.from('x')), 'ERR_MMFILE_LOCK_HELD')
    refuses(t, () => one.close(), 'ERR_MMFILE_LOCK_HELD')
    bytes.fill(7)
  })
  t.is(index, 0)
  t.false(one.closed)
  t.deepEqual([...one.newest().value], [7, 7, 7, 7])
  one.sendWithSync(1, () => {
    const reader = one.reader({ as: 'view', from: 'oldest' })
    t.deepEqual([...reader.tryReceive().value], [7, 7, 7, 7], 'what is there can be read')
  })
})

test('fill is not called while there is no room, and once when there is', async (t) => {
  const one = small(t)
  const reader = one.reader()
  const count = fill(one)
  let calls = 0
  const pending = one.sendWith(100, () => {
    calls += 1
  })
  t.is(
    one.trySendWith(100, () => t.fail()),
    undefined,
  )
  t.is(calls, 0)
  reader.tryReceiveAll(1000)
  t.is(await pending, count)
  t.is(calls, 1)
})

test('waits are given up', async (t) => {
  const one = small(t)
  one.reader()
  fill(one)
  const abort = new AbortController()
  const pending = one.send(Buffer.alloc(100), { signal: abort.signal })
  const next = one.send(Buffer.alloc(100), { timeout: 20 })
  const reason = new Error('enough')
  abort.abort(reason)
  const error = await t.throwsAsync(pending, { name: 'AbortError', code: 'ABORT_ERR' })
  t.is(error.cause, reason)
  await rejects(t, next, 'ERR_MMFILE_FULL')
  await t.throwsAsync(one.send(Buffer.alloc(1), { signal: abort.signal }), { name: 'AbortError' })
})

test('a large message is not starved by small ones', async (t) => {
  const one = small(t)
  const other = closing(t, Channel.openExisting(one.id))
  const reader = one.reader()
  fill(one)
  let large
  const pending = one.send(Buffer.alloc(1000)).then((index) => {
    large = index
  })
  for (let n = 0; n < 2000 && large === undefined; n += 1) {
    reader.tryReceive()
    other.trySend(Buffer.alloc(10))
    await new Promise(setImmediate)
  }
  t.not(large, undefined)
  await pending
})

test('seal: no more messages, idempotent', async (t) => {
  const one = small(t, { encoding: 'utf8' })
  one.reader()
  fill({ trySend: () => one.trySend('x'.repeat(100)) })
  const pending = one.send('y'.repeat(100))
  one.seal()
  one.seal()
  t.true(one.sealed)
  await rejects(t, pending, 'ERR_MMFILE_SEALED')
  refuses(t, () => one.trySend('x'), 'ERR_MMFILE_SEALED')
  await rejects(t, one.request('x'), 'ERR_MMFILE_SEALED')
})

test('a write stream sends every chunk and waits for room', async (t) => {
  const one = small(t, { encoding: 'utf8' })
  const reader = one.reader()
  const stream = one.createWriteStream({ seal: true })
  for (let n = 0; n < 100; n += 1) stream.write(`${n} ${'x'.repeat(100)}`)
  stream.end()
  const got = []
  for await (const { value } of reader) got.push(Number.parseInt(value, 10))
  await finished(stream)
  t.deepEqual(
    got,
    got.map((_, n) => n),
  )
  t.is(got.length, 100)
})

test('the rows of peers() and participants()', (t) => {
  const one = small(t, { groups: ['g'] })
  const other = closing(t, Channel.openExisting(one.id, { access: 'read' }))
  t.deepEqual(
    one.peers().map(({ pid, access, isCreator, self }) => ({ pid, access, isCreator, self })),
    [
      { pid: process.pid, access: 'read-write', isCreator: true, self: true },
      { pid: process.pid, access: 'read', isCreator: false, self: false },
    ],
  )
  const member = one.member('g')
  const rows = other.participants()
  t.deepEqual(rows.map(({ role, group }) => [role, group]).sort(), [
    ['group', 'g'],
    ['member', 'g'],
  ])
  t.is(new Set(rows.map(({ id }) => id)).size, 2)
  for (const row of rows) t.is(typeof row.id, 'string')
  member.close()
  t.deepEqual(
    one.participants().map(({ role }) => role),
    ['group'],
  )
  t.throws(() => one.evict({ id: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.notThrows(() => one.evict(rows.find(({ role }) => role === 'member')))
  t.throws(() => one.evict(rows.find(({ role }) => role === 'group')), {
    code: 'ERR_INVALID_ARG_VALUE',
  })
})

test('no free slot is NO_SPACE', async (t) => {
  const one = small(t, { maxParticipants: 2 })
  const [a, b] = [one.reader(), one.reader()]
  refuses(t, () => one.reader(), 'ERR_MMFILE_NO_SPACE')
  refuses(t, () => one.createGroup('g'), 'ERR_MMFILE_NO_SPACE')
  await rejects(t, one.exclusiveWriter(), 'ERR_MMFILE_NO_SPACE')
  t.notThrows(() => one.reader({ lossy: true }))
  a.close()
  t.notThrows(() => one.reader())
  b.close()
})
