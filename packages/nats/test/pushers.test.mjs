// One process pushes at a time. Replies that get lost or come twice do no harm.

import { pull, push } from '@mmfile/nats'
import { Channel } from 'mmfile'
import {
  connected,
  faults,
  filled,
  messageOf,
  segmentsOf,
  serverPath,
  sharedServer,
  test,
  until,
} from './support/nats.mjs'
import { startServer } from './support/server.mjs'

const shared = sharedServer()

/** The stream's contents, read from it. */
async function contents(t, place) {
  const target = filled(t, 0)
  await pull(place, target)
  return segmentsOf(target)
}

test('of two pushers of one source one continues, and the other fails', async (t) => {
  const { js } = await connected(t, shared.server)
  const second = await connected(t, shared.server)
  for (let round = 0; round < 10; round += 1) {
    const source = filled(t, 500)
    const place = { js, stream: `two-${round}` }
    const copies = await Promise.allSettled([
      pushAndFeed(source, place),
      push(source, { ...place, js: second.js }),
    ])
    const failed = copies.filter(({ status }) => status === 'rejected').map(({ reason }) => reason)
    t.is(failed.length, 1, `${failed}`)
    t.is(failed[0].code, 'ERR_MMFILE_LOCK_HELD', failed[0].message)
    t.regex(failed[0].message, /stream 'two-\d': another process has pushed message \d+/)
    t.deepEqual(faults(await contents(t, place), 600), [])
  }
})

/** Pushes while more is written, and seals it when either pusher has failed. */
async function pushAndFeed(source, place) {
  const copy = push(source, place)
  copy.catch(() => {})
  for (let n = 500; n < 600; n += 1) {
    source.append(messageOf(n))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  source.seal()
  return copy
}

test('of two pushers of two sources one fills the stream, and nothing of the other is in it', async (t) => {
  const { js } = await connected(t, shared.server)
  const second = await connected(t, shared.server)
  for (let round = 0; round < 10; round += 1) {
    const sources = ['a', 'b'].map((seed) => filled(t, 300, { seed }))
    for (const source of sources) source.seal()
    const place = { js, stream: `differ-${round}` }
    const copies = await Promise.allSettled([
      push(sources[0], place),
      push(sources[1], { ...place, js: second.js }),
    ])
    const failed = copies.findIndex(({ status }) => status === 'rejected')
    t.not(failed, -1)
    t.regex(copies[failed].reason.code, /^ERR_MMFILE_(LOCK_HELD|INCOMPATIBLE)$/)
    t.is(copies[1 - failed].status, 'fulfilled')
    t.deepEqual(faults(await contents(t, place), 300, failed === 0 ? 'b' : 'a'), [])
  }
})

test('one that takes over while the first has nothing to do fences it off', async (t) => {
  const { js } = await connected(t, shared.server)
  const second = await connected(t, shared.server)
  const place = { js, stream: 'over' }
  const source = filled(t, 10)
  const progress = []
  const first = push(source, { ...place, onProgress: ({ nextIndex }) => progress.push(nextIndex) })
  const failed = t.throwsAsync(first, { code: 'ERR_MMFILE_LOCK_HELD' })
  await until(() => progress.includes(10))
  // A copy of the file on another machine, which has appended to it.
  const copy = filled(t, 10)
  copy.append('theirs')
  const taken = push(copy, { ...place, js: second.js })
  await until(async () => (await second.jsm.streams.info('over')).state.last_seq === 11)
  // None of these is taken, although the second one has the stream's next sequence.
  for (let n = 0; n < 10; n += 1) source.append('ours')
  const { index } = await failed
  t.is(index, 10)
  copy.seal()
  t.like(await taken, { nextIndex: 11, sealed: true })
  const values = await contents(t, place)
  t.deepEqual(faults(values.slice(0, 10), 10), [])
  t.deepEqual(
    values.slice(10).map((bytes) => bytes.toString('utf16le')),
    ['theirs'],
  )
})

/** A client of which some publications go wrong: `act` gets the real one and its arguments. */
function broken(js, act) {
  return new Proxy(js, {
    get(target, name) {
      if (name === 'publish') return (...args) => act((...given) => target.publish(...given), args)
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const timeout = () => Object.assign(new Error('timeout'), { name: 'TimeoutError' })

const breakages = {
  'answers that are lost': async (publish, args) => {
    const answer = await publish(...args)
    if (Math.random() < 0.005) throw timeout()
    return answer
  },
  'messages that are lost': (publish, args) =>
    Math.random() < 0.005 ? Promise.reject(timeout()) : publish(...args),
  'messages that come twice': async (publish, args) => {
    const answers = [publish(...args), publish(...args)]
    const [first, second] = await Promise.allSettled(answers)
    const last = Math.random() < 0.01 ? second : first
    if (last.status === 'rejected') throw last.reason
    return last.value
  },
  'messages that come late': async (publish, args) => {
    if (Math.random() < 0.002) await new Promise((resolve) => setTimeout(resolve, 20))
    return publish(...args)
  },
}

for (const [what, act] of Object.entries(breakages)) {
  test(`${what} change nothing`, async (t) => {
    const { js } = await connected(t, shared.server)
    const place = { js: broken(js, act), stream: what.replaceAll(' ', '-') }
    const source = filled(t, 3000)
    source.seal()
    const why = new Set()
    const { sealed } = await push(source, { ...place, onRetry: ({ message }) => why.add(message) })
    t.true(sealed)
    t.log(`${why.size} interruptions`)
    t.deepEqual(faults(await contents(t, { ...place, js }), 3000), [])
  })
}

test('a stream that is removed meanwhile ends the push with an error', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const source = filled(t, 10)
  const progress = []
  const onProgress = ({ nextIndex }) => progress.push(nextIndex)
  const copy = push(source, { js, stream: 'removed', onProgress })
  const failed = t.throwsAsync(copy, { code: 'ERR_MMFILE_NOT_FOUND', message: /was removed/ })
  await until(() => progress.includes(10))
  await jsm.streams.delete('removed')
  source.append('x')
  await failed
})

test('a stream that has lost what it had acknowledged gets it again from a file', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const place = { js, stream: 'amnesia' }
  const source = filled(t, 10)
  const progress = []
  const copy = push(source, { ...place, onProgress: ({ nextIndex }) => progress.push(nextIndex) })
  await until(() => progress.includes(10))
  await jsm.streams.delete('amnesia')
  await jsm.streams.add({ name: 'amnesia', subjects: ['amnesia'] })
  source.append(messageOf(10))
  source.seal()
  t.like(await copy, { nextIndex: 11, sealed: true })
  t.deepEqual(faults(await contents(t, place), 11), [])
})

test('a stream that was made again and has something else ends the push, and gets nothing of it', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const source = filled(t, 10)
  const progress = []
  const onProgress = ({ nextIndex }) => progress.push(nextIndex)
  const copy = push(source, { js, stream: 'anew', onProgress })
  const failed = t.throwsAsync(copy, {
    code: 'ERR_MMFILE_INCOMPATIBLE',
    message: /stream 'anew' 3, and they differ at index 2/,
  })
  await until(() => progress.includes(10))
  await jsm.streams.delete('anew')
  await jsm.streams.add({ name: 'anew', subjects: ['anew'] })
  for (let n = 0; n < 3; n += 1) await js.publish('anew', `theirs ${n}`)
  source.append('ours')
  await failed
  t.is((await jsm.streams.info('anew')).state.last_seq, 3)
})

test('a server that has forgotten the newest id does not stop the push', async (t) => {
  const server = await startServer(t, serverPath)
  const { js } = await connected(t, server)
  const source = filled(t, 10)
  const progress = []
  const onProgress = ({ nextIndex }) => progress.push(nextIndex)
  const place = { js, stream: 'forgot', config: { duplicate_window: 1e9 } }
  const copy = push(source, { ...place, onProgress })
  await until(() => progress.includes(10))
  // Servers before 2.11 know no id after this, when they start again.
  await new Promise((resolve) => setTimeout(resolve, 2000))
  await server.kill()
  await server.start()
  source.append(messageOf(10))
  source.seal()
  t.like(await copy, { nextIndex: 11, sealed: true })
  t.deepEqual(faults(await contents(t, place), 11), [])
})

test('a stream that is full holds the push back, and timeout bounds that', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const source = filled(t, 50)
  source.seal()
  const place = { js, stream: 'full', config: { max_msgs: 20, discard: 'new' } }
  const full = { message: /maximum messages exceeded/ }
  await t.throwsAsync(push(source, { ...place, timeout: 500 }), full)
  let tries = 0
  const onRetry = () => {
    tries += 1
  }
  const copy = push(source, { ...place, onRetry })
  await new Promise((resolve) => setTimeout(resolve, 2000))
  t.true(tries > 0 && tries < 10, `${tries} tries in two seconds`)
  const { config } = await jsm.streams.info('full')
  await jsm.streams.update('full', { ...config, max_msgs: 1000 })
  t.like(await copy, { nextIndex: 50, messages: 30, sealed: true })
  t.deepEqual(faults(await contents(t, place), 50), [])
})

test('and a channel, which no longer has it, fails', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const source = Channel.createNew({ capacity: 4096 })
  t.teardown(() => source.close())
  const copy = push(source, { js, stream: 'gone' })
  const failed = t.throwsAsync(copy, { code: 'ERR_MMFILE_LOST', message: /needs message 0 next/ })
  for (let n = 0; n < 200; n += 1) await source.send(messageOf(n))
  await until(() => source.participants().find(({ role }) => role === 'group').lag === 0)
  await jsm.streams.delete('gone')
  await jsm.streams.add({ name: 'gone', subjects: ['gone'] })
  await source.send(messageOf(200))
  const { oldest } = await failed
  t.is(oldest, source.oldestIndex)
})

test('a subject that is another stream’s, and one that is not the stream’s', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  await jsm.streams.add({ name: 'theirs', subjects: ['theirs'] })
  await jsm.streams.add({ name: 'ours', subjects: ['ours'] })
  const source = filled(t, 1)
  await t.throwsAsync(push(source, { js, stream: 'ours', subject: 'theirs' }), {
    code: 'ERR_MMFILE_INCOMPATIBLE',
    message: /stream 'ours' has the subjects ours, and not 'theirs'/,
  })
  t.is((await jsm.streams.info('theirs')).state.messages, 0)
  const made = push(source, { js, stream: 'new', subject: 'theirs' })
  await t.throwsAsync(made, { message: /subjects overlap/ })
})
