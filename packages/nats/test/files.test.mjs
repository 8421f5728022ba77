// A file goes into a stream and out of it again: every segment once, in order, and the seal.

import { join } from 'node:path'
import { BridgeError, pull, push } from '@mmfile/nats'
import { MmFile, MmFileError } from 'mmfile'
import {
  connected,
  faults,
  filled,
  folder,
  messageOf,
  pulled,
  pushed,
  segmentsOf,
  serverPath,
  sharedServer,
  test,
  until,
} from './support/nats.mjs'
import { startServer } from './support/server.mjs'

const shared = sharedServer()
const MIB = 1 << 20

test('a file that was written and sealed before there is a stream', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'before' }
  const source = filled(t, 2000, { seal: true })
  const result = await push(source, place)
  t.like(result, { nextIndex: 2000, messages: 2000, lag: 0, sealed: true })
  const target = filled(t, 0)
  const seen = []
  const onProgress = (progress) => seen.push(progress)
  t.deepEqual(await pull(place, target, { onProgress }), result)
  t.deepEqual(seen.at(-1), result)
  t.deepEqual(faults(segmentsOf(target), 2000), [])
  t.true(target.sealed)

  // Both are done: again changes nothing.
  t.like(await push(source, place), { nextIndex: 2000, messages: 0, sealed: true })
  t.like(await pull(place, target), { nextIndex: 2000, messages: 0, sealed: true })
})

test('segments follow one by one while both run, and each continues where it ended', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const place = { js, stream: 'follow' }
  const source = filled(t, 10)
  const target = filled(t, 0)
  for (let round = 1; round <= 3; round += 1) {
    const stop = new AbortController()
    const { signal } = stop
    const copies = [push(source, { ...place, signal }), pull(place, target, { signal })]
    for (let n = 0; n < 20; n += 1) {
      source.append(messageOf(source.length))
      await until(() => target.length === source.length)
    }
    stop.abort()
    for (const { sealed, messages } of await Promise.all(copies)) {
      t.false(sealed)
      t.is(messages, round === 1 ? 30 : 20)
    }
  }
  t.deepEqual(faults(segmentsOf(target), 70), [])
  const message = await jsm.streams.getMessage('follow', { seq: 70 })
  t.is(Buffer.compare(message.data, messageOf(69)), 0, 'index i is sequence i + 1')
})

test('a pull before the stream exists waits for it, and reports why', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'late' }
  const target = filled(t, 0)
  await t.throwsAsync(pull(place, target, { timeout: 0 }), { code: 'ERR_MMFILE_NOT_FOUND' })
  const tries = []
  const waiting = pull(place, target, { onRetry: (error) => tries.push(error.code) })
  await until(() => tries.includes('ERR_MMFILE_NOT_FOUND'))
  await push(filled(t, 3, { seal: true }), place)
  t.is((await waiting).nextIndex, 3)
})

test('a file on disk, and a stream with its own configuration and subject', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const place = { js, stream: 'own' }
  const config = { description: 'ours', max_age: 3600e9 }
  await push(filled(t, 5, { seal: true }), { ...place, subject: 'a.b', config })
  const info = await jsm.streams.info('own')
  t.deepEqual([info.config.subjects, info.config.description], [['a.b'], 'ours'])
  const target = MmFile.createFile(join(folder(t), 'x.mmf'), MIB)
  await pull(place, target)
  t.deepEqual(faults(segmentsOf(target), 5), [])
  target.close()
})

test('a stream that has something else than the source is an error with both numbers', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'other' }
  await push(filled(t, 10, { seal: true }), place)
  const rejects = async (source, message) => {
    const error = await t.throwsAsync(push(source, place), { message })
    t.is(error.code, 'ERR_MMFILE_INCOMPATIBLE')
    t.true(error instanceof BridgeError && MmFileError.is(error, error.code))
  }
  await rejects(filled(t, 5), /has 5 and stream 'other' 11, a seal among them/)
  await rejects(filled(t, 20), /has 20 and stream 'other' 11, a seal among them/)
  const open = { js, stream: 'open' }
  await pushed(filled(t, 10), open, 10)
  await t.throwsAsync(push(filled(t, 5), open), {
    message: /has 5 and stream 'open' 10, from another/,
  })
  const error = await t.throwsAsync(push(filled(t, 12, { seed: 'x' }), open), {
    message: /10, and they differ at index 9/,
  })
  t.is(error.index, 9)
})

test('a target that has something else than the stream is an error with both numbers', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'target' }
  await push(filled(t, 10, { seal: true }), place)
  const code = 'ERR_MMFILE_INCOMPATIBLE'
  await t.throwsAsync(pull(place, filled(t, 12)), { code, message: /has 12 messages and .* 11:/ })
  const differs = /differ at index 4 \(sequence 5\)/
  await t.throwsAsync(pull(place, filled(t, 5, { seed: 'x' })), { code, message: differs })
  const sealed = pull(place, filled(t, 5, { seal: true }))
  await t.throwsAsync(sealed, { code: 'ERR_MMFILE_SEALED', message: /is sealed with 5 messages/ })
  t.like(await pull(place, filled(t, 5)), { messages: 5, nextIndex: 10 })
})

test('a stream whose beginning is gone is an error with both numbers', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const place = { js, stream: 'gone' }
  await pushed(filled(t, 10), place, 10)
  const half = filled(t, 0)
  await pulled(place, half, 10)
  await jsm.streams.purge('gone', { seq: 7 })
  const error = await t.throwsAsync(pull(place, filled(t, 2)), {
    code: 'ERR_MMFILE_LOST',
    message: /needs message 2 next, and the oldest that stream 'gone' has left is 6/,
  })
  t.like(error, { index: 2, oldest: 6 })
  await t.throwsAsync(pull(place, filled(t, 0)), {
    code: 'ERR_MMFILE_LOST',
    message: /needs message 0 next, .* 6: push into a new stream/,
  })
  await jsm.streams.purge('gone')
  await t.throwsAsync(push(filled(t, 2), place), {
    code: 'ERR_MMFILE_INCOMPATIBLE',
    message: /has 2 and stream 'gone' 10/,
  })
  await t.throwsAsync(pull(place, filled(t, 2)), { code: 'ERR_MMFILE_LOST' })
  t.like(await pull(place, half, { signal: AbortSignal.timeout(300) }), { nextIndex: 10 })

  // One message in the middle.
  const holed = { js, stream: 'holed' }
  await pushed(filled(t, 10), holed, 10)
  await jsm.streams.deleteMessage('holed', 5)
  const target = filled(t, 0)
  await t.throwsAsync(pull(holed, target), {
    code: 'ERR_MMFILE_LOST',
    message: /message 4 \(sequence 5\) was deleted/,
  })
  t.is(target.length, 4)
})

test('a pull from a stream that was made again waits for what it needs, and takes no other', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const place = { js, stream: 'made-again' }
  const target = filled(t, 0)
  const tries = []
  const onRetry = ({ message }) => tries.push(message)
  const told = (what) => until(() => tries.some((text) => what.test(text)))
  let failed = false
  const copy = pull(place, target, { onRetry })
  copy.catch(() => {
    failed = true
  })
  await pushed(filled(t, 10), place, 10)
  await until(() => target.length === 10)
  await jsm.streams.delete('made-again')
  await told(/there is no stream 'made-again'/)
  // The same source again, as far as it goes, and then more of it.
  const again = filled(t, 5)
  await pushed(again, place, 5)
  await told(/has 10 messages and stream 'made-again' [0-5]:/)
  t.is(target.length, 10)
  for (let n = 5; n < 12; n += 1) again.append(messageOf(n))
  await pushed(again, place, 12)
  await until(() => target.length === 12)
  t.deepEqual(faults(segmentsOf(target), 12), [])
  t.false(failed)
  await jsm.streams.delete('made-again')
  await pushed(filled(t, 30, { seed: 'x' }), place, 30)
  await t.throwsAsync(copy, {
    code: 'ERR_MMFILE_INCOMPATIBLE',
    message: /differ at index 11 \(sequence 12\)/,
  })
  t.deepEqual(faults(segmentsOf(target), 12), [])
})

test('the server is out of reach for longer than timeout: both end', async (t) => {
  const server = await startServer(t, serverPath)
  const { js } = await connected(t, server)
  const place = { js, stream: 'reach' }
  const [source, target] = [filled(t, 10), filled(t, 0)]
  const tries = []
  const onRetry = ({ message }) => tries.push(message)
  const copies = [push(source, { ...place, timeout: 500 })]
  await until(async () =>
    (await place.js.jetstreamManager(false)).streams.info('reach').catch(() => 0),
  )
  copies.push(pull(place, target, { timeout: 500, onRetry }))
  await until(() => target.length === 10)
  await server.kill()
  for (const copy of copies) await t.throwsAsync(copy, { message: /connection to NATS is down/ })
  t.true(tries.length > 0)
})

test('the signal ends a copy that waits, and one that has not begun', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'signal' }
  const signal = AbortSignal.abort()
  t.like(await push(filled(t, 3), { ...place, signal }), { messages: 0 })
  t.like(await pull(place, filled(t, 0), { signal }), { messages: 0 })
  t.like(await pull(place, filled(t, 0), { signal: AbortSignal.timeout(100) }), { messages: 0 })
})

test('a target without room is an error', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'room' }
  await push(filled(t, 100, { seal: true }), place)
  const small = MmFile.createNew(1000)
  await t.throwsAsync(pull(place, small), { code: 'ERR_MMFILE_CAPACITY' })
  t.true(small.length > 0)
  small.close()
})

test('a connection that is closed ends both', async (t) => {
  const { js, nc } = await connected(t, shared.server)
  const place = { js, stream: 'closing' }
  const source = filled(t, 3)
  const target = filled(t, 0)
  const copies = [push(source, place), pull(place, target)]
  await until(() => target.length === 3)
  await nc.close()
  source.append('x')
  for (const copy of copies) await t.throwsAsync(copy, { code: 'ERR_MMFILE_CLOSED' })
})

test('wrong arguments are named', async (t) => {
  const { js } = await connected(t, shared.server)
  const file = filled(t, 0)
  const type = { code: 'ERR_INVALID_ARG_TYPE' }
  await t.throwsAsync(push(file, { js: {}, stream: 'x' }), { ...type, message: /options\.js/ })
  await t.throwsAsync(push(file, { js }), { ...type, message: /options\.stream/ })
  await t.throwsAsync(push(file, { js, stream: 'a b' }), { code: 'ERR_INVALID_ARG_VALUE' })
  for (const subject of ['a.*', 'a.>', 'a b', '', '.a'])
    await t.throwsAsync(push(file, { js, stream: 'x', subject }), { code: 'ERR_INVALID_ARG_VALUE' })
  await t.throwsAsync(push({}, { js, stream: 'x' }), { ...type, message: /source/ })
  await t.throwsAsync(push(file, { js, stream: 'x', signal: 1 }), { ...type, message: /signal/ })
  await t.throwsAsync(push(file, { js, stream: 'x', timeout: -1 }), { ...type, message: /timeout/ })
  await t.throwsAsync(pull({ js, stream: 'x' }, {}), { ...type, message: /target/ })
  await t.throwsAsync(pull({ js, stream: 'x' }, file, { onProgress: 1 }), {
    ...type,
    message: /onProgress/,
  })
})

test('of two pullers into one file one fails, and nothing is there twice', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'pullers' }
  await push(filled(t, 3000, { seal: true }), place)
  const target = filled(t, 0)
  const other = MmFile.openExisting(target.id)
  t.teardown(() => other.close())
  const copies = await Promise.allSettled([pull(place, target), pull(place, other)])
  const failed = copies.filter(({ status }) => status === 'rejected').map(({ reason }) => reason)
  for (const { code } of failed) t.regex(code, /^ERR_MMFILE_(SEGMENT_ORDER|SEALED)$/)
  t.true(failed.length < 2, `${failed}`)
  t.deepEqual(faults(segmentsOf(target), 3000), [])
})
