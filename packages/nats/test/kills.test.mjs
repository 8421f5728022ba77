// Every process that takes part is killed in the middle, over and over: no message is lost, none comes twice, and each
// is where it was. MMFILE_TEST_ROUNDS=10 copies 100,000 messages in each.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Channel, MmFile } from 'mmfile'
import { faults, folder, rounds, segmentsOf, serverPath, test } from './support/nats.mjs'
import { COMMAND, Program, WRITER } from './support/programs.mjs'
import { startProxy } from './support/proxy.mjs'
import { startCluster, startServer } from './support/server.mjs'

const COUNT = rounds(10_000)
const SMALL = 64 << 10

/** One of several at random. */
const any = (choices) => choices[Math.floor(Math.random() * choices.length)]

/** Kills this and that until all is done, each time that some more messages have come. */
async function killUntil(t, ends, programs, done, others = []) {
  const [from, to] = ends.map((end) => () => end.nextIndex ?? end.length)
  const length = () => from() + to()
  let over = false
  done.then(() => {
    over = true
  })
  let kills = 0
  while (!over) {
    const enough = length() + Math.random() * (COUNT / 3)
    const end = performance.now() + 3000
    while (!over && length() < enough && performance.now() < end) await sleep(10)
    if (over) break
    const running = programs.filter(({ ended }) => !ended)
    await any([...running.map((one) => () => one.kill()), ...others])?.()
    kills += 1
    for (const one of programs) if (one.ended) t.is(await one.done, 0, one.stderr)
  }
  t.log(`${kills} kills, of programs ${programs.map((one) => one.kills)}`)
}

const copyArgs = (urls) => ['--quiet', '--server', urls]

/** A writer, a pusher and a puller of that kind of source, and what kills the server and starts it again. */
function copying(t, server, kind, source, target) {
  const programs = [
    new Program(t, WRITER, [kind, source, COUNT]),
    new Program(t, COMMAND, ['push', source, 'log', ...copyArgs(server.url)]),
    new Program(t, COMMAND, ['pull', 'log', target, ...copyArgs(server.url)]),
  ]
  const restart = async () => {
    await server.kill()
    await server.start()
  }
  return { programs, restart }
}

/** A channel on disk that a stream is pushed from, and the file that it is pulled into. */
function channelToFile(t) {
  const path = folder(t)
  const [source, target] = [join(path, 'source'), join(path, 'target')]
  const from = Channel.createFile(source, { capacity: SMALL, groups: ['push:log'] })
  t.teardown(() => from.close())
  const file = MmFile.createFile(target, 64 << 20)
  t.teardown(() => file.close())
  return { source, target, from, file }
}

test.serial('a channel into a file: writer, pusher, puller and server are killed', async (t) => {
  const server = await startServer(t, serverPath)
  const { source, target, from, file } = channelToFile(t)
  const { programs, restart } = copying(t, server, 'channel', source, target)
  await killUntil(t, [from, file], programs, programs[2].done, [restart])
  for (const program of programs) t.is(await program.done, 0, program.stderr)
  t.true(file.sealed)
  t.deepEqual(faults(segmentsOf(file), COUNT), [])
})

test.serial('a file into a channel: writer, pusher, puller and server are killed', async (t) => {
  const server = await startServer(t, serverPath)
  const path = folder(t)
  const [source, target] = [join(path, 'source'), join(path, 'target')]
  const channel = Channel.createFile(target, { capacity: SMALL })
  t.teardown(() => channel.close())
  const reader = channel.reader({ from: 'oldest' })
  const from = MmFile.createFile(source, 64 << 20)
  t.teardown(() => from.close())
  const { programs, restart } = copying(t, server, 'file', source, target)
  const received = []
  const all = (async () => {
    for await (const { value } of reader) received.push(value)
  })()
  await killUntil(t, [from, channel], programs, all, [restart])
  for (const program of programs) t.is(await program.done, 0, program.stderr)
  t.deepEqual(faults(received, COUNT), [])
})

test.serial('a cluster of three: the leader of the stream is killed, and any server', async (t) => {
  const servers = await startCluster(t, serverPath)
  const urls = servers.map(({ url }) => url).join(',')
  const { source, target, from, file } = channelToFile(t)
  const programs = [
    new Program(t, WRITER, ['channel', source, COUNT]),
    new Program(t, COMMAND, ['push', source, 'log', '--replicas', '3', ...copyArgs(urls)]),
    new Program(t, COMMAND, ['pull', 'log', target, ...copyArgs(urls)]),
  ]
  const restart = async () => {
    const server = any(servers)
    await server.kill()
    await sleep(Math.random() * 500)
    await server.start()
    await sleep(1000)
  }
  await killUntil(t, [from, file], programs, programs[2].done, [restart, restart, restart])
  for (const program of programs) t.is(await program.done, 0, program.stderr)
  t.deepEqual(faults(segmentsOf(file), COUNT), [])
})

test.serial('a network that delays, and drops connections', async (t) => {
  const server = await startServer(t, serverPath)
  const proxies = [
    await startProxy(t, server, { delay: 5 }),
    await startProxy(t, server, { delay: 5 }),
  ]
  const path = folder(t)
  const [source, target] = [join(path, 'source'), join(path, 'target')]
  const from = Channel.createFile(source, { capacity: 1 << 20, groups: ['push:log'] })
  t.teardown(() => from.close())
  const file = MmFile.createFile(target, 64 << 20)
  t.teardown(() => file.close())
  const programs = [
    new Program(t, WRITER, ['channel', source, COUNT]),
    new Program(t, COMMAND, ['push', source, 'log', ...copyArgs(proxies[0].url)]),
    new Program(t, COMMAND, ['pull', 'log', target, ...copyArgs(proxies[1].url)]),
  ]
  await killUntil(
    t,
    [from, file],
    [],
    programs[2].done,
    proxies.map(({ drop }) => drop),
  )
  for (const program of programs) t.is(await program.done, 0, program.stderr)
  t.deepEqual(faults(segmentsOf(file), COUNT), [])
})
