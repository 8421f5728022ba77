// Channels between processes that are killed: which messages arrive, and who gets a dead process's
// jobs, and how soon.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { Channel, sweep } from 'mmfile'
import { channel, closing, folder, refuses, rejects, uniqueId } from '../support/channels.mjs'
import { start } from '../support/child.mjs'
import { rounds } from '../support/files.mjs'
import { block } from '../support/program.mjs'
import { PROMPT } from '../support/time.mjs'

const PROGRAMS = 'channel-programs'
/** Windows stops no process. */
const withSignals = process.platform === 'win32' ? test.skip : test
const json = { encoding: 'json', capacity: 65_536 }

/** Returns all output of a killed program. */
async function rest(child) {
  const said = []
  for await (const value of child.said()) if (!value?.cut) said.push(value)
  return said
}

for (const place of ['memory', 'disk']) {
  for (const exclusive of [false, true]) {
    test(`${place}: what a ${exclusive ? 'exclusive ' : ''}writer's send said is there, in order and once, after its kill`, async (t) => {
      const one =
        place === 'memory'
          ? channel(t, json)
          : closing(t, Channel.createFile(join(folder(t), 'c.mmf'), json))
      for (let round = 0; round < rounds(4); round += 1) {
        const reader = one.reader()
        const child = start(t, PROGRAMS, 'sender', [one.id, exclusive])
        const first = await reader.receive()
        const got = [first]
        const until = performance.now() + 20 + round * 13
        while (performance.now() < until) got.push(await reader.receive())
        await child.kill()
        const said = await rest(child)
        got.push(...reader.tryReceiveAll(10_000))
        t.deepEqual(
          got.map(({ index }) => index - first.index),
          got.map((_, n) => n),
        )
        t.deepEqual(
          got.map(({ value }) => value.n),
          got.map((_, n) => n),
        )
        t.true(got.length >= said.length)
        t.true(got.length <= said.length + 1, 'at most the one whose send had not returned')
        // Everything that the writer held is free again.
        t.is(await one.send('free', { timeout: 5000 }), got.at(-1).index + 1)
        reader.close()
      }
    })
  }
}

test('many writers in many processes: everything arrives, each writer in order', async (t) => {
  const one = channel(t, { encoding: 'json', capacity: 16_384 })
  const readers = ['value', 'view'].map((as) => start(t, PROGRAMS, 'reader', [one.id, as]))
  for (const reader of readers) t.is(await reader.next(), 'ready')
  const count = 300
  const writers = Array.from({ length: 4 }, () => start(t, PROGRAMS, 'sendSome', [one.id, count]))
  for (const writer of writers) t.is(await writer.next(), 'done')
  one.seal()
  for (const reader of readers) {
    const got = await reader.next()
    t.is(got.length, 4 * count)
    t.deepEqual(
      got.map(([index]) => index),
      got.map((_, n) => n),
    )
    for (const { pid } of writers) {
      const own = got.filter(([, value]) => value.pid === pid).map(([, { n }]) => n)
      t.deepEqual(
        own,
        own.map((_, n) => n),
      )
    }
  }
})

test('a reader that is killed with views holds no writer back', async (t) => {
  const one = channel(t, { capacity: 4096 })
  const own = one.reader()
  while (one.trySend(Buffer.alloc(100)) !== undefined);
  const child = start(t, PROGRAMS, 'keeper', [one.id])
  t.true((await child.next()) > 10)
  own.tryReceiveAll(1000)
  t.is(one.trySend(Buffer.alloc(100)), undefined)
  const waiting = one.send(Buffer.alloc(100))
  await child.kill()
  const died = performance.now()
  await waiting
  t.true(performance.now() - died < PROMPT, 'soon')
  t.deepEqual(
    one.participants().map(({ pid }) => pid),
    [process.pid],
  )
})

withSignals(
  'a stopped reader holds writers back until it is evicted, and FULL names it',
  async (t) => {
    const one = channel(t, { capacity: 4096 })
    const child = start(t, PROGRAMS, 'keeper', [one.id])
    await child.next()
    child.signal('SIGSTOP')
    while (one.trySend(Buffer.alloc(100)) !== undefined);
    const { slowest } = await rejects(
      t,
      one.send(Buffer.alloc(100), { timeout: 50 }),
      'ERR_MMFILE_FULL',
    )
    t.is(slowest.pid, child.pid)
    one.evict(slowest)
    t.not(one.trySend(Buffer.alloc(100)), undefined)
    child.signal('SIGCONT')
  },
)

test('an exclusive writer that is killed with an open reservation leaves no message', async (t) => {
  const one = channel(t, { encoding: 'bytes' })
  const reader = one.reader({ requirePeer: 'writer' })
  const child = start(t, PROGRAMS, 'reserver', [one.id])
  t.is(await child.next(), 'reserved')
  t.is(refuses(t, () => one.trySend(Buffer.from('x')), 'ERR_MMFILE_LOCK_HELD').pid, child.pid)
  const waiting = one.exclusiveWriter()
  const gone = reader.receive()
  await child.kill()
  const writer = await waiting
  t.is(writer.trySend(Buffer.from('mine')), 0)
  t.is(
    (await Promise.race([gone, reader.receive()]).catch(() => one.newest())).value.toString(),
    'mine',
  )
})

test('a job of a member that is killed goes to another one, attempt + 1', async (t) => {
  const one = channel(t, { ...json, groups: ['g'] })
  one.sendSync('job')
  for (let attempt = 1; attempt <= rounds(3); attempt += 1) {
    const child = start(t, PROGRAMS, 'taker', [one.id, 'g'])
    t.deepEqual(await child.next(), [0, attempt])
    await child.kill()
  }
  const job = await one.member('g').receive({ timeout: 5000 })
  t.is(job.attempt, rounds(3) + 1)
  job.ack()
})

test('jobs of a killed member come before newer ones, however many there are', async (t) => {
  const one = channel(t, { ...json, groups: ['g'] })
  one.sendAllSync(['old', 'new'])
  const child = start(t, PROGRAMS, 'taker', [one.id, 'g'])
  t.deepEqual(await child.next(), [0, 1])
  const member = one.member('g')
  t.is(member.tryReceive().index, 1)
  await child.kill()
  // There is always a newer job, and never so many that a writer has to reclaim room.
  let job
  for (let n = 0; n < 1000 && job?.index !== 0; n += 1) {
    one.sendSync('newer')
    job = member.tryReceive()
    job.ack()
    await sleep(10)
  }
  t.deepEqual([job.index, job.attempt], [0, 2])
})

for (const place of ['memory', 'disk']) {
  test(`${place}: exactly one worker acknowledges each job while workers are killed`, async (t) => {
    const options = { ...json, groups: ['g'] }
    const one =
      place === 'memory'
        ? channel(t, options)
        : closing(t, Channel.createFile(join(folder(t), 'c.mmf'), options))
    const acknowledged = []
    const living = new Set()
    let sealed = false
    async function follow(child) {
      living.add(child)
      for await (const said of child.said()) {
        if (Array.isArray(said)) acknowledged.push(said[0])
      }
      living.delete(child)
    }
    const followed = []
    const begin = () => followed.push(follow(start(t, PROGRAMS, 'worker', [one.id, 'g'])))
    for (let n = 0; n < 3; n += 1) begin()
    const total = 400
    for (let n = 0; n < total; n += 1) {
      await one.send(n)
      if (n % 100 === 99) {
        const [victim] = living
        begin()
        await victim?.kill()
      }
    }
    one.seal()
    sealed = true
    while (living.size > 0) await Promise.race(followed.splice(0, 1))
    await Promise.all(followed)
    t.true(sealed)
    const counts = new Map()
    for (const index of acknowledged) counts.set(index, (counts.get(index) ?? 0) + 1)
    t.true(
      [...counts.values()].every((count) => count === 1),
      'none twice',
    )
    // A worker may die between its ack and its report.
    t.true(counts.size >= total - 4, `${counts.size} of ${total}`)
    refuses(t, () => one.member('g').tryReceive(), 'ERR_MMFILE_SEALED')
  })
}

test('a request whose server dies goes to another one; after three deaths it is PEER_GONE', async (t) => {
  const one = channel(t, json)
  const victim = start(t, PROGRAMS, 'server', [one.id])
  await victim.next()
  const waiting = one.request('wait')
  t.is(await victim.next(), 'wait')
  const other = start(t, PROGRAMS, 'server', [one.id])
  await other.next()
  await victim.kill()
  t.is(await other.next(), 'wait')
  await other.kill()
  const third = closing(t, Channel.openExisting(one.id))
  const stop = new AbortController()
  const served = third.serve((value, { attempt }) => ({ value, attempt }), { signal: stop.signal })
  t.deepEqual(await waiting, { value: 'wait', attempt: 3 })
  stop.abort()
  await served

  const deadly = one.request('die')
  const keepAlive = (async () => {
    for (let deaths = 0; deaths < 3; deaths += 1) {
      const child = start(t, PROGRAMS, 'server', [one.id])
      await child.exited
    }
    start(t, PROGRAMS, 'server', [one.id])
  })()
  await rejects(t, deadly, 'ERR_MMFILE_PEER_GONE')
  await keepAlive
})

test('a server that does nothing else lives until its caller has room for a larger reply', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const server = start(t, PROGRAMS, 'texts', [one.id])
  t.is(await server.next(), 'ready')
  for (const length of [1, 100_000, 2, 300_000]) {
    const reply = one.request(length, { timeout: 10_000 })
    block(300) // the server waits for this process meanwhile
    t.is((await reply).length, length)
  }
})

test('a wait keeps the process, unless ref is false', async (t) => {
  const one = channel(t, json)
  const kept = start(t, PROGRAMS, 'waits', [one.id, true])
  await kept.next()
  const free = start(t, PROGRAMS, 'waits', [one.id, false])
  await free.next()
  t.deepEqual(await free.exited, { code: 0, signal: null })
  t.is(
    await Promise.race([kept.exited, new Promise((done) => setTimeout(done, 100, 'waits'))]),
    'waits',
  )
  one.sendSync('news')
  t.is(await kept.next(), 'news')
  t.deepEqual(await kept.exited, { code: 0, signal: null })
  const timed = start(t, PROGRAMS, 'waits', [one.id, true, 20])
  await timed.next()
  t.is(await timed.next(), 'ERR_MMFILE_TIMEOUT')
})

test('an exit closes what it leaves, and gives jobs back', async (t) => {
  const one = channel(t, { ...json, groups: ['g'] })
  one.sendSync('job')
  const child = start(t, PROGRAMS, 'exits', [one.id])
  await child.next()
  await child.exited
  const job = await one.member('g').receive({ timeout: 5000 })
  t.is(job.attempt, 2)
  t.deepEqual(
    one
      .participants()
      .map(({ role }) => role)
      .sort(),
    ['group', 'member'],
  )
})

test('a terminated worker closes what it leaves', async (t) => {
  const one = channel(t, { ...json, groups: ['g'] })
  one.sendAllSync(['a', 'b'])
  const child = start(t, PROGRAMS, 'thread', [one.id])
  t.is(await child.next(), 'up')
  t.is(one.participants().length, 4)
  await child.tell('go on')
  t.is(await child.next(), 'down')
  t.deepEqual(
    one.participants().map(({ role }) => role),
    ['group'],
  )
  t.is(one.sendSync('c'), 2)
  t.is(one.member('g').tryReceive().attempt, 2)
})

test('a channel in memory ends with its last process, however it ended', async (t) => {
  const id = uniqueId()
  const one = Channel.createOrOpen(id)
  const child = start(t, PROGRAMS, 'blockSome', [id])
  await child.next()
  one.close()
  const again = closing(t, Channel.openExisting(id))
  t.is(again.peers().length, 2)
  again.close()
  await child.kill()
  sweep()
  refuses(t, () => Channel.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
})
