// Groups and their members: each message to one, acknowledged by ack() alone, given back by everything else.

import test from 'ava'
import { Channel } from 'mmfile'
import { channel, closing, refuses, rejects } from '../support/channels.mjs'

const jobs = (t, options = {}) => channel(t, { encoding: 'json', groups: ['workers'], ...options })
const values = (messages) => messages.map(({ value }) => value)

test('each message goes to one member of each group', (t) => {
  const one = jobs(t, { groups: ['a', 'b'] })
  const other = closing(t, Channel.openExisting(one.id))
  one.sendAllSync([0, 1, 2, 3])
  const [first, second, elsewhere] = [one.member('a'), other.member('a'), other.member('b')]
  const got = [first.tryReceive(), second.tryReceive(), first.tryReceive(), second.tryReceive()]
  t.deepEqual(values(got).sort(), [0, 1, 2, 3])
  t.deepEqual(values(elsewhere.tryReceiveAll(10)), [0, 1, 2, 3])
  for (const job of got) job.ack()
  t.is(first.tryReceive(), undefined)
  t.is(first.group, 'a')
})

test('an unknown group is NOT_FOUND and the message names the existing ones: a misspelt name creates no group', (t) => {
  const one = jobs(t)
  const error = refuses(t, () => one.member('worker'), 'ERR_MMFILE_NOT_FOUND')
  t.regex(error.message, /workers/)
  refuses(t, () => one.removeGroup('worker'), 'ERR_MMFILE_NOT_FOUND')
  t.throws(() => one.member(''), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => one.member('workers', { prefetch: 0 }), { code: 'ERR_OUT_OF_RANGE' })
})

test('createGroup is idempotent and begins at `from`', (t) => {
  const one = jobs(t, { groups: [] })
  one.sendAllSync([0, 1, 2])
  one.createGroup('old')
  one.createGroup('new', { from: 'new' })
  one.createGroup('last', { from: 'newest' })
  one.createGroup('new', { from: 'oldest' })
  t.deepEqual(values(one.member('old').tryReceiveAll(9)), [0, 1, 2])
  t.deepEqual(values(one.member('new').tryReceiveAll(9)), [])
  t.deepEqual(values(one.member('last').tryReceiveAll(9)), [2])
})

test('jobs sent before the first worker exists are not lost', (t) => {
  const one = jobs(t)
  one.sendAllSync([0, 1, 2])
  t.deepEqual(values(one.member('workers').tryReceiveAll(9)), [0, 1, 2])
})

test('groups are made on every way to open', (t) => {
  const one = jobs(t, { groups: [] })
  closing(t, Channel.openExisting(one.id, { groups: ['x'] }))
  t.notThrows(() => one.member('x'))
})

test('removing a group evicts its members and unblocks writers', (t) => {
  const one = jobs(t)
  const member = one.member('workers')
  one.removeGroup('workers')
  refuses(t, () => member.tryReceive(), 'ERR_MMFILE_EVICTED')
  t.deepEqual(one.participants(), [])
})

test('only ack() acknowledges, and it is idempotent', (t) => {
  const one = jobs(t)
  one.sendAllSync([0, 1])
  const member = one.member('workers')
  const job = member.tryReceive()
  t.is(job.attempt, 1)
  t.is(member.lag, 2)
  job.ack()
  job.ack()
  job.release()
  job.nak()
  t.is(member.lag, 1)
  const other = member.tryReceive()
  member.close()
  const error = refuses(t, () => other.ack(), 'ERR_MMFILE_CLOSED')
  t.true(error.message.includes(one.id), 'it names the channel')
  t.deepEqual(values(one.member('workers').tryReceiveAll(9)), [1])
})

test('nak() gives back, and the attempt counts', (t) => {
  const one = jobs(t)
  one.sendSync('job')
  const [a, b] = [one.member('workers'), one.member('workers')]
  const first = a.tryReceive()
  t.is(b.tryReceive(), undefined)
  first.nak()
  first.nak()
  const error = refuses(t, () => first.ack(), 'ERR_MMFILE_EVICTED')
  t.regex(error.message, /given back/)
  const second = b.tryReceive()
  t.deepEqual([second.value, second.attempt], ['job', 2])
  second.ack()
})

test('nak with a delay keeps the job for so long, and gives it back at once when it closes', async (t) => {
  const one = jobs(t)
  one.sendAllSync(['a'])
  const [a, b] = [one.member('workers'), one.member('workers')]
  const started = performance.now()
  a.tryReceive().nak({ delay: 50 })
  t.is(b.tryReceive(), undefined)
  const again = await b.receive({ timeout: 5000 })
  t.true(performance.now() - started >= 45)
  t.is(again.attempt, 2)
  again.nak({ delay: 60_000 })
  b.close()
  t.is(a.tryReceive().attempt, 3)
  t.throws(() => again.nak({ delay: -1 }), { code: 'ERR_OUT_OF_RANGE' })
})

const ways = {
  'the next step of the loop': async (member) => {
    const loop = member[Symbol.asyncIterator]()
    await loop.next()
    const next = loop.next()
    await loop.return()
    await next
  },
  break: async (member) => {
    for await (const _ of member) break
  },
  'an exception': async (member) => {
    try {
      for await (const _ of member) throw new Error('mine')
    } catch {}
  },
  'release()': (member) => member.tryReceive().release(),
  disposal: (member) => member.tryReceive()[Symbol.dispose](),
  'close()': (member) => {
    member.tryReceive()
    member.close()
  },
}

for (const [name, act] of Object.entries(ways)) {
  test(`${name} gives back jobs that are not acknowledged`, async (t) => {
    const one = jobs(t)
    one.sendSync('job')
    await act(one.member('workers'))
    const again = one.member('workers').tryReceive()
    t.is(again.value, 'job')
    t.true(again.attempt >= 2)
  })
}

test('a loop that acknowledges loses and repeats nothing', async (t) => {
  const one = jobs(t)
  const total = 200
  const got = []
  async function worker() {
    for await (const job of one.member('workers', { prefetch: 4 })) {
      got.push(job.value)
      await new Promise(setImmediate)
      job.ack()
    }
  }
  const workers = [worker(), worker(), worker()]
  for (let n = 0; n < total; n += 1) await one.send(n)
  one.seal()
  await Promise.all(workers)
  t.deepEqual(
    got.sort((a, b) => a - b),
    Array.from({ length: total }, (_, n) => n),
  )
})

test('a member is SEALED only when its group has acknowledged everything', async (t) => {
  const one = jobs(t)
  one.sendSync('job')
  one.seal()
  const [a, b] = [one.member('workers'), one.member('workers')]
  const job = a.tryReceive()
  t.is(b.tryReceive(), undefined)
  const waiting = b.receive()
  job.nak()
  const again = await waiting
  again.ack()
  await rejects(t, a.receive(), 'ERR_MMFILE_SEALED')
  refuses(t, () => b.tryReceive(), 'ERR_MMFILE_SEALED')
})

test('jobs of an evicted member go to another one, and its ack is EVICTED', (t) => {
  const one = jobs(t)
  one.sendSync('job')
  const [a, b] = [one.member('workers'), one.member('workers')]
  const job = a.tryReceive()
  const row = one.participants().find(({ role, lag }) => role === 'member' && lag > 0)
  one.evict(row)
  const again = b.tryReceive()
  t.is(again.attempt, 2)
  refuses(t, () => job.ack(), 'ERR_MMFILE_EVICTED')
  refuses(t, () => a.tryReceive(), 'ERR_MMFILE_EVICTED')
  again.ack()
})

test('views and bytes of jobs', (t) => {
  const one = jobs(t)
  one.sendAllSync(['a', 'b'])
  const view = one.member('workers', { as: 'view' }).tryReceive()
  t.is(Buffer.from(view.value).toString(), '"a"')
  const bytes = one.member('workers', { as: 'bytes' }).tryReceive()
  t.is(bytes.value.toString(), '"b"')
  view.ack()
  bytes.ack()
})

test('a job that cannot be decoded can be acknowledged', (t) => {
  const one = jobs(t)
  one.sendWithSync(1, (target) => void target.fill(0x7b))
  const job = one.member('workers').tryReceive()
  refuses(t, () => job.value, 'ERR_MMFILE_NOT_TEXT')
  job.ack()
})

test('work() acknowledges what fulfils, gives back what rejects, and ends with the seal', async (t) => {
  const one = jobs(t)
  one.sendAllSync([0, 1, 2, 3, 4])
  one.seal()
  const attempts = new Map()
  const errors = []
  await one.work(
    'workers',
    async ({ value, attempt }) => {
      attempts.set(value, attempt)
      if (value === 3 && attempt < 3) throw new Error(`no ${attempt}`)
    },
    {
      concurrency: 2,
      retryDelay: (attempt) => attempt,
      onError: (error, { index, attempt }) => errors.push([error.message, index, attempt]),
    },
  )
  t.deepEqual([...attempts].sort(), [
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 3],
    [4, 1],
  ])
  t.deepEqual(errors, [
    ['no 1', 3, 1],
    ['no 2', 3, 2],
  ])
})

test('work() runs `concurrency` handlers, and waits for them at its signal', async (t) => {
  const one = jobs(t)
  one.sendAllSync(Array.from({ length: 20 }, (_, n) => n))
  const stop = new AbortController()
  let [running, most, done] = [0, 0, 0]
  let begin
  const four = new Promise((resolve) => {
    begin = resolve
  })
  const work = one.work(
    'workers',
    async () => {
      running += 1
      most = Math.max(most, running)
      if (running === 4) begin()
      await four
      await new Promise((resolve) => setTimeout(resolve, 5))
      running -= 1
      done += 1
      if (done === 8) stop.abort()
    },
    { concurrency: 4, signal: stop.signal },
  )
  await work
  t.is(most, 4)
  t.is(running, 0)
  t.true(done < 20)
  t.is(one.member('workers').tryReceiveAll(100).length, 20 - done)
  await t.notThrowsAsync(one.work('workers', () => t.fail(), { signal: AbortSignal.abort() }))
})

test('work() rejects with the error that onError throws, and gives the job back', async (t) => {
  const one = jobs(t)
  one.sendSync('job')
  const wrong = new Error('wrong')
  const work = one.work(
    'workers',
    () => {
      throw wrong
    },
    {
      onError: (error) => {
        throw error
      },
    },
  )
  await t.throwsAsync(work, { is: wrong })
  t.is(one.member('workers').tryReceive().attempt, 2)
  await rejects(
    t,
    one.work('nobody', () => {}),
    'ERR_MMFILE_NOT_FOUND',
  )
  await t.throwsAsync(one.work('workers'), { code: 'ERR_INVALID_ARG_TYPE' })
})
