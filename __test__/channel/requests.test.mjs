// request and serve.

import assert from 'node:assert'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import test from 'ava'
import { Channel, list } from 'mmfile'
import { channel, closing, rejects, uniqueId } from '../support/channels.mjs'
import { run, start } from '../support/child.mjs'
import { PROMPT } from '../support/time.mjs'

function serving(t, one, handler, options = {}) {
  const stop = new AbortController()
  const served = one.serve(handler, { ...options, signal: stop.signal })
  t.teardown(async () => {
    stop.abort()
    await served.catch(() => {})
  })
  return { stop, served }
}

test('a request gets its reply, and ordinary readers do not see it', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const other = closing(t, Channel.openExisting(one.id))
  const reader = one.reader()
  serving(t, one, ({ a, b }, { index, attempt }) => ({ sum: a + b, index, attempt }))
  t.deepEqual(await other.request({ a: 1, b: 2 }), { sum: 3, index: 0, attempt: 1 })
  t.deepEqual(await one.request({ a: 2, b: 2 }), { sum: 4, index: 1, attempt: 1 })
  t.is(reader.tryReceive(), undefined)
  t.is(one.nextIndex, 0)
  t.false(list().some(({ id }) => id !== one.id && id.includes(one.id)))
})

test('many requests at once, each its own reply', async (t) => {
  const one = channel(t, { encoding: 'json' })
  serving(
    t,
    one,
    async (n) => {
      await new Promise((resolve) => setTimeout(resolve, (n * 7) % 5))
      return n * 2
    },
    { concurrency: 8 },
  )
  const replies = await Promise.all(Array.from({ length: 200 }, (_, n) => one.request(n)))
  t.deepEqual(
    replies,
    replies.map((_, n) => n * 2),
  )
})

test("a handler's error is REMOTE, with the other side's as its cause", async (t) => {
  const one = channel(t, { encoding: 'json' })
  serving(t, one, () => {
    throw new RangeError('too far')
  })
  const error = await rejects(t, one.request('x'), 'ERR_MMFILE_REMOTE')
  t.is(error.cause.name, 'RangeError')
  t.is(error.cause.message, 'too far')
  t.regex(error.cause.stack, /requests\.test/)
  t.regex(error.message, /too far/)
})

test("a handler's error keeps its code, its properties and its causes", async (t) => {
  const one = channel(t, { encoding: 'json' })
  serving(t, one, async () => {
    try {
      await readFile('/not/there')
    } catch (cause) {
      const wrong = { unknown: () => 1, big: 10n, when: new Date(0), list: [1] }
      throw Object.assign(new Error('no configuration', { cause }), wrong)
    }
  })
  const { cause } = await rejects(t, one.request('x'), 'ERR_MMFILE_REMOTE')
  t.deepEqual({ ...cause }, { when: '1970-01-01T00:00:00.000Z', list: [1] })
  t.true(cause.cause instanceof Error)
  t.is(cause.cause.code, 'ENOENT')
  t.is(cause.cause.path, resolve('/not/there'))
  t.deepEqual(Object.keys(cause.cause).sort(), ['code', 'errno', 'path', 'syscall'])
  t.regex(inspect(cause), /no configuration[\s\S]*\[cause\]: .*ENOENT/)
})

test('everything that a handler throws comes back', async (t) => {
  const one = channel(t, { encoding: 'json' })
  class Refused extends Error {
    get code() {
      return 'E_REFUSED'
    }
  }
  const things = [
    'text',
    undefined,
    Symbol('s'),
    { message: 'plain', code: 'E_PLAIN' },
    Object.create(null, { message: { get: () => assert.fail('a getter') } }),
    new Refused('in time'),
    new Error('outer', { cause: { why: 'because' } }),
    Object.assign(new Error('cut'), { large: 'x'.repeat(100_000), small: 1 }),
    new Proxy(new Error('proxy'), { get: () => assert.fail('a trap') }),
  ]
  serving(t, one, (n) => {
    throw things[n]
  })
  const causes = []
  for (const n of things.keys()) {
    causes.push((await rejects(t, one.request(n), 'ERR_MMFILE_REMOTE')).cause)
  }
  t.deepEqual(causes.map(({ message }) => message).slice(0, 4), [
    'text',
    'undefined',
    'Symbol(s)',
    'plain',
  ])
  t.deepEqual([causes[3].code, causes[5].code], ['E_PLAIN', 'E_REFUSED'])
  t.deepEqual(causes[6].cause, { why: 'because' })
  t.deepEqual({ ...causes[7] }, { small: 1 })
})

test('onError is called for a handler that failed; an error that it throws ends the serving', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const heard = []
  const served = one.serve(
    (value) => {
      if (value === 'result') return 1n
      throw new Error(value)
    },
    {
      onError(error, { index, attempt }) {
        heard.push([error.message, index, attempt])
        if (error.message === 'last') throw new Error('enough')
      },
    },
  )
  for (const value of ['first', 'result', 'last']) {
    await rejects(t, one.request(value), 'ERR_MMFILE_REMOTE')
  }
  await t.throwsAsync(served, { message: 'enough' })
  t.deepEqual(
    [heard[0], heard[2]],
    [
      ['first', 0, 1],
      ['last', 2, 1],
    ],
  )
  t.regex(heard[1][0], /JSON/)
  await t.throwsAsync(
    one.serve(() => {}, { onError: 5 }),
    { code: 'ERR_INVALID_ARG_TYPE' },
  )
})

test("a handler's error comes back however long its texts are", async (t) => {
  const one = channel(t, { encoding: 'json', capacity: 4096 })
  serving(t, one, () => {
    throw new Error('字"\n'.repeat(5000))
  })
  const error = await rejects(t, one.request('x', { timeout: 5000 }), 'ERR_MMFILE_REMOTE')
  t.regex(error.cause.message, /^(字"\n){500}/)
})

test('a damaged reply is ignored', async (t) => {
  const prefixes = { data: 'a-', mutex: 'b-', channel: `c${uniqueId()}-`.slice(0, 40) }
  const one = channel(t, { encoding: 'json', prefixes })
  const request = one.request('x', { timeout: 5000 })
  const hidden = { ...prefixes, channel: `rpc-${prefixes.channel}` }
  const replies = list({ prefixes: hidden })
    .map(({ id }) => closing(t, Channel.openExisting(id, { prefixes: hidden, encoding: 'bytes' })))
    .find((opened) => opened.participants().some(({ role }) => role === 'reader'))
  const texts = { name: 'E', message: 'm' }
  const damaged = [
    { error: null },
    { error: 'text' },
    { error: { ...texts, name: { toString: null } } },
    { error: { ...texts, message: undefined } },
    { error: { ...texts, stack: 5 } },
    { error: { message: 'm', properties: null } },
    { needed: 'much' },
    { needed: 1e300 },
  ]
  for (const header of [...damaged, { nothing: true }]) {
    const text = Buffer.from(JSON.stringify({ request: 1, ...header }))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(text.length)
    replies.sendSync(Buffer.concat([length, text]))
  }
  t.is(await request, undefined)
})

test('the end of the reply channel ends pending requests, not later ones', async (t) => {
  const prefixes = { data: 'a-', mutex: 'b-', channel: `c${uniqueId()}-`.slice(0, 40) }
  const one = channel(t, { encoding: 'json', prefixes })
  let evict = () => {}
  serving(t, one, (value) => {
    evict()
    return value
  })
  t.is(await one.request(1), 1)
  const hidden = { ...prefixes, channel: `rpc-${prefixes.channel}` }
  evict = () => {
    evict = () => {}
    for (const { id } of list({ prefixes: hidden })) {
      const opened = closing(t, Channel.openExisting(id, { prefixes: hidden, encoding: 'bytes' }))
      for (const row of opened.participants()) if (row.role === 'reader') opened.evict(row)
    }
  }
  await rejects(t, one.request(2, { timeout: 5000 }), 'ERR_MMFILE_EVICTED')
  t.is(await one.request(3, { timeout: 5000 }), 3)
})

test('nothing, and what has no encoding', async (t) => {
  const one = channel(t, { encoding: 'json' })
  serving(t, one, (value) => (value === 'nothing' ? undefined : 1n))
  t.is(await one.request('nothing'), undefined)
  const error = await rejects(t, one.request('x'), 'ERR_MMFILE_REMOTE')
  t.regex(error.message, /JSON/)
})

test('bytes and text', async (t) => {
  const bytes = channel(t)
  serving(t, bytes, (value) => Buffer.from(value).reverse())
  t.deepEqual([...(await bytes.request(Buffer.from([1, 2, 3])))], [3, 2, 1])
  const text = channel(t, { encoding: 'utf8' })
  serving(t, text, (value) => value.toUpperCase())
  t.is(await text.request('ä'), 'Ä')
})

test('without a server a request waits, times out, or fails at once', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const { message } = await rejects(t, one.request('x', { timeout: 20 }), 'ERR_MMFILE_TIMEOUT')
  t.regex(message, /no process serves this channel: start one that calls serve\(\)/)
  await rejects(t, one.request('x', { requireServer: true }), 'ERR_MMFILE_PEER_GONE')
  const waiting = one.request('x')
  serving(t, one, () => 'there')
  t.is(await waiting, 'there')
})

test('a request that times out although a process serves: the message says so', async (t) => {
  const one = channel(t, { encoding: 'json' })
  let finish
  serving(t, one, () => new Promise((resolve) => (finish = resolve)))
  const { message } = await rejects(t, one.request('x', { timeout: 50 }), 'ERR_MMFILE_TIMEOUT')
  t.regex(message, /waiting for a reply from the one process that serves/)
  finish?.()
})

test('a request that finds no room: the message says why', async (t) => {
  const one = channel(t, { encoding: 'bytes', capacity: 4096 })
  const waiting = []
  for (let n = 0; n < 8; n += 1) waiting.push(one.request(Buffer.alloc(900), { timeout: 500 }))
  const messages = (await Promise.allSettled(waiting)).map(({ reason }) => reason.message)
  t.regex(messages.at(-1), /too many requests wait already, and no process serves this channel/)
})

test('requireServer notices that the last server stops', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const stop = new AbortController()
  let begun
  const handling = new Promise((resolve) => {
    begun = resolve
  })
  const served = one.serve(
    async () => {
      begun()
      await new Promise((resolve) => setTimeout(resolve, 50))
    },
    { signal: stop.signal },
  )
  const waiting = one.request('first')
  await handling
  const second = one.request('second', { requireServer: true })
  stop.abort()
  await served
  t.is(await waiting, undefined)
  await rejects(t, second, 'ERR_MMFILE_PEER_GONE')
})

test('a request whose caller gave up is not handed out', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const caller = closing(t, Channel.openExisting(one.id))
  const handled = []
  await rejects(t, caller.request('late', { timeout: 10 }), 'ERR_MMFILE_TIMEOUT')
  const abort = new AbortController()
  const aborted = caller.request('aborted', { signal: abort.signal })
  abort.abort()
  await t.throwsAsync(aborted, { name: 'AbortError' })
  const gone = closing(t, Channel.openExisting(one.id))
  const lost = gone.request('gone')
  gone.close()
  await rejects(t, lost, 'ERR_MMFILE_CLOSED')
  const wanted = caller.request('wanted')
  serving(t, one, (value) => {
    handled.push(value)
    return value
  })
  t.is(await wanted, 'wanted')
  t.deepEqual(handled, ['wanted'])
})

test('a reply may be as large as a message, however small the first ones are', async (t) => {
  const one = channel(t, { encoding: 'utf8', capacity: 1 << 20 })
  serving(t, one, (length) => 'x'.repeat(Number(length)))
  for (const length of [10, 100_000, 200_000, 10]) {
    t.is((await one.request(`${length}`)).length, length)
  }
  const error = await rejects(t, one.request('300000'), 'ERR_MMFILE_REMOTE')
  t.regex(error.message, /300\d\d\d bytes/)
  t.notRegex(error.message, /channel channel/)
  await rejects(t, one.request('x'.repeat(300_000)), 'ERR_MMFILE_CAPACITY')
})

test('serve ends at its signal, when its handlers have', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const stop = new AbortController()
  let over = false
  const served = one.serve(
    async () => {
      stop.abort()
      await new Promise((resolve) => setTimeout(resolve, 20))
      over = true
      return 'done'
    },
    { signal: stop.signal },
  )
  t.is(await one.request('x'), 'done')
  await served
  t.true(over)
  await t.notThrowsAsync(one.serve(() => {}, { signal: AbortSignal.abort() }))
  await t.throwsAsync(one.serve(5), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('a seal ends requests and, when all are handled, serving', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const served = one.serve((value) => value)
  t.is(await one.request('x'), 'x')
  one.seal()
  await rejects(t, one.request('y'), 'ERR_MMFILE_SEALED')
  await served
  await one.serve((value) => value)
})

test('closing rejects what waits', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const request = one.request('x')
  const served = closing(t, Channel.openExisting(one.id)).serve(async () => new Promise(() => {}))
  await new Promise((resolve) => setTimeout(resolve, 20))
  one.close()
  await rejects(t, request, 'ERR_MMFILE_CLOSED')
  t.truthy(served)
})

test('request and serve spin before they sleep, and both get what comes later', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const other = closing(t, Channel.openExisting(one.id))
  const timeout = 6 * PROMPT
  const late = (n) => new Promise((resolve) => setTimeout(resolve, n, n))
  serving(t, one, (n) => (n > 0 ? late(n) : n), { spin: 5, concurrency: 4 })
  t.is(await other.request(0, { spin: 1000, timeout }), 0)
  t.is(await other.request(30, { spin: 5, timeout }), 30)
  const spins = [0, 0.05, 5, 1000, Number.POSITIVE_INFINITY]
  const several = spins.map((spin, n) => other.request(10 * n, { spin, timeout }))
  t.deepEqual(await Promise.all(several), [0, 10, 20, 30, 40])
  await rejects(t, other.request(200, { spin: 1, timeout: 5 }), 'ERR_MMFILE_TIMEOUT')
  await rejects(t, other.request(200, { spin: 1000, timeout: 5 }), 'ERR_MMFILE_TIMEOUT')
  const signal = AbortSignal.timeout(5)
  const aborted = other.request(200, { spin: 1000, signal })
  await t.throwsAsync(aborted, { name: 'AbortError' })
  t.is(await other.request(0, { spin: 1000, timeout }), 0)
  t.is(await other.request(1, { timeout }), 1)
})

test('work spins before it sleeps', async (t) => {
  const one = channel(t, { encoding: 'json', groups: ['workers'] })
  const stop = new AbortController()
  const done = []
  const working = one.work(
    'workers',
    ({ value }) => {
      done.push(value)
      if (value === 1) stop.abort()
    },
    { spin: 5, signal: stop.signal },
  )
  one.sendSync(0)
  setTimeout(() => one.sendSync(1), 20)
  await working
  t.deepEqual(done, [0, 1])
})

test('a time to spin is checked', async (t) => {
  const one = channel(t, { encoding: 'json', groups: ['workers'] })
  for (const [spin, code] of [
    [-1, 'ERR_OUT_OF_RANGE'],
    [Number.NaN, 'ERR_OUT_OF_RANGE'],
    ['5', 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
  ]) {
    const wrong = { code, message: /options\.spin/ }
    await t.throwsAsync(one.request('x', { spin }), wrong)
    await t.throwsAsync(
      one.serve(() => {}, { spin }),
      wrong,
    )
    await t.throwsAsync(
      one.work('workers', () => {}, { spin }),
      wrong,
    )
  }
})

test('what spins sleeps after it, and a signal ends it', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const child = start(t, 'channel-programs', 'spinner', [one.id])
  const { utilization, processor } = await child.next()
  t.log(`${Math.round(100 * utilization)} % busy, ${processor} ms of processor time`)
  t.true(utilization < 0.5)
  t.true(processor < 700)
  t.is(await child.next(), 'ended')
  t.deepEqual(await child.exited, { code: 0, signal: null })
})

test('a request with ref: false lets the process end, however long it spins', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const { said, code } = await run(t, 'channel-programs', 'unrefRequest', [one.id])
  t.deepEqual(said, ['asked'])
  t.is(code, 0)
})
