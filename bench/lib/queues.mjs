// Every queue of jobs that is measured, behind the same functions: one job a call, to send, to take and to acknowledge.

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const GROUP = 'workers'
const TIMEOUT = 30_000
const FIELD = 'job'
/** Of Redis: until there is a job, or so many milliseconds. */
const BLOCK = 30_000

const channel = {
  make() {
    const { Channel } = require('../../dist/index.js')
    const made = Channel.createNew({ groups: [GROUP] })
    return { place: made.id, remove: () => made.close() }
  },
  async open({ place, takes }) {
    const { Channel } = require('../../dist/index.js')
    const opened = Channel.openExisting(place)
    const member = takes ? opened.member(GROUP, { as: 'bytes' }) : undefined
    return {
      send: (job) => opened.trySend(job) ?? opened.send(job, { timeout: TIMEOUT }),
      async take() {
        const job = member.tryReceive() ?? (await member.receive({ timeout: TIMEOUT }))
        return { value: job.value, ack: () => job.ack() }
      },
      close: () => opened.close(),
    }
  },
}

const redis = {
  make({ socket }, turn) {
    return { place: `jobs-${turn}`, socket, remove() {} }
  },
  async open({ place, socket, number }, { createClient, RESP_TYPES }) {
    const typeMapping = { [RESP_TYPES.BLOB_STRING]: Buffer }
    const client = createClient({ socket: { path: socket } }).on('error', () => {})
    await client.connect()
    const options = { MKSTREAM: true }
    await client.xGroupCreate(place, GROUP, '0', options).catch((error) => {
      if (!error.message.startsWith('BUSYGROUP')) throw error
    })
    const bytes = client.withTypeMapping(typeMapping)
    return {
      send: (job) => client.xAdd(place, '*', { [FIELD]: job }),
      async take() {
        const wanted = { key: place, id: '>' }
        const how = { COUNT: 1, BLOCK }
        const [stream] = await bytes.xReadGroup(GROUP, `worker-${number}`, wanted, how)
        const [{ id, message }] = stream.messages
        return { value: message[FIELD], ack: () => client.xAck(place, GROUP, id) }
      },
      close: () => client.close(),
    }
  },
}

export const queues = { channel, redis }
