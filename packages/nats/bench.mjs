// node bench.mjs: how fast push and pull are, beside publishing and consuming alone, with a server on this machine.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pull, push } from '@mmfile/nats'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Channel, MmFile } from 'mmfile'
import { findServer, freePort, Server } from './test/support/server.mjs'

const { path, version, reason } = findServer()
if (path === undefined) throw new Error(reason)
const folder = mkdtempSync(join(tmpdir(), 'mmfile-nats-'))
const server = new Server(path, folder, await freePort(), '')
await server.start()
const connections = await Promise.all(
  [1, 2].map(() => connect({ servers: server.url, noAsyncTraces: true })),
)
const [js, other] = connections.map((connection) => jetstream(connection))
const manager = await js.jetstreamManager()
console.log(`nats-server ${version}, Node.js ${process.version}`)

/** As many at a time as push has on their way. */
async function publish(stream, count, bytes) {
  await manager.streams.add({ name: stream, subjects: [stream] })
  const most = Math.min(256, Math.max(1, Math.floor((4 << 20) / bytes.length)))
  let done = 0
  const one = async () => {
    while (done++ < count) await js.publish(stream, bytes)
  }
  await Promise.all(Array.from({ length: most }, one))
}

async function consume(stream, count) {
  const consumer = await other.consumers.get(stream)
  let seen = 0
  for await (const _ of await consumer.consume({ max_messages: 500 })) if (++seen === count) break
}

async function measure(name, count, bytes, work) {
  const started = performance.now()
  await work()
  const seconds = (performance.now() - started) / 1000
  const rate = Math.round(count / seconds).toLocaleString('en')
  const megabytes = ((count * bytes.length) / seconds / 1e6).toFixed(1)
  console.log(
    `${name.padEnd(34)} ${String(bytes.length).padStart(7)} B ${rate.padStart(9)}/s ${megabytes.padStart(8)} MB/s`,
  )
}

for (const [size, count] of [
  [100, 50_000],
  [1 << 10, 50_000],
  [64 << 10, 2000],
]) {
  const bytes = Buffer.alloc(size, 'x')
  const stream = (name) => `${name}-${size}`
  await measure('publishing alone', count, bytes, () => publish(stream('alone'), count, bytes))
  await measure('consuming alone', count, bytes, () => consume(stream('alone'), count))
  const capacity = count * (size + 4)
  const [source, target] = [MmFile.createNew(capacity), MmFile.createNew(capacity)]
  for (let n = 0; n < count; n += 1) source.append(bytes)
  source.seal()
  await measure('push of a file', count, bytes, () => push(source, { js, stream: stream('file') }))
  await measure('pull into a file', count, bytes, () =>
    pull({ js: other, stream: stream('file') }, target),
  )
  source.close()
  target.close()
  const [from, to] = [Channel.createNew(), Channel.createNew()]
  await measure('channel to channel, both at once', count, bytes, async () => {
    const place = { js, stream: stream('channel') }
    const copies = [push(from, place), pull({ ...place, js: other }, to)]
    for (let n = 0; n < count; n += 1) await from.send(bytes)
    from.seal()
    await Promise.all(copies)
  })
  from.close()
  to.close()
}

// One message at a time, and back: what a lag is made of when nothing is behind.
const [asks, replies, asked, replied] = Array.from({ length: 4 }, () => MmFile.createNew(1 << 20))
const stop = new AbortController()
const { signal } = stop
const copies = [
  push(asks, { js, stream: 'asks', signal }),
  pull({ js: other, stream: 'asks' }, asked, { signal }),
  push(replies, { js: other, stream: 'replies', signal }),
  pull({ js, stream: 'replies' }, replied, { signal }),
]
const times = []
for (let n = 0; n < 1000; n += 1) {
  const started = performance.now()
  asks.append('x')
  await asked.waitFor(n)
  replies.append('x')
  await replied.waitFor(n)
  times.push(performance.now() - started)
}
times.sort((a, b) => a - b)
console.log(
  `round trip: ${times[500].toFixed(2)} ms in the median, ${times[990].toFixed(2)} ms for 99 %`,
)
stop.abort()
await Promise.all(copies)
await Promise.all(connections.map((connection) => connection.close()))
await server.kill()
rmSync(folder, { recursive: true, force: true })
