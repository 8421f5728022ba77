// A job queue for several machines: a stream has the jobs, each goes to one machine, and there to one worker.
//
//   node jobs.mjs submit 100     anywhere
//   node jobs.mjs feed           on each machine: takes jobs into the machine's channel
//   node jobs.mjs work           on each machine, as often as it has processors

import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Channel, MmFileError } from 'mmfile'

const [role, count = '100'] = process.argv.slice(2)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

async function run({ n, ms = 10 }) {
  await sleep(ms)
  console.log(`done ${n}`)
}

if (role === 'work') {
  const jobs = Channel.createOrOpen('jobs', { encoding: 'json', groups: ['workers'] })
  const { signal } = stop
  await jobs.work('workers', ({ value }) => run(value.job), { concurrency: 4, signal })
  jobs.close()
  process.exit()
}

const servers = process.env.NATS_URL?.split(',')
const connection = await connect({ servers, maxReconnectAttempts: -1, waitOnFirstConnect: true })
const js = jetstream(connection)
const manager = await js.jetstreamManager()
await manager.streams.add({ name: 'JOBS', subjects: ['jobs'], retention: 'workqueue' })

if (role === 'submit') {
  // The id keeps a job from being there twice when this is run again.
  for (let n = 0; n < Number(count); n += 1)
    await js.publish('jobs', JSON.stringify({ n }), { msgID: `job-${n}` })
} else {
  // A job whose machine says nothing for 5 seconds goes to another one.
  const config = { durable_name: 'machines', ack_policy: 'explicit', ack_wait: 5e9 }
  await manager.consumers.add('JOBS', config)
  const jobs = Channel.createOrOpen('jobs', { encoding: 'json', groups: ['workers'] })
  const writer = await jobs.exclusiveWriter({ signal: stop.signal }) // a second feeder stands by
  // A job that is already in the channel: an earlier feeder took it, and it must not run again.
  const [known, open] = [new Map(), new Map()]
  const take = (index, { seq, ack }) => known.set(seq, index) && open.set(index, ack)
  const before = jobs.reader({ from: 'oldest', lossy: true })
  for (const { index, value } of before.tryReceiveAll(1e6)) take(index, value)
  const settle = (working) => {
    const { nextIndex } = jobs.participants().find(({ role }) => role === 'group')
    for (const [index, ack] of open)
      if (index < nextIndex) open.delete(index) && connection.publish(ack, '+ACK')
      else if (working) connection.publish(ack, '+WPI') // it is still worked on
    for (const [seq, index] of known) if (index < jobs.oldestIndex) known.delete(seq)
  }
  settle(true)
  const timers = [setInterval(settle, 20, false), setInterval(settle, 1000, true)]
  const machines = await js.consumers.get('JOBS', 'machines')
  while (!stop.signal.aborted && !connection.isClosed()) {
    // No more than it tells the stream about: what waits elsewhere would go to another machine, too.
    const room = 20 - open.size
    if (room <= 0) {
      await sleep(5)
      continue
    }
    try {
      for await (const message of await machines.fetch({ max_messages: room, expires: 1000 })) {
        const value = { seq: message.seq, ack: message.reply, job: message.json() }
        if (known.has(value.seq)) open.set(known.get(value.seq), value.ack)
        else take(await writer.send(value), value)
      }
    } catch (error) {
      if (MmFileError.is(error)) throw error
      await sleep(100) // the server is away
    }
  }
  // Jobs that this machine has are finished here, as long as a worker runs.
  const isWorkedOn = () => jobs.participants().some(({ role }) => role === 'member')
  while (open.size > 0 && isWorkedOn()) await sleep(20)
  for (const timer of timers) clearInterval(timer)
  jobs.close()
}
await connection.drain()
