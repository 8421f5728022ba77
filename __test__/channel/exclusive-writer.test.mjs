// The exclusive writer: alone until it closes, with reservations that are filled over awaits.

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import test from 'ava'
import { Channel } from 'mmfile'
import { channel, closing, fill, refuses, rejects } from '../support/channels.mjs'
import { shm } from '../support/files.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip
const small = (t, options = {}) => channel(t, { capacity: 4096, ...options })

/** Lets a channel's positions, which have 32 bits, be as after `units` more units: whole rounds of its ring. */
function advance({ id }, units) {
  const at = createRequire(import.meta.url)('../../binding.js').channelLayout()
  const object = openSync(shm(`mmfile-channel-${id}`), 'r+')
  const control = Math.floor((fstatSync(object).size - 1) / 4096) * 4096
  for (const offset of [at.RING_TAIL, at.RING_START, at.RING_START + 4, at.RING_OLDEST]) {
    const word = Buffer.alloc(4)
    readSync(object, word, 0, 4, control + offset)
    word.writeUInt32LE((word.readUInt32LE() + units) % 2 ** 32)
    writeSync(object, word, 0, 4, control + offset)
  }
  closeSync(object)
}

test('the exclusive writer is the only one until it closes', async (t) => {
  const one = small(t, { encoding: 'utf8' })
  const other = closing(t, Channel.openExisting(one.id))
  const reader = other.reader()
  const writer = await one.exclusiveWriter()
  for (const sender of [one, other]) {
    const error = refuses(t, () => sender.trySend('x'), 'ERR_MMFILE_LOCK_HELD')
    t.is(error.pid, process.pid)
  }
  await rejects(t, other.exclusiveWriter({ timeout: 10 }), 'ERR_MMFILE_LOCK_HELD')
  await rejects(t, other.exclusiveWriter({ timeout: 0 }), 'ERR_MMFILE_LOCK_HELD')
  await rejects(t, one.exclusiveWriter(), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => other.seal(), 'ERR_MMFILE_LOCK_HELD')
  t.is(writer.trySend('a'), 0)
  t.is(writer.sendSync('b'), 1)
  t.is(await writer.send('c'), 2)
  t.is(await writer.sendAll(['d', 'e']), 3)
  t.is(
    writer.sendWithSync(1, (target) => void target.fill(102)),
    5,
  )
  t.deepEqual(
    reader.tryReceiveAll(10).map(({ value }) => value),
    ['a', 'b', 'c', 'd', 'e', 'f'],
  )
  t.like(
    one.participants().find(({ role }) => role === 'writer'),
    { pid: process.pid },
  )
  const waiting = other.exclusiveWriter()
  writer.close()
  writer.close()
  t.true(writer.closed)
  refuses(t, () => writer.trySend('x'), 'ERR_MMFILE_CLOSED')
  const next = await waiting
  t.is(next.trySend('g'), 6)
  next.seal()
  t.true(one.sealed)
  t.throws(() => other.evict({ id: '1', role: 'writer' }), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('a closed exclusive writer sends no bytes, with or without a new writer', async (t) => {
  const one = channel(t)
  const bytes = Buffer.from('x')
  const writer = await one.exclusiveWriter()
  t.is(writer.trySend(bytes), 0)
  writer.close()
  refuses(t, () => writer.trySend(bytes), 'ERR_MMFILE_CLOSED')
  const next = closing(t, await one.exclusiveWriter())
  refuses(t, () => writer.trySend(bytes), 'ERR_MMFILE_CLOSED')
  t.is(next.trySend(bytes), 1)
  t.is(one.nextIndex, 2)
})

test('an exclusive writer sends the real bytes of arrays with misleading own properties', async (t) => {
  const one = small(t)
  const reader = one.reader()
  const writer = closing(t, await one.exclusiveWriter())
  const hidden = Object.defineProperty(Buffer.alloc(600, 7), 'length', { value: 4 })
  const detached = new Uint8Array(8)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  t.is(writer.trySend(Buffer.alloc(1)), 0)
  t.is(writer.trySend(hidden), 1)
  t.is(writer.trySend(detached), 2)
  t.is(writer.trySend(Buffer.alloc(0)), 3)
  t.deepEqual(
    reader.tryReceiveAll(10).map(({ value }) => value.length),
    [1, 600, 0, 0],
  )
})

for (const last of [112, 96]) {
  // 2 ** 32 units later the tail is 0 again, or -1 as a signed number.
  onLinux(`an exclusive writer continues where positions wrap, behind ${last} bytes`, async (t) => {
    const one = small(t)
    const units = one.capacity / 16
    for (let n = 0; n < units / 8 - 1; n += 1) t.is(one.trySend(Buffer.alloc(112)), n)
    t.is(one.trySend(Buffer.alloc(last)), 31)
    advance(one, 2 ** 32 - units)
    t.is(one.nextIndex, 32)
    const writer = closing(t, await one.exclusiveWriter())
    const reader = one.reader()
    t.is(writer.trySend(Buffer.alloc(100, 1)), 32)
    t.is(writer.trySend(Buffer.alloc(100, 2)), 33)
    t.deepEqual(
      reader.tryReceiveAll(10).map(({ index, value }) => [index, value[0]]),
      [
        [32, 1],
        [33, 2],
      ],
    )
  })
}

test('a reservation is filled over awaits, and sends the committed bytes', async (t) => {
  const one = small(t)
  const reader = one.reader()
  const writer = await one.exclusiveWriter()
  const room = await writer.reserve(100)
  t.is(room.bytes.length, 100)
  await rejects(t, writer.reserve(1), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => writer.trySend(Buffer.from('x')), 'ERR_MMFILE_LOCK_HELD')
  await new Promise(setImmediate)
  room.bytes.set(Buffer.from('hello'))
  t.is(reader.tryReceive(), undefined)
  const { bytes } = room
  t.throws(() => room.commit(101), { code: 'ERR_OUT_OF_RANGE' })
  t.is(room.commit(5), 0)
  t.is(bytes.length, 0)
  refuses(t, () => room.commit(), 'ERR_MMFILE_CLOSED')
  t.is(reader.tryReceive().value.toString(), 'hello')

  const given = writer.tryReserve(10)
  given[Symbol.dispose]()
  t.is(given.bytes.length, 0)
  refuses(t, () => given.commit(), 'ERR_MMFILE_CLOSED')
  t.is(writer.reserveSync(2).commit(), 1)
  fill({ trySend: (value) => writer.trySend(value) })
  t.is(writer.tryReserve(1000), undefined)
  await rejects(t, writer.reserve(1000, { timeout: 5 }), 'ERR_MMFILE_FULL')
  reader.tryReceiveAll(1000)
  const last = writer.tryReserve(1000)
  writer.close()
  t.is(last.bytes.length, 0)
  refuses(t, () => last.commit(), 'ERR_MMFILE_CLOSED')
})

test('bytes that another thread lets grow meanwhile take no more room than they had', async (t) => {
  const one = channel(t, { capacity: 1 << 16 })
  const reader = one.reader()
  const writer = await one.exclusiveWriter()
  let buffer
  try {
    buffer = new SharedArrayBuffer(16, { maxByteLength: 1 << 14 })
  } catch {}
  if (buffer?.growable !== true) return t.pass('this runtime has none that grow')
  const { Worker } = await import('node:worker_threads')
  const grows = `const { workerData } = require('node:worker_threads')
    for (let size = 16; size <= 1 << 14; size += 1) workerData.grow(size)`
  const worker = new Worker(grows, { eval: true, workerData: buffer })
  const ended = new Promise((resolve) => worker.once('exit', resolve))
  const value = new Uint8Array(buffer)
  const fixed = Buffer.alloc(48, 7)
  let last = 0
  while (last < 1 << 14) {
    for (const sent of [value, fixed]) if (writer.trySend(sent) === undefined) break
    for (const message of reader.tryReceiveAll(100)) {
      if (message.index % 2 === 0) {
        t.true(message.value.length >= last)
        last = message.value.length
      } else if (Buffer.compare(message.value, fixed) !== 0) {
        t.fail(`message ${message.index} was overwritten`)
      }
    }
    if (last < 1 << 14) await new Promise((resolve) => setImmediate(resolve))
  }
  t.is(await ended, 0)
})
