// Node's streams over a file: one segment a chunk, with back-pressure, errors and aborts.

import { once } from 'node:events'
import { Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { start } from '../support/child.mjs'
import { create, open, rejects } from '../support/files.mjs'

function collector(into, wait = 0) {
  return new Writable({
    objectMode: true,
    highWaterMark: 1,
    async write(chunk, _encoding, callback) {
      if (wait) await delay(wait)
      into.push(chunk)
      callback()
    },
  })
}

test('a pipeline from one file to another', async (t) => {
  const from = create(t, 1 << 16)
  const to = create(t, 1 << 16)
  const values = ['a', '', 'ccc', '\udfff', 'x'.repeat(1000)]
  from.appendAll(values)
  from.seal()
  await pipeline(from.createReadStream({ as: 'value' }), to.createWriteStream({ seal: true }))
  t.deepEqual([...to], values)
  t.true(to.sealed)
})

test('chunks are Buffers unless asked otherwise, and one segment each', async (t) => {
  const file = create(t)
  file.appendAll([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')])
  file.seal()
  const chunks = await file.createReadStream().toArray()
  t.deepEqual(chunks, [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')])
  const views = await file.createReadStream({ as: 'view', from: 2 }).toArray()
  t.deepEqual(views, [new Uint8Array([99])])
})

test('it continues until the seal, across processes', async (t) => {
  const file = create(t, 1 << 20)
  const chunks = []
  start(t, 'peers', 'produce', [file.id, 3000])
  await pipeline(file.createReadStream({ as: 'value' }), collector(chunks))
  t.is(chunks.length, 3000)
  t.is(chunks[2999], 'segment 2999')
})

test('a slow reader is not run over: only highWaterMark segments are read ahead', async (t) => {
  const file = create(t, 1 << 16)
  for (let index = 0; index < 1000; index += 1) file.append(`${index}`)
  const stream = file.createReadStream({ highWaterMark: 4 })
  await once(stream, 'readable')
  await delay(20)
  t.true(stream.readableLength <= 4, `${stream.readableLength} segments wait`)
  stream.destroy()
})

test('a full file destroys the writing stream with the error', async (t) => {
  const file = create(t, 20)
  const error = await rejects(
    t,
    pipeline(Readable.from(['1234', '12345', '1']), file.createWriteStream({ seal: true })),
    'ERR_MMFILE_CAPACITY',
  )
  t.is(error.available, 8)
  t.deepEqual([...file], ['1234'])
  t.false(file.sealed, 'it did not finish')
})

test('nothing is appended behind a chunk that failed, also of those that the stream kept', async (t) => {
  const file = create(t, 20)
  const stream = file.createWriteStream()
  const failed = once(stream, 'error')
  stream.cork()
  for (const chunk of ['1234', '12345', '1']) stream.write(chunk)
  stream.uncork()
  const [error] = await failed
  t.is(error.code, 'ERR_MMFILE_CAPACITY')
  t.deepEqual([...file], ['1234'])
})

test('an invalid chunk destroys it, too', async (t) => {
  const file = create(t)
  const writing = pipeline(Readable.from(['a', 5]), file.createWriteStream())
  await t.throwsAsync(writing, { code: 'ERR_INVALID_ARG_TYPE' })
  t.is(file.length, 1)
})

test('an error elsewhere in the pipeline ends the reading stream and its wait', async (t) => {
  const file = create(t)
  file.append('x')
  const reader = file.createReadStream({ as: 'value' })
  const failing = new Transform({
    objectMode: true,
    transform(_chunk, _encoding, callback) {
      callback(new Error('no'))
    },
  })
  await t.throwsAsync(pipeline(reader, failing, collector([])), { message: 'no' })
  t.true(reader.destroyed)
})

test('a signal aborts it while it waits', async (t) => {
  const file = create(t)
  const controller = new AbortController()
  const reading = pipeline(file.createReadStream(), collector([]), { signal: controller.signal })
  setImmediate(() => controller.abort())
  await t.throwsAsync(reading, { name: 'AbortError' })
  const stream = file.createReadStream({ signal: AbortSignal.timeout(5) })
  await t.throwsAsync(stream.toArray(), { name: 'AbortError' })
})

test('closing the file is an error of its streams', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const reading = rejects(t, other.createReadStream().toArray(), 'ERR_MMFILE_CLOSED')
  setImmediate(() => other.close())
  await reading
  t.throws(() => other.createReadStream(), { code: 'ERR_MMFILE_CLOSED' })
  t.throws(() => other.createWriteStream(), { code: 'ERR_MMFILE_CLOSED' })
})

test('wrong options are refused', (t) => {
  const file = create(t)
  t.throws(() => file.createReadStream({ from: 1.5 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => file.createReadStream({ as: 'buffer' }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => file.createReadStream({ highWaterMark: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => file.createWriteStream({ seal: 1 }), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => file.createWriteStream(null), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('a stream that is fed one segment at a time waits for one at a time', async (t) => {
  const file = create(t, 1 << 16)
  const { waitFor } = Object.getPrototypeOf(file)
  let waits = 0
  file.waitFor = (...args) => {
    waits += 1
    return waitFor.apply(file, args)
  }
  const stream = file.createReadStream({ as: 'value' })
  const read = []
  stream.on('data', (chunk) => read.push(chunk))
  for (let index = 0; index < 200; index += 1) {
    file.append(String(index))
    await delay(0)
  }
  file.seal()
  await once(stream, 'end')
  t.is(read.length, 200)
  t.true(waits <= 202, `${waits} waits for 200 segments`)
})
