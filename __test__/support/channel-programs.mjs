// Programs that take part in channels, and are killed.

import { isAbsolute } from 'node:path'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { Channel } from 'mmfile'
import { collect } from './channels.mjs'
import { block, hear, pause, play, say } from './program.mjs'

const open = (id) => (isAbsolute(id) ? Channel.openFile(id) : Channel.openExisting(id))

await play({
  /** Sends numbers, and says each whose send has returned, until it is killed. */
  async sender(id, exclusive) {
    const channel = open(id)
    const sender = exclusive === 'true' ? await channel.exclusiveWriter() : channel
    for (let n = 0; ; n += 1) {
      const index = await sender.send({ pid: process.pid, n })
      say([index, n])
    }
  },

  /** Sends so many numbers and exits. */
  async sendSome(id, count) {
    const channel = open(id)
    for (let n = 0; n < Number(count); n += 1) await channel.send({ pid: process.pid, n })
    channel.close()
    say('done')
  },

  /** Reads everything, and says it, until the channel is sealed. */
  async reader(id, as = 'value') {
    const channel = open(id)
    const reader = channel.reader({ from: 'oldest', as })
    say('ready')
    const got = []
    for await (const { index, value } of reader) {
      got.push([index, as === 'view' ? JSON.parse(Buffer.from(value).toString()) : value])
    }
    say(got)
  },

  /** Serves and asks with a spin. Says how busy it is some time after that is over. A signal ends it. */
  async spinner(id) {
    const channel = open(id)
    const unanswered = Channel.createNew()
    const stop = new AbortController()
    const { signal } = stop
    const served = channel.serve((value) => value, { spin: 20, signal })
    const waiting = unanswered.request('x', { spin: 20, signal }).catch(() => {})
    await channel.request('x', { spin: 20 })
    await pause(200)
    const before = performance.eventLoopUtilization()
    const used = process.cpuUsage()
    await pause(1000)
    const { utilization } = performance.eventLoopUtilization(before)
    const { user, system } = process.cpuUsage(used)
    say({ utilization, processor: (user + system) / 1000 })
    stop.abort()
    await Promise.all([served, waiting])
    say('ended')
    channel.close()
    unanswered.close()
  },

  /** Asks, and ends. */
  unrefRequest(id) {
    open(id).request('x', { ref: false, spin: Number.POSITIVE_INFINITY })
    say('asked')
  },

  /** Receives a message while nothing else wakes the event loop for a long time. */
  async unrefReader(id) {
    const timer = setTimeout(() => say('late'), 30_000)
    const reader = open(id).reader({ ref: false, spin: 1 })
    say('ready')
    const { value } = await reader.receive()
    say(value)
    clearTimeout(timer)
  },

  /** Takes views and keeps them. */
  keeper(id) {
    const channel = open(id)
    const reader = channel.reader({ from: 'oldest', as: 'view' })
    const kept = reader.tryReceiveAll(1000)
    say(kept.length)
    hear()
  },

  /** Works on jobs, and says which it has acknowledged, until it is killed or the channel is sealed. */
  async worker(id, group) {
    const channel = open(id)
    const member = channel.member(group, { prefetch: 3 })
    say('ready')
    for await (const job of member) {
      await pause(job.index % 3)
      job.ack()
      say([job.index, job.attempt])
    }
    say('sealed')
  },

  /** Takes one job and neither acknowledges nor gives it back. */
  async taker(id, group) {
    const channel = open(id)
    const member = channel.member(group)
    const job = await member.receive()
    say([job.index, job.attempt])
    hear()
  },

  /** Has a reservation open. */
  async reserver(id) {
    const channel = open(id)
    const writer = await channel.exclusiveWriter()
    const room = await writer.reserve(100)
    room.bytes.fill(1)
    say('reserved')
    hear()
    room.commit()
  },

  /** Serves: replies with its pid, or dies at a request that says so. */
  async server(id) {
    const channel = open(id)
    say('ready')
    await channel.serve(async (value) => {
      say(value)
      if (value === 'die') process.kill(process.pid, 'SIGKILL')
      if (value === 'wait') await pause(60_000)
      return { pid: process.pid, value }
    })
  },

  /** Serves texts of the requested length, and does nothing else: only serving keeps the process alive. */
  async texts(id) {
    const channel = open(id)
    say('ready')
    await channel.serve((length) => 'x'.repeat(length))
  },

  /** Waits for a message that does not come: the wait alone keeps the process, or does not. */
  async waits(id, ref, timeout) {
    const channel = open(id)
    const options = { ref: ref === 'true', timeout: Number(timeout) || undefined }
    say('waiting')
    const reader = channel.reader()
    reader.receive(options).then(
      ({ value }) => say(value),
      (error) => say(error.code),
    )
  },

  /** Ends without closing anything. */
  exits(id) {
    const channel = open(id)
    channel.reader()
    channel.member('g').tryReceive()
    say('here')
    process.exit()
  },

  /** A thread takes part and is terminated. */
  async thread(id) {
    const worker = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads')
       const { Channel } = require('mmfile')
       const channel = Channel.openExisting(workerData)
       const reader = channel.reader({ as: 'view', from: 'oldest' })
       const member = channel.member('g')
       const held = [reader.tryReceive(), member.tryReceive()]
       reader.receive()
       channel.exclusiveWriter().then((writer) => { globalThis.writer = writer; parentPort.postMessage(held.length) })
       setInterval(() => {}, 1000)`,
      { eval: true, workerData: id },
    )
    await new Promise((resolve) => worker.once('message', resolve))
    say('up')
    hear()
    await worker.terminate()
    say('down')
    hear()
  },

  /** Messages and handles that are dropped without release or close are released and closed. */
  async collects(id) {
    const channel = open(id)
    const rows = () => channel.participants().map(({ role, lag }) => [role, lag])
    process.on('warning', ({ code }) => say(code))
    await (async () => {
      const reader = channel.reader({ from: 'oldest', as: 'view' })
      reader.tryReceive()
      await reader.receive()
      reader.tryReceiveAll(3)
      await (async () => {
        await reader[Symbol.asyncIterator]().next()
      })()
      await collect()
      say(rows())
      globalThis.reader = reader
    })()
    globalThis.reader.close()
    globalThis.reader = undefined
    const member = channel.member('g')
    globalThis.done = member.tryReceive() // it keeps no other job from being found lost
    globalThis.done.ack()
    await (async () => member.tryReceive())()
    await collect()
    say(member.tryReceive().attempt)
    member.close()
    await (async () => {
      channel.reader()
      channel.member('g')
      const writer = await channel.exclusiveWriter()
      say(writer.closed)
    })()
    await collect()
    say(rows())
    say(channel.sendSync('x'))
  },

  /** Dropped views are released, however many there are, and whichever messages were released before. */
  async dropsViews(id) {
    const channel = open(id)
    const reader = channel.reader({ as: 'view' })
    for (let n = 0; n < 400; n += 1) {
      if (channel.trySend(Buffer.alloc(100)) === undefined) await collect()
      else if (n % 3 === 0) reader.tryReceive()
      else reader.tryReceive()?.release()
    }
    say(channel.nextIndex)
  },

  /** How often the whole heap is collected while 1 MiB at a time is filled in place, 6,000 times. */
  async fillsInPlace(id) {
    const channel = open(id)
    const size = 1 << 20
    let collections = 0
    const count = ({ detail }) => {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections += 1
    }
    new PerformanceObserver((list) => list.getEntries().forEach(count)).observe({ type: 'gc' })
    const rounds = async (send) => {
      for (let n = 0; n < 2000; n += 1) {
        send()
        if (n % 100 === 0) await pause(0)
      }
    }
    await rounds(() => channel.trySendWith(size, () => {}))
    const writer = await channel.exclusiveWriter()
    await rounds(() => writer.trySendWith(size, () => {}))
    await rounds(() => writer.tryReserve(size).commit())
    await pause(10)
    say({ sent: channel.nextIndex, collections })
  },

  /** With MMFILE_CHECK_VIEWS=1, a view that is used too long shows it. */
  checksViews(id) {
    const channel = open(id)
    const reader = channel.reader({ as: 'view', from: 'oldest' })
    const { value, release } = reader.tryReceive()
    const first = [...value]
    const message = reader.tryReceive()
    const second = message.value
    message.release()
    say([first, [...second], typeof release])
  },

  blockSome(id) {
    open(id).reader()
    say('ready')
    block(60_000)
  },
})
