// The processes of `npm run soak -- --kind channels`: they take part in two channels until these are sealed, or until
// they are killed. Many send to the log, whose messages are jobs, too; one at a time to the stream.

import { openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Channel, MmFileError } from 'mmfile'
import { randoms } from './files.mjs'
import { measure } from './measure.mjs'
import { pause, play, say } from './program.mjs'

const random = randoms(process.pid * 31 + Date.now())
let order = null
createInterface({ input: process.stdin }).on('line', async (line) => {
  if (line === 'measure') say({ measured: await measure() })
  else order = line
})

const open = (id) => Channel.openExisting(id)
const isSealed = (error) => MmFileError.is(error, 'ERR_MMFILE_SEALED')

/** The message of that number: who sent it, which of its messages it is, and as many of one byte as it likes. */
function message(writer, number) {
  const bytes = Buffer.alloc(8 + random(90), number & 255)
  bytes.writeUInt32LE(writer, 0)
  bytes.writeUInt32LE(number, 4)
  return bytes
}

/** Throws unless it is whole. */
function parse(bytes) {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [writer, number] = [view.readUInt32LE(0), view.readUInt32LE(4)]
  for (const at of [8, view.length - 1]) {
    if (at >= 8 && at < view.length && view[at] !== (number & 255)) {
      throw new Error(`message ${number} of ${writer} was overwritten`)
    }
  }
  return [writer, number]
}

/** Checks a reliable reader's messages: each once, and those of each writer in its order. */
class Follower {
  #next
  #last = new Map()
  count = 0

  constructor(first, isWhole) {
    this.#next = first
    this.isWhole = isWhole
  }

  take({ index, value }) {
    const [writer, number] = parse(value)
    const last = this.#last.get(writer) ?? (this.isWhole ? -1 : number - 1)
    if (index !== this.#next || number !== last + 1) {
      throw new Error(`${index} instead of ${this.#next}: ${number} of ${writer} after ${last}`)
    }
    this.#next = index + 1
    this.#last.set(writer, number)
    this.count += 1
  }

  get last() {
    return [...this.#last]
  }
}

/** Reads by loops over copies, or by batches of views, until the seal. */
async function follow(reader, follower, batches) {
  if (!batches) {
    for await (const one of reader) follower.take(one)
    return
  }
  try {
    for (;;) {
      const several = reader.tryReceiveAll(1 + random(300))
      if (several.length === 0) several.push(await reader.receive())
      for (const one of several) follower.take(one)
      // In any order.
      if (random(2) === 0) several.reverse()
      for (const one of several) one.release()
      if (random(20) === 0) await pause(0)
    }
  } catch (error) {
    if (!isSealed(error)) throw error
  }
}

/** Sends until the parent ends it; reports how many sends have returned. */
async function send(channel, sender, writer) {
  let number = 0
  while (order !== 'end') {
    for (let more = 200; more > 0; more -= 1, number += 1) {
      const bytes = message(writer, number)
      if (sender.trySend(bytes) === undefined) await sender.send(bytes)
    }
    say({ told: number })
    await pause(0)
  }
  channel.close()
}

await play({
  /** A reliable reader of both, from their beginning. */
  async reader(log, stream, batches) {
    const followers = [log, stream].map(() => new Follower(0, true))
    const readers = [log, stream].map((id, at) => {
      const views = (at === 0) === (batches === 'true')
      return [
        open(id).reader({ from: 'oldest', as: views ? 'view' : 'bytes' }),
        followers[at],
        views,
      ]
    })
    say('ready')
    await Promise.all(readers.map((each) => follow(...each)))
    say({
      followed: followers.map(({ count, last }) => ({ count, last })),
      measured: await measure(),
    })
    process.exit()
  },

  async sender(log, _stream, writer) {
    const channel = open(log)
    say('ready')
    await send(channel, channel, Number(writer))
    say({ measured: await measure() })
    process.exit()
  },

  async exclusive(_log, stream, writer) {
    const channel = open(stream)
    say('ready')
    await send(channel, await channel.exclusiveWriter(), Number(writer))
    process.exit()
  },

  /** Acknowledges jobs, and writes down each at once; beside that it reads lossily. */
  async member(log, stream, path) {
    const done = openSync(path, 'a')
    const jobs = open(log).member('workers', { prefetch: 1 + random(5), as: 'view' })
    const lossy = open(stream).reader({ from: 'oldest', lossy: true, as: 'bytes' })
    say('ready')
    const glance = async () => {
      let last = -1
      for await (const { index, value } of lossy) {
        parse(value)
        if (index <= last) throw new Error(`${index} after ${last}`)
        last = index
        if (random(100) === 0) await pause(random(5))
      }
    }
    const work = async () => {
      const row = new Uint32Array(1)
      for await (const job of jobs) {
        parse(job.value)
        if (random(1000) === 0) {
          job.nak()
          continue
        }
        job.ack()
        row[0] = job.index
        writeSync(done, row)
      }
    }
    await Promise.all([glance(), work()])
    say({ measured: await measure() })
    process.exit()
  },

  /** Comes at any moment, keeps views, and goes without a word. */
  async visitor(log, stream) {
    say('ready')
    try {
      for (;;) {
        const channel = open(random(2) ? log : stream)
        const reader = channel.reader({ from: random(2) ? 'new' : 'oldest', as: 'view' })
        let follower
        const kept = []
        for (let rounds = random(40); rounds > 0; rounds -= 1) {
          const several = reader.tryReceiveAll(1 + random(100))
          if (several.length === 0) several.push(await reader.receive())
          follower ??= new Follower(several[0].index, false)
          for (const one of several) follower.take(one)
          kept.push(...several)
          while (kept.length > random(200)) kept.splice(random(kept.length), 1)[0].release()
        }
        if (random(2)) reader.close()
        channel.close()
      }
    } catch (error) {
      if (!MmFileError.is(error, 'ERR_MMFILE_SEALED', 'ERR_MMFILE_NOT_FOUND')) throw error
    }
    process.exit()
  },
})
