// Channels: creating and opening, their properties, and their encodings.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import test from 'ava'
import { Channel, list, MmFileError, remove, sweep } from 'mmfile'
import { channel, closing, folder, refuses, rejects, uniqueId } from '../support/channels.mjs'

test('a new channel is in memory, has an id and its properties', (t) => {
  const one = channel(t)
  t.regex(one.id, /^[0-9a-f-]{36}$/)
  const { path, capacity, maxByteLength, encoding, onFull, access } = one
  t.deepEqual(
    { path, capacity, maxByteLength, encoding, onFull, access },
    {
      path: undefined,
      capacity: 4 << 20,
      maxByteLength: 1 << 20,
      encoding: 'bytes',
      onFull: 'wait',
      access: 'read-write',
    },
  )
  const { nextIndex, oldestIndex, isCreator, sealed, closed, recovered } = one
  t.deepEqual(
    { nextIndex, oldestIndex, isCreator, sealed, closed, recovered },
    { nextIndex: 0, oldestIndex: 0, isCreator: true, sealed: false, closed: false, recovered: 0 },
  )
})

test('a capacity is rounded up to a power of two, and a message has a quarter of it', (t) => {
  const one = channel(t, { capacity: 100_000 })
  t.is(one.capacity, 131_072)
  t.is(one.maxByteLength, 32_768)
  t.is(one.trySend(Buffer.alloc(32_768)), 0)
  const error = refuses(t, () => one.trySend(Buffer.alloc(32_769)), 'ERR_MMFILE_CAPACITY')
  t.is(error.available, 32_768)
})

test('every way to create and to open', (t) => {
  const id = uniqueId()
  const created = closing(t, Channel.createNew({ id, lifetime: 'last-process' }))
  const opened = closing(t, Channel.openExisting(id))
  const both = closing(t, Channel.createOrOpen(id))
  t.deepEqual([created.isCreator, opened.isCreator, both.isCreator], [true, false, false])
  refuses(t, () => Channel.createNew({ id }), 'ERR_MMFILE_EXISTS')
  for (const one of [created, opened, both]) one.close()
  refuses(t, () => Channel.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
  t.true(closing(t, Channel.createOrOpen(id)).isCreator)
})

test('a channel on disk survives its handles: messages, positions and groups', (t) => {
  const path = join(folder(t), 'jobs.mmf')
  refuses(t, () => Channel.openFile(path), 'ERR_MMFILE_NOT_FOUND')
  const first = closing(t, Channel.createFile(path, { encoding: 'utf8', groups: ['workers'] }))
  t.is(first.path, path)
  first.sendAllSync(['a', 'b', 'c'])
  first.member('workers').tryReceive().ack()
  first.flushSync()
  first.close()
  refuses(t, () => Channel.createFile(path), 'ERR_MMFILE_EXISTS')
  const again = closing(t, Channel.openFile(pathToFileURL(path)))
  t.is(again.encoding, 'utf8')
  t.is(again.nextIndex, 3)
  const rest = again.member('workers').tryReceiveAll(10)
  t.deepEqual(
    rest.map(({ value }) => value),
    ['b', 'c'],
  )
  for (const job of rest) job.ack()
  const other = closing(t, Channel.createOrOpenFile(path, { encoding: 'utf8' }))
  t.false(other.isCreator)
})

test('flush() is for channels on disk', async (t) => {
  const path = join(folder(t), 'log.mmf')
  const one = closing(t, Channel.createOrOpenFile(path))
  one.sendSync(Buffer.from('x'))
  await one.flush()
  await rejects(t, channel(t).flush(), 'ERR_MMFILE_UNSUPPORTED')
  refuses(t, () => channel(t).flushSync(), 'ERR_MMFILE_UNSUPPORTED')
})

test('the creator ends a channel, and open handles keep working', (t) => {
  const one = channel(t)
  const other = closing(t, Channel.openExisting(one.id))
  one.close()
  refuses(t, () => Channel.openExisting(other.id), 'ERR_MMFILE_NOT_FOUND')
  t.is(other.sendSync(Buffer.from('x')), 0)
})

test('the encoding is the channel’s, and another one is INCOMPATIBLE', (t) => {
  const id = uniqueId()
  const one = closing(t, Channel.createOrOpen(id, { encoding: 'json' }))
  t.is(closing(t, Channel.openExisting(id)).encoding, 'json')
  one.sendSync({ a: [1] })
  t.deepEqual(closing(t, Channel.openExisting(id)).newest().value, { a: [1] })
  refuses(t, () => Channel.openExisting(id, { encoding: 'utf8' }), 'ERR_MMFILE_INCOMPATIBLE')
  const other = refuses(t, () => Channel.createOrOpen(id), 'ERR_MMFILE_INCOMPATIBLE')
  t.regex(other.message, /openExisting/, 'leaving `encoding` out is what it did')
  refuses(t, () => Channel.createOrOpen(id, { encoding: 'v8' }), 'ERR_MMFILE_INCOMPATIBLE')
})

test('another onFull is INCOMPATIBLE, another capacity is not', (t) => {
  const id = uniqueId()
  const one = closing(t, Channel.createOrOpen(id, { capacity: 65_536, onFull: 'drop-oldest' }))
  t.is(one.onFull, 'drop-oldest')
  refuses(t, () => Channel.createOrOpen(id), 'ERR_MMFILE_INCOMPATIBLE')
  refuses(t, () => Channel.openExisting(id, { onFull: 'wait' }), 'ERR_MMFILE_INCOMPATIBLE')
  t.is(closing(t, Channel.openExisting(id)).onFull, 'drop-oldest')
  const other = closing(t, Channel.createOrOpen(id, { capacity: 1 << 20, onFull: 'drop-oldest' }))
  t.is(other.capacity, 65_536)
})

const reversed = {
  name: 'reversed',
  encode: (text) => Buffer.from([...text].reverse().join('')),
  decode: (bytes) => [...Buffer.from(bytes).toString()].reverse().join(''),
}

const values = {
  utf8: ['', 'text', 'ä🙂 '.repeat(100), 'x'.repeat(100_000)],
  utf16le: ['', 'text', '\ud800 alone', 'ä'.repeat(100_000)],
  latin1: ['', 'text', 'ÿ'.repeat(100_000)],
  json: [null, true, 1.5, 'text', [1, [2]], { a: { b: 'c' } }, 'y'.repeat(100_000)],
  v8: [undefined, new Date(0), new Map([[1, new Set([2])]]), { big: 1n }, 'z'.repeat(100_000)],
}

for (const [encoding, all] of Object.entries(values)) {
  test(`values of encoding '${encoding}' come back as they were, in every way to send`, async (t) => {
    const one = channel(t, { encoding, capacity: 1 << 22 })
    const reader = one.reader()
    for (const value of all) {
      one.trySend(value)
      one.sendSync(value)
      await one.send(value)
      one.sendAllSync([value])
      for (let n = 0; n < 4; n += 1) t.deepEqual(reader.tryReceive().value, value)
      t.deepEqual(one.newest().value, value)
    }
    one.sendAllSync(all)
    t.deepEqual(
      reader.tryReceiveAll(100).map(({ value }) => value),
      all,
    )
  })
}

test('a codec of the program’s own', (t) => {
  const id = uniqueId()
  const one = closing(t, Channel.createOrOpen(id, { encoding: reversed }))
  t.is(one.encoding, 'reversed')
  const reader = one.reader()
  const bytes = one.reader({ as: 'bytes' })
  one.sendAllSync(['abc', 'def'])
  t.is(reader.tryReceive().value, 'abc')
  t.is(bytes.tryReceive().value.toString(), 'cba')
  t.is(closing(t, Channel.openExisting(id, { encoding: reversed })).newest().value, 'def')
  const error = refuses(t, () => Channel.openExisting(id), 'ERR_MMFILE_INCOMPATIBLE')
  t.regex(error.message, /reversed/)
})

test('any bytes are accepted, and the error for a string names encodings', (t) => {
  const one = channel(t)
  const reader = one.reader()
  const bytes = new Uint8Array([1, 2, 3, 4])
  const shared = new SharedArrayBuffer(4)
  new Uint8Array(shared).set(bytes)
  const forms = [
    bytes,
    bytes.buffer,
    shared,
    new DataView(bytes.buffer),
    new Uint16Array(bytes.buffer),
  ]
  for (const form of forms) {
    one.trySend(form)
    const { value } = reader.tryReceive()
    t.true(Buffer.isBuffer(value))
    t.deepEqual([...value], [1, 2, 3, 4])
  }
  const error = t.throws(() => one.trySend('text'), { code: 'ERR_INVALID_ARG_TYPE' })
  t.regex(error.message, /encoding/)
  t.throws(() => one.trySend({ a: 1 }), { code: 'ERR_INVALID_ARG_TYPE', message: /json/ })
})

test('a value that cannot be encoded is a wrong argument, and nothing was sent', (t) => {
  const json = channel(t, { encoding: 'json' })
  const circle = {}
  circle.self = circle
  for (const value of [undefined, 1n, circle, () => {}]) {
    t.throws(() => json.trySend(value), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^The argument 'value' cannot be encoded as JSON \(.*[^.]\)\. Received /,
    })
  }
  t.throws(() => json.trySend(undefined), { message: /undefined, functions and symbols/ })
  t.throws(() => channel(t, { encoding: 'v8' }).trySend(() => {}), {
    code: 'ERR_INVALID_ARG_VALUE',
  })
  t.throws(() => channel(t, { encoding: 'latin1' }).trySend('€'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => channel(t, { encoding: 'utf8' }).trySend(Buffer.from('x')), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
  t.is(json.nextIndex, 0)
})

test('a message that cannot be decoded is NOT_TEXT, and later ones can be read', (t) => {
  const bad = { utf8: [0xff], utf16le: [1], json: [0x7b], v8: [1, 2, 3] }
  const reasons = { utf8: 'it is not UTF-8 text', utf16le: 'it has an odd number of bytes, 1' }
  for (const [encoding, bytes] of Object.entries(bad)) {
    const one = channel(t, { encoding })
    const reader = one.reader()
    one.sendWithSync(bytes.length, (target) => target.set(bytes))
    one.sendSync('good')
    const message = reader.tryReceive()
    t.is(message.index, 0)
    const error = refuses(t, () => message.value, 'ERR_MMFILE_NOT_TEXT')
    t.true(error.message.includes(`'${encoding}' (${reasons[encoding] ?? ''}`), error.message)
    t.is(reader.tryReceive().value, 'good')
  }
})

test('a codec that fails to decode is the cause', (t) => {
  const cause = new Error('no')
  const encoding = {
    name: 'failing',
    encode: () => Buffer.from('x'),
    decode: () => {
      throw cause
    },
  }
  const one = channel(t, { encoding })
  one.sendSync('x')
  t.is(refuses(t, () => one.newest().value, 'ERR_MMFILE_NOT_TEXT').cause, cause)
})

test('access "read" allows lossy readers, newest() and the properties only', async (t) => {
  const one = channel(t, { encoding: 'utf8' })
  const read = closing(t, Channel.openExisting(one.id, { access: 'read' }))
  t.is(read.access, 'read')
  const reader = read.reader({ lossy: true })
  one.sendSync('a')
  t.is(read.nextIndex, 1)
  t.is(read.newest().value, 'a')
  t.is((await reader.receive()).value, 'a')
  for (const act of [
    () => read.trySend('x'),
    () => read.sendSync('x'),
    () => read.reader(),
    () => read.createGroup('g'),
    () => read.removeGroup('g'),
    () => read.member('g'),
    () => read.seal(),
    () => read.evict({ id: '1', role: 'reader' }),
  ]) {
    refuses(t, act, 'ERR_MMFILE_READ_ONLY', String(act))
  }
  await rejects(t, read.exclusiveWriter(), 'ERR_MMFILE_READ_ONLY')
  await rejects(t, read.request('x'), 'ERR_MMFILE_READ_ONLY')
})

test('options are checked, with Node’s messages, and misspelt ones are found', (t) => {
  const wrong = [
    [{ capacity: 'x' }, 'ERR_INVALID_ARG_TYPE'],
    [{ capacity: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ capacity: 2 ** 34 + 1 }, 'ERR_OUT_OF_RANGE'],
    [{ capacity: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ encoding: 'utf-8' }, 'ERR_INVALID_ARG_VALUE'],
    [{ encoding: 5 }, 'ERR_INVALID_ARG_TYPE'],
    [{ encoding: { name: 'json', encode() {}, decode() {} } }, 'ERR_INVALID_ARG_VALUE'],
    [{ encoding: { name: 'x', encode() {} } }, 'ERR_INVALID_ARG_TYPE'],
    [{ onFull: 'error' }, 'ERR_INVALID_ARG_VALUE'],
    [{ maxParticipants: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ groups: 'workers' }, 'ERR_INVALID_ARG_TYPE'],
    [{ groups: [''] }, 'ERR_INVALID_ARG_VALUE'],
    [{ groups: [5] }, 'ERR_INVALID_ARG_TYPE'],
    [{ lifetime: 'ever' }, 'ERR_INVALID_ARG_VALUE'],
    [{ lockTimeout: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ encodng: 'json' }, 'ERR_INVALID_ARG_VALUE', /use 'encoding'/],
    [{ capactiy: 5 }, 'ERR_INVALID_ARG_VALUE', /use 'capacity'/],
    ['x', 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [options, code, message = /Received/] of wrong) {
    t.throws(() => Channel.createNew(options), { code, message }, inspect(options))
  }
  t.throws(() => Channel.openExisting(5), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => Channel.openFile(''), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => new Channel(), { instanceOf: TypeError })
  const one = channel(t)
  for (const [options, code] of [
    [{ from: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ from: 'start' }, 'ERR_INVALID_ARG_VALUE'],
    [{ from: null }, 'ERR_INVALID_ARG_TYPE'],
    [{ as: 'string' }, 'ERR_INVALID_ARG_VALUE'],
    [{ lossy: 'oldest' }, 'ERR_INVALID_ARG_VALUE'],
    [{ lossy: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ requirePeer: 'reader' }, 'ERR_INVALID_ARG_VALUE'],
    [{ spin: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ lossi: true }, 'ERR_INVALID_ARG_VALUE'],
  ]) {
    t.throws(() => one.reader(options), { code }, inspect(options))
  }
})

test('list, sweep and remove know channels', (t) => {
  const id = uniqueId()
  const one = closing(t, Channel.createNew({ id, capacity: 65_536, encoding: 'utf8' }))
  one.sendAllSync(['a', 'b'])
  const row = list().find((info) => info.id === id)
  t.like(row, {
    kind: 'channel',
    capacity: 65_536,
    length: 2,
    sealed: false,
    lifetime: 'creator',
    stale: false,
  })
  t.true(row.createdAt instanceof Date)
  t.is(row.creatorPid, process.pid)
  t.false(sweep().some((info) => info.id === id))
  refuses(t, () => remove(id), 'ERR_MMFILE_NOT_FOUND')
  remove(id, { kind: 'channel' })
  t.false(list().some((info) => info.id === id))
  t.is(one.sendSync('goes on'), 2)
})

test('a channel of other prefixes is another one', (t) => {
  const id = uniqueId()
  const prefixes = { channel: 'mmfile-test-' }
  closing(t, Channel.createNew({ id, prefixes }))
  refuses(t, () => Channel.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
  closing(t, Channel.openExisting(id, { prefixes }))
})

test('postMessage refuses it', (t) => {
  const one = channel(t)
  t.throws(() => structuredClone(one), { any: true, message: /send its id instead/ })
})

test('printing never throws', (t) => {
  const one = channel(t)
  t.regex(inspect(one), /^Channel \{.*nextIndex: 0/s)
  one.close()
  t.regex(inspect(one), /closed: true/)
})

test('close() is idempotent and ends everything', async (t) => {
  const one = channel(t, { capacity: 4096, encoding: 'utf8', groups: ['g'] })
  const [reader, member] = [one.reader(), one.member('g')]
  const waiting = [
    reader.receive(),
    member.receive(),
    reader[Symbol.asyncIterator]().next(),
    one.reader({ lossy: true }).receive(),
  ]
  const settled = Promise.allSettled(waiting)
  one.close()
  one.close()
  t.deepEqual(
    (await settled).map(({ reason }) => reason?.code),
    waiting.map(() => 'ERR_MMFILE_CLOSED'),
  )
  t.deepEqual([one.closed, reader.closed, member.closed], [true, true, true])
  for (const act of [
    () => one.trySend('x'),
    () => one.nextIndex,
    () => one.newest(),
    () => one.reader(),
  ]) {
    refuses(t, act, 'ERR_MMFILE_CLOSED', String(act))
  }
  refuses(t, () => reader.tryReceive(), 'ERR_MMFILE_CLOSED')
  t.true(MmFileError.is(await one.send('x').catch((error) => error), 'ERR_MMFILE_CLOSED'))
})
