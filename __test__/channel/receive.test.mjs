// Receiving: positions, forms, loops, lossy readers, views and their release, waits.

import test from 'ava'
import { Channel } from 'mmfile'
import { channel, closing, fill, refuses, rejects } from '../support/channels.mjs'
import { start } from '../support/child.mjs'

const small = (t, options = {}) => channel(t, { capacity: 4096, ...options })
const values = (messages) => messages.map(({ value }) => value)

test('a reader gets every message from its position on, in order, once', (t) => {
  const one = small(t, { encoding: 'json' })
  one.sendAllSync([0, 1, 2, 3])
  const from = (position) => values(one.reader({ from: position }).tryReceiveAll(10))
  t.deepEqual(from('oldest'), [0, 1, 2, 3])
  t.deepEqual(from('newest'), [3])
  t.deepEqual(from(2), [2, 3])
  t.deepEqual(from('new'), [])
  t.deepEqual(from(undefined), [])
  const later = one.reader({ from: 5 })
  one.sendAllSync([4, 5, 6])
  t.deepEqual(
    later.tryReceiveAll(10).map(({ index, value }) => [index, value]),
    [
      [5, 5],
      [6, 6],
    ],
  )
})

test('all that are there are also those that came since it took the last one', (t) => {
  const one = small(t)
  const reader = one.reader({ as: 'view' })
  const send = (n) => one.trySend(Buffer.from([n]))
  const numbers = (messages) => messages.map(({ value }) => value[0])
  for (const n of [0, 1, 2]) send(n)
  const first = reader.tryReceive()
  t.is(first.value[0], 0)
  for (const n of [3, 4]) send(n)
  t.deepEqual(numbers(reader.tryReceiveAll(10)), [1, 2, 3, 4])
  t.is(reader.tryReceive(), undefined)
  t.deepEqual(reader.tryReceiveAll(10), [])
  send(5)
  t.is(reader.receiveSync({ spin: 1, timeout: 1000 }).value[0], 5)
})

test('an index that is gone is LOST', (t) => {
  const one = small(t)
  for (let n = 0; n < 200; n += 1) one.trySend(Buffer.alloc(100))
  const { oldest } = refuses(t, () => one.reader({ from: 0 }), 'ERR_MMFILE_LOST')
  t.is(oldest, one.oldestIndex)
  refuses(t, () => one.reader({ from: 0, lossy: true }), 'ERR_MMFILE_LOST')
})

test('values, bytes and views', (t) => {
  const one = small(t, { encoding: 'json' })
  const [value, bytes, view] = ['value', 'bytes', 'view'].map((as) => one.reader({ as }))
  one.sendSync({ a: 1 })
  t.deepEqual(value.tryReceive().value, { a: 1 })
  const copy = bytes.tryReceive().value
  t.true(Buffer.isBuffer(copy))
  const message = view.tryReceive()
  t.true(message.value instanceof Uint8Array)
  t.is(message.value.byteOffset % 16, 0)
  t.is(Buffer.from(message.value).toString(), '{"a":1}')
  t.is(copy.toString(), '{"a":1}')
})

test('a view is not overwritten before its release, and the memory is used again after it', async (t) => {
  const one = small(t)
  const reader = one.reader({ as: 'view' })
  one.sendSync(Buffer.alloc(100, 1))
  const held = reader.tryReceive()
  let sent = 0
  while (one.trySend(Buffer.alloc(100, 2)) !== undefined) sent += 1
  for (const message of reader.tryReceiveAll(1000)) message.release()
  t.true(sent > 10)
  t.is(one.trySend(Buffer.alloc(100)), undefined)
  const error = await rejects(t, one.send(Buffer.alloc(100), { timeout: 1 }), 'ERR_MMFILE_FULL')
  t.like(error.slowest, { role: 'reader', nextIndex: 0 })
  t.true(held.value.every((byte) => byte === 1))
  held.release()
  held.release()
  t.not(one.trySend(Buffer.alloc(100)), undefined)
})

test('views may be released in any order', (t) => {
  const one = small(t)
  const reader = one.reader({ as: 'view' })
  for (let round = 0; round < 50; round += 1) {
    for (let n = 0; n < 20; n += 1) t.not(one.trySend(Buffer.alloc(100, n)), undefined)
    const messages = reader.tryReceiveAll(20)
    messages.sort((a, b) => ((a.index * 7) % 20) - ((b.index * 7) % 20))
    for (const message of messages) message.release()
  }
  t.is(reader.lag, 0)
})

test('copies hold nothing: their memory is free once they are received', (t) => {
  const one = small(t)
  const reader = one.reader({ as: 'bytes' })
  const kept = []
  for (let n = 0; n < 500; n += 1) {
    t.is(one.trySend(Buffer.alloc(100, n % 256)), n)
    kept.push(reader.tryReceive().value)
  }
  t.true(kept.every((bytes, n) => bytes.every((byte) => byte === n % 256)))
})

test('a loop releases each view at the next step, at break, at an exception, and at return()', async (t) => {
  const one = small(t)
  const reader = one.reader({ as: 'view' })
  const room = () => t.not(one.trySend(Buffer.alloc(100)), undefined)

  fill(one)
  let steps = 0
  for await (const message of reader) {
    t.is(message.value.length, 100)
    steps += 1
    if (steps > 1) room()
    if (steps === 5) break
  }
  room()
  const error = new Error('mine')
  await t.throwsAsync(
    async () => {
      for await (const _ of reader) throw error
    },
    { is: error },
  )
  room()
  const loop = reader[Symbol.asyncIterator]()
  await loop.next()
  t.is(one.trySend(Buffer.alloc(100)), undefined)
  t.deepEqual(await loop.return(), { done: true, value: undefined })
  room()
  t.deepEqual(await loop.next(), { done: true, value: undefined })
})

test('return() ends a loop that waits', async (t) => {
  const reader = small(t).reader()
  const loop = reader[Symbol.asyncIterator]()
  const waiting = loop.next()
  t.deepEqual(await loop.return(), { done: true, value: undefined })
  t.deepEqual(await waiting, { done: true, value: undefined })
})

test('closing a reader releases what it holds', (t) => {
  const one = small(t)
  const reader = one.reader({ as: 'view' })
  fill(one)
  const held = reader.tryReceiveAll(1000)
  t.is(one.trySend(Buffer.alloc(100)), undefined)
  reader.close()
  t.not(one.trySend(Buffer.alloc(100)), undefined)
  t.notThrows(() => held[0].release())
  refuses(t, () => reader.tryReceive(), 'ERR_MMFILE_CLOSED')
})

test('closing the channel empties views', (t) => {
  const one = small(t)
  const reader = one.reader({ as: 'view' })
  one.sendSync(Buffer.alloc(100))
  const message = reader.tryReceive()
  one.close()
  t.is(message.value.length, 0)
  t.notThrows(() => message.release())
})

test('lossy: true counts missed messages and continues with the oldest', (t) => {
  const one = small(t)
  const reader = one.reader({ lossy: true })
  const total = 500
  for (let n = 0; n < total; n += 1) t.is(one.trySend(Buffer.from(`${n}`)), n)
  const got = reader.tryReceiveAll(1000)
  t.is(got.at(-1).index, total - 1)
  t.is(reader.missed, got[0].index)
  t.is(got.length + reader.missed, total)
  t.deepEqual(
    got.map(({ value }) => Number(value.toString())),
    got.map(({ index }) => index),
  )
})

test("lossy: 'newest' always continues with the newest", (t) => {
  const one = small(t, { encoding: 'json' })
  const reader = one.reader({ lossy: 'newest' })
  one.sendAllSync([0, 1, 2])
  t.is(reader.tryReceive().value, 2)
  t.is(reader.tryReceive(), undefined)
  one.sendSync(3)
  t.is(reader.tryReceive().value, 3)
  t.is(reader.missed, 2)
})

test("with 'drop-oldest' every reader is lossy, and groups are UNSUPPORTED", (t) => {
  const one = small(t, { onFull: 'drop-oldest' })
  const reader = one.reader()
  for (let n = 0; n < 500; n += 1) t.is(one.trySend(Buffer.alloc(100)), n)
  t.true(reader.tryReceiveAll(1000).length < 50)
  t.true(reader.missed > 450)
  refuses(t, () => one.createGroup('g'), 'ERR_MMFILE_UNSUPPORTED')
  refuses(
    t,
    () => Channel.createNew({ onFull: 'drop-oldest', groups: ['g'] }),
    'ERR_MMFILE_UNSUPPORTED',
  )
})

test('a lossy reader gets copies for every `as`', (t) => {
  const one = small(t)
  const reader = one.reader({ lossy: true, as: 'view' })
  one.trySend(Buffer.alloc(100, 1))
  const { value } = reader.tryReceive()
  for (let n = 0; n < 500; n += 1) one.trySend(Buffer.alloc(100, 2))
  t.true(value.every((byte) => byte === 1))
})

test('newest() is there, also when it has been read', (t) => {
  const one = small(t, { encoding: 'json' })
  t.is(one.newest(), undefined)
  const reader = one.reader()
  one.sendAllSync(['a', 'b'])
  reader.tryReceiveAll(10)
  const { index, value } = one.newest()
  t.deepEqual([index, value], [1, 'b'])
  t.is(one.nextIndex, 2)
})

test('several receive() that wait get theirs in order', async (t) => {
  const one = small(t, { encoding: 'json' })
  const reader = one.reader()
  const waiting = [reader.receive(), reader.receive(), reader.receive()]
  t.is(reader.tryReceive(), undefined)
  one.sendAllSync([0, 1, 2, 3])
  t.deepEqual(values(await Promise.all(waiting)), [0, 1, 2])
  t.is(reader.tryReceive().value, 3)
})

test('waits time out, are aborted, and end with the channel', async (t) => {
  const one = small(t, { encoding: 'json' })
  const reader = one.reader()
  await rejects(t, reader.receive({ timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
  await rejects(t, reader.receive({ timeout: 10 }), 'ERR_MMFILE_TIMEOUT')
  refuses(t, () => reader.receiveSync({ timeout: 5 }), 'ERR_MMFILE_TIMEOUT')
  const abort = new AbortController()
  const waiting = reader.receive({ signal: abort.signal })
  abort.abort('why')
  const error = await t.throwsAsync(waiting, { name: 'AbortError' })
  t.is(error.cause, 'why')
  const other = reader.receive()
  one.sendSync('goes on')
  t.is((await other).value, 'goes on')
})

test("a loop's timeout bounds the pause between two messages, its signal ends it", async (t) => {
  const one = small(t, { encoding: 'json' })
  const got = []
  const reader = one.reader({ timeout: 30 })
  one.sendAllSync([0, 1])
  await rejects(
    t,
    async () => {
      for await (const { value } of reader) got.push(value)
    },
    'ERR_MMFILE_TIMEOUT',
  )
  t.deepEqual(got, [0, 1])
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 10)
  await t.throwsAsync(
    async () => {
      for await (const _ of one.reader({ signal: abort.signal }));
    },
    { name: 'AbortError' },
  )
})

test('after a seal loops end, and all others are SEALED once everything is read', async (t) => {
  const one = small(t, { encoding: 'json' })
  const [reader, lossy, other] = [one.reader(), one.reader({ lossy: true }), one.reader()]
  const waiting = other.receive()
  one.sendAllSync([0, 1])
  one.seal()
  t.is((await waiting).value, 0)
  for (const each of [reader, lossy]) {
    const got = []
    for await (const { value } of each) got.push(value)
    t.deepEqual(got, [0, 1])
    await rejects(t, each.receive(), 'ERR_MMFILE_SEALED')
    refuses(t, () => each.tryReceive(), 'ERR_MMFILE_SEALED')
    refuses(t, () => each.receiveSync(), 'ERR_MMFILE_SEALED')
    refuses(t, () => each.tryReceiveAll(5), 'ERR_MMFILE_SEALED')
  }
  t.deepEqual(values(other.tryReceiveAll(5)), [1])
})

test('lag, and what may not be asked for', (t) => {
  const one = small(t)
  const reader = one.reader()
  for (let n = 0; n < 5; n += 1) one.trySend(Buffer.from('x'))
  t.is(reader.lag, 5)
  t.is(reader.tryReceiveAll(2).length, 2)
  t.is(reader.lag, 3)
  t.is(reader.missed, 0)
  t.throws(() => reader.tryReceiveAll(0), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => reader.tryReceiveAll('x'), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => reader.receiveSync({ timeout: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('every call of an evicted reader fails', async (t) => {
  const one = small(t, { encoding: 'json' })
  const reader = one.reader()
  const waiting = reader.receive()
  const [row] = one.participants()
  one.evict(row)
  one.evict(row)
  await rejects(t, waiting, 'ERR_MMFILE_EVICTED')
  await rejects(t, reader.receive(), 'ERR_MMFILE_EVICTED')
  refuses(t, () => reader.tryReceive(), 'ERR_MMFILE_EVICTED')
  await rejects(
    t,
    async () => {
      for await (const _ of reader);
    },
    'ERR_MMFILE_EVICTED',
  )
  reader.close()
})

test("requirePeer: 'writer' is PEER_GONE when there was an exclusive writer, after the messages", async (t) => {
  const one = small(t, { encoding: 'json' })
  const reader = one.reader({ requirePeer: 'writer' })
  t.is(reader.tryReceive(), undefined)
  const writer = await one.exclusiveWriter()
  writer.trySend('last')
  writer.close()
  t.is((await reader.receive()).value, 'last')
  await rejects(t, reader.receive({ timeout: 5000 }), 'ERR_MMFILE_PEER_GONE')
  refuses(t, () => reader.tryReceive(), 'ERR_MMFILE_PEER_GONE')
})

test('a reader with spin gets messages as others do', async (t) => {
  const one = small(t, { encoding: 'json' })
  const reader = one.reader({ spin: 5 })
  setTimeout(() => one.sendSync('soon'), 2)
  t.is((await reader.receive()).value, 'soon')
  setTimeout(() => one.sendSync('later'), 30)
  t.is((await reader.receive()).value, 'later')
  await rejects(t, reader.receive({ timeout: 20 }), 'ERR_MMFILE_TIMEOUT')
  one.sendSync('sync')
  t.is(reader.receiveSync({ spin: 1 }).value, 'sync')
})

test('a reader with spin and ref: false gets messages while the event loop sleeps', async (t) => {
  const one = small(t, { encoding: 'json' })
  const child = start(t, 'channel-programs', 'unrefReader', [one.id])
  t.is(await child.next(), 'ready')
  await new Promise((resolve) => setTimeout(resolve, 100))
  one.sendSync('message')
  t.is(await child.next(), 'message')
})

test('a read stream ends with the seal', async (t) => {
  const one = small(t, { encoding: 'json' })
  const stream = one.reader().createReadStream()
  one.sendAllSync([0, 1, 2])
  setTimeout(() => one.seal(), 10)
  t.deepEqual(await stream.toArray(), [0, 1, 2])
  const abort = new AbortController()
  const other = closing(t, Channel.createNew()).reader().createReadStream({ signal: abort.signal })
  setTimeout(() => abort.abort(), 5)
  await t.throwsAsync(other.toArray(), { name: 'AbortError' })
})

test('a reader that joins in the middle of a burst misses and repeats nothing', async (t) => {
  const one = channel(t, { encoding: 'json', capacity: 1 << 16 })
  let sending = true
  const burst = (async () => {
    for (let n = 0; sending; n += 1) await one.send(n)
  })()
  for (let round = 0; round < 50; round += 1) {
    const reader = one.reader()
    let next
    for (let n = 0; n < 50; n += 1) {
      const { index, value } = await reader.receive()
      t.is(index, value)
      if (next !== undefined) t.is(index, next)
      next = index + 1
    }
    reader.close()
  }
  sending = false
  await burst
})

test('tryReceiveAll returns the available messages, and at most 16 MiB of copies', (t) => {
  const one = channel(t, {
    capacity: 64 << 20,
    groups: ['workers'],
    encoding: {
      name: 'sends another',
      encode: (value) => value,
      decode(bytes) {
        one.sendSync(Buffer.alloc(1))
        return bytes.length
      },
    },
  })
  const receivers = [one.reader(), one.reader({ lossy: true }), one.member('workers')]
  for (const byteLength of [2, 3]) one.sendSync(Buffer.alloc(byteLength))
  for (const receiver of receivers) {
    const { lag } = receiver
    t.true(lag >= 2)
    t.is(receiver.tryReceiveAll(10_000).length, lag)
  }
  const bytes = one.reader({ as: 'bytes' })
  const size = 5 << 20
  for (let count = 0; count < 6; count += 1) one.sendSync(Buffer.alloc(size))
  t.is(bytes.tryReceiveAll(100).length, 4)
  t.is(bytes.tryReceiveAll(100).length, 2)
  t.is(bytes.tryReceiveAll(100).length, 0)
})

test.serial(
  'without memory for a copy it is NO_SPACE, and the message is still the next one',
  (t) => {
    const one = channel(t, { groups: ['g'] })
    const [reader, member] = [one.reader(), one.member('g')]
    const large = Buffer.alloc(100_000, 7)
    one.trySend(large)
    one.trySend(Buffer.from('x'))
    const allocate = Buffer.allocUnsafeSlow
    Buffer.allocUnsafeSlow = () => {
      throw new RangeError('Array buffer allocation failed')
    }
    try {
      refuses(t, () => reader.tryReceive(), 'ERR_MMFILE_NO_SPACE')
      refuses(t, () => member.tryReceive(), 'ERR_MMFILE_NO_SPACE')
    } finally {
      Buffer.allocUnsafeSlow = allocate
    }
    const messages = reader.tryReceiveAll(5)
    t.deepEqual(
      messages.map(({ index }) => index),
      [0, 1],
    )
    t.true(messages[0].value.equals(large))
    const job = member.tryReceive()
    t.deepEqual([job.index, job.attempt, job.value.equals(large)], [0, 2, true])
    job.ack()
    t.is(one.participants().find(({ role }) => role === 'reader').lag, 0)
  },
)
