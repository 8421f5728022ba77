// A channel goes into a stream and out of it again: what the stream has not yet is kept, and no more.

import { pull, push } from '@mmfile/nats'
import { Channel, MmFile } from 'mmfile'
import {
  connected,
  faults,
  messageOf,
  pulled,
  pushed,
  sharedServer,
  test,
  until,
} from './support/nats.mjs'

const shared = sharedServer()

/** A channel that goes with the test. */
function channel(t, options = {}) {
  const made = Channel.createNew({ capacity: 64 << 10, ...options })
  t.teardown(() => made.close())
  return made
}

/** Everything that comes, until the channel is sealed. */
async function all(source) {
  const values = []
  for await (const { value } of source.reader({ from: 'oldest', as: 'bytes' })) values.push(value)
  return values
}

const rowOf = (made, name) => made.participants().find(({ group }) => group === name)

test('messages follow through channels that are much smaller than what goes through them', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'small' }
  const [source, target] = [channel(t), channel(t)]
  const copies = [push(source, place), pull(place, target)]
  const received = all(target)
  for (let n = 0; n < 5000; n += 1) await source.send(messageOf(n))
  source.seal()
  for (const { nextIndex, sealed } of await Promise.all(copies)) {
    t.deepEqual([nextIndex, sealed], [5000, true])
  }
  t.deepEqual(faults(await received, 5000), [])
  t.is(rowOf(source, 'push:small').lag, 0)
})

test('messages are kept until they are pushed, and not longer', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'kept' }
  const source = channel(t, { capacity: 4096 })
  await source.send(messageOf(0))
  const first = new AbortController()
  const copy = push(source, { ...place, signal: first.signal })
  await until(() => rowOf(source, 'push:kept')?.lag === 0)
  first.abort()
  await copy
  // Nothing pushes: the channel fills, and nothing is lost.
  let sent = 1
  while (source.trySend(messageOf(sent)) !== undefined) sent += 1
  t.true(sent > 10)
  const writing = source.send(messageOf(sent))
  const again = push(source, place)
  t.is(await writing, sent)
  source.seal()
  t.like(await again, { nextIndex: sent + 1, messages: sent })
  const target = MmFile.createNew(1 << 20)
  t.teardown(() => target.close())
  await pull(place, target)
  t.deepEqual(
    faults(
      Array.from({ length: target.length }, (_, n) => target.readBytes(n)),
      sent + 1,
    ),
    [],
  )
})

test('a stream for a channel that has forgotten its beginning starts at its oldest', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const place = { js, stream: 'middle' }
  const source = channel(t, { capacity: 4096 })
  for (let n = 0; n < 1000; n += 1) await source.send(messageOf(n))
  const oldest = source.oldestIndex
  t.true(oldest > 0)
  source.seal()
  t.like(await push(source, place), { nextIndex: 1000, messages: 1000 - oldest })
  const { config, state } = await jsm.streams.info('middle')
  t.deepEqual([config.first_seq, state.first_seq, state.last_seq], [oldest + 1, oldest + 1, 1001])
  const message = await jsm.streams.getMessage('middle', { seq: oldest + 2 })
  t.is(Buffer.compare(message.data, messageOf(oldest + 1)), 0)

  // A target counts from its own beginning, and continues where it ended.
  const target = channel(t)
  await pulled(place, target, 1)
  t.like(await pull(place, target), { nextIndex: 1000 - oldest, sealed: true })
  const values = await all(target)
  t.deepEqual(
    values,
    Array.from({ length: 1000 - oldest }, (_, n) => messageOf(oldest + n)),
  )
})

test("a channel without the stream's next message is an error with both numbers", async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'missing' }
  const source = channel(t, { capacity: 4096 })
  await source.send(messageOf(0))
  await pushed(source, place, 1)
  source.removeGroup('push:missing')
  for (let n = 1; n < 1000; n += 1) await source.send(messageOf(n))
  const error = await t.throwsAsync(push(source, place), {
    code: 'ERR_MMFILE_LOST',
    message: new RegExp(
      `needs message 1 next, and the oldest that is left is ${source.oldestIndex}`,
    ),
  })
  t.like(error, { index: 1, oldest: source.oldestIndex })
})

test('any encoding goes through, and a channel that drops its oldest', async (t) => {
  const { js } = await connected(t, shared.server)
  const source = channel(t, { encoding: 'json', onFull: 'drop-oldest' })
  const target = channel(t, { encoding: 'json' })
  for (let n = 0; n < 10; n += 1) await source.send({ n })
  source.seal()
  await push(source, { js, stream: 'json' })
  await pull({ js, stream: 'json' }, target)
  const values = []
  for await (const { value } of target.reader({ from: 'oldest' })) values.push(value)
  t.deepEqual(
    values,
    Array.from({ length: 10 }, (_, n) => ({ n })),
  )
})

test('a target whose readers are slow holds the copy back', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'slow' }
  const [source, target] = [channel(t, { capacity: 1 << 20 }), channel(t, { capacity: 4096 })]
  const reader = target.reader({ from: 'oldest', as: 'bytes' })
  for (let n = 0; n < 1000; n += 1) await source.send(messageOf(n))
  source.seal()
  await push(source, place)
  const copy = pull(place, target)
  await until(() => target.nextIndex > 10)
  await new Promise((resolve) => setTimeout(resolve, 500))
  t.true(target.nextIndex < 500)
  const values = []
  for await (const { value } of reader) values.push(value)
  t.like(await copy, { nextIndex: 1000, sealed: true })
  t.deepEqual(faults(values, 1000), [])
})

test('a second puller stands by until the first one is gone', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'standby' }
  const [source, target] = [channel(t), channel(t, { capacity: 1 << 20 })]
  const other = Channel.openExisting(target.id)
  t.teardown(() => other.close())
  const first = new AbortController()
  const copies = [
    push(source, place),
    pull(place, target, { signal: first.signal }),
    pull(place, other),
  ]
  for (let n = 0; n < 100; n += 1) await source.send(messageOf(n))
  await until(() => target.nextIndex === 100)
  first.abort()
  await copies[1]
  for (let n = 100; n < 200; n += 1) await source.send(messageOf(n))
  source.seal()
  const [, one, two] = await Promise.all(copies)
  t.deepEqual([one.messages, two.messages], [100, 100])
  t.deepEqual(faults(await all(target), 200), [])
})
