// A queue of jobs: one process sends, four take and acknowledge, one job a call.

import { now } from '../lib/child.mjs'
import { Partner } from '../lib/partner.mjs'
import { queues } from '../lib/queues.mjs'
import { startRedis } from '../lib/redis.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'

const WORKERS = 4
const SIZE = 64
const LABELS = {
  channel: 'mmfile, a group of a channel',
  redis: 'Redis Streams, a consumer group, a Unix socket',
}

/** Jobs a second, from the first that is sent to the last that is acknowledged. */
async function round(name, { partners, count, server, module, turn }) {
  const { place, socket, remove } = queues[name].make(server, turn)
  await Promise.all(partners.map((partner, number) => partner.ask({ place, socket, number })))
  const queue = await queues[name].open({ place, socket, number: WORKERS }, module)
  const job = Buffer.alloc(SIZE)
  const started = now()
  for (let number = 0; number < count; number += 1) {
    job.writeUInt32LE(number)
    const sent = queue.send(job)
    // Who has the answer at once need not wait for it.
    if (typeof sent === 'object') await sent
  }
  for (let last = 0; last < WORKERS; last += 1) await queue.send(Buffer.alloc(1))
  const said = await Promise.all(partners.map((partner) => partner.hear()))
  await queue.close()
  remove()
  const numbers = said.flatMap((one) => one.numbers).sort((a, b) => a - b)
  if (numbers.length !== count || numbers.some((number, at) => number !== at)) {
    throw new Error('jobs were lost, or came twice')
  }
  return (count / (Math.max(...said.map((one) => one.ended)) - started)) * 1e9
}

export async function jobs(context) {
  const { report, turns, quick, peers, has } = context
  report.progress('jobs')
  const names = has('redis') && has('redis-server') ? ['channel', 'redis'] : ['channel']
  const counts = { channel: quick ? 40_000 : 100_000, redis: quick ? 2000 : 5000 }
  const server = names.includes('redis') ? await startRedis() : undefined
  const partners = []
  const sides = {}
  let turn = 0
  try {
    for (const name of names) {
      const args = name === 'redis' ? [name, 'redis'] : [name]
      const own = Array.from({ length: WORKERS }, () => new Partner('worker', { args }))
      partners.push(...own)
      sides[name] = () => {
        turn += 1
        const count = counts[name]
        return round(name, { partners: own, count, server, module: peers[name], turn })
      }
      await sides[name]()
    }
    const figures = await alternate(turns, sides)
    report.table({
      id: 'jobs',
      title: `Jobs, ${SIZE} B: one sender, ${WORKERS} workers, one job a call`,
      unit: 'thousand jobs/s',
      columns: ['sent, taken, acknowledged'],
      rows: names.map((name) => ({
        label: LABELS[name],
        cells: [figures[name].map((rate) => rate / 1e3)],
      })),
    })
    report.goal('jobs-redis', figures.redis && ratios(figures.channel, figures.redis))
  } finally {
    for (const partner of partners) await partner.end()
    await server?.stop()
  }
}
