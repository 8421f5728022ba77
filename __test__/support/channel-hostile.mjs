// Programs that use a channel while they, or another process, scribble over it.

import { fork } from 'node:child_process'
import { on } from 'node:events'
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { Channel } from 'mmfile'
import { randoms, shm } from './files.mjs'
import { play, say } from './program.mjs'

const known = [
  'CORRUPT',
  'TIMEOUT',
  'SEALED',
  'READ_ONLY',
  'CAPACITY',
  'FULL',
  'LOST',
  'EVICTED',
  'SEGMENT_ORDER',
  'NOT_TEXT',
  'NOT_FOUND',
  'LOCK_HELD',
  'NO_SPACE',
  'INCOMPATIBLE',
  'ACCESS',
  'PEER_GONE',
  'UNSUPPORTED',
].map((code) => `ERR_MMFILE_${code}`)

const short = { timeout: 1 }

const acts = [
  ({ channel }) => channel.nextIndex + channel.oldestIndex,
  ({ channel }) => channel.sealed,
  ({ channel }) => channel.newest()?.value,
  ({ channel, bytes }) => channel.trySend(bytes()),
  ({ channel, bytes }) => channel.trySendAll([bytes(), bytes()]),
  ({ channel, bytes }) => channel.sendSync(bytes(), short),
  ({ channel }) => channel.trySendWith(20, (target) => void target.fill(1)),
  ({ channel, bytes }) => channel.send(bytes(), short),
  ({ channel }) => channel.participants().length,
  ({ channel }) => channel.peers().length,
  ({ channel }) => channel.recovered,
  ({ channel }) => channel.createGroup('other'),
  ({ channel }) => channel.removeGroup('other'),
  ({ channel, random }) => {
    const rows = channel.participants().filter(({ role }) => role === 'reader' || role === 'member')
    try {
      if (rows.length > 0) channel.evict(rows[random(rows.length)])
    } catch (error) {
      if (error.code !== 'ERR_INVALID_ARG_VALUE') throw error // its role was written over meanwhile
    }
  },
  ({ channel }) => {
    for (const options of [{}, { as: 'view', from: 'oldest' }, { lossy: true }, { from: 0 }]) {
      const reader = channel.reader(options)
      const held = reader.tryReceiveAll(5)
      for (const message of held) void message.value
      held.at(-1)?.release()
      reader.close()
    }
  },
  ({ channel }) => {
    const member = channel.member('g')
    try {
      for (const job of member.tryReceiveAll(3)) job.ack()
      member.tryReceive()?.nak()
    } finally {
      member.close()
    }
  },
  async ({ channel, bytes }) => {
    const writer = await channel.exclusiveWriter(short)
    try {
      for (let n = 0; n < 5; n += 1) writer.trySend(bytes())
      const room = writer.tryReserve(30)
      room?.commit(10)
    } finally {
      writer.close()
    }
  },
  ({ readers }) =>
    readers.map((reader) => reader.tryReceiveAll(3).map(({ value }) => value.length)),
  ({ readers }) => readers.map((reader) => reader.lag + reader.missed),
  ({ readers }) => readers[0].receive(short),
  ({ readers }) => readers[1].receiveSync(short),
  ({ member }) => member.tryReceive()?.ack(),
]

/** A channel with some of everything, and what `acts` do something with. */
function prey(seed) {
  const random = randoms(seed)
  const channel = Channel.createNew({ capacity: 4096, groups: ['g'], lockTimeout: 50 })
  const bytes = () => Buffer.alloc(random(60), random(256))
  const readers = [{ as: 'view' }, { as: 'value' }, { lossy: true }]
  const given = {
    channel,
    readers: readers.map((options) => channel.reader(options)),
    member: channel.member('g'),
    bytes,
    random,
  }
  for (let n = 0; n < 10; n += 1) channel.trySend(bytes())
  return given
}

/** The offsets of the ring, the tables behind it and the control block at the end in its object. */
function partsOf(size) {
  const control = Math.floor((size - 1) / 4096) * 4096
  return { ring: [0, 4096], tables: [4096, control], control: [control, size] }
}

const pathOf = ({ id }) => shm(`mmfile-channel-${id}`)

/** The outcomes of the operations. */
class Outcome {
  operations = 0
  codes = {}
  strange = []
  longest = 0

  async judge(seed, act) {
    const began = performance.now()
    try {
      await act()
    } catch (error) {
      this.codes[error.code] = (this.codes[error.code] ?? 0) + 1
      if (!known.includes(error.code)) this.strange.push([seed, inspect(error)])
    }
    const took = performance.now() - began
    if (took > 5000) this.strange.push([seed, `${took} ms for ${act}`])
    this.longest = Math.max(this.longest, took)
    this.operations += 1
  }

  get said() {
    return { ...this, strange: this.strange.slice(0, 3) }
  }
}

/** Numbers that are worth a try in the place of any other. */
const words = [0, 1, 2, 3, 16, 255, 256, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0]

/** The values that another process writes over a channel repeatedly. */
function script(random, size) {
  const parts = Object.values(partsOf(size))
  return Array.from({ length: 1 + random(4) }, () => {
    const [from, to] = parts[random(parts.length)]
    // In the control block, mostly what the ring is about.
    const at = random(2) ? from + 0xc0 + 4 * random(64) : from + random(to - from - 4)
    return { at, word: random(2) ? words[random(words.length)] : random(2 ** 31) }
  })
}

await play({
  async scribble(where, rounds) {
    const outcome = new Outcome()
    for (let round = 0; round < Number(rounds); round += 1) {
      const seed = (Math.random() * 2 ** 31) | 0
      const given = prey(seed)
      const { channel, random } = given
      const object = openSync(pathOf(channel), 'r+')
      const [from, to] = partsOf(fstatSync(object).size)[where]
      for (let act = 0; act < 20; act += 1) {
        const junk = Buffer.alloc(1 + random(8))
        for (let at = 0; at < junk.length; at += 1)
          junk[at] = random(3) === 0 ? random(256) : 255 * random(2)
        writeSync(object, junk, 0, junk.length, from + random(Math.max(1, to - from - 8)))
        const chosen = acts[random(acts.length)]
        await outcome.judge(seed, () => chosen(given))
      }
      closeSync(object)
      channel.close()
    }
    say(outcome.said)
  },

  /** Another process scribbles over a channel during every operation on it. */
  async race(seconds, first = 1) {
    const other = fork(fileURLToPath(import.meta.url), ['scribbler'])
    const answers = on(other, 'message', { close: ['exit'] })
    const answered = async (message) => {
      other.send(message)
      const { done } = await answers.next()
      if (done) throw new Error(`the scribbler ended: ${other.signalCode ?? other.exitCode}`)
    }
    const outcome = new Outcome()
    const end = performance.now() + Number(seconds) * 1000
    let seed = Number(first)
    for (; performance.now() < end && outcome.strange.length === 0; seed += 1) {
      const given = prey(seed)
      const { channel, random } = given
      const path = pathOf(channel)
      const object = openSync(path, 'r')
      const { size } = fstatSync(object)
      closeSync(object)
      await answered({ path, writes: script(random, size) })
      for (let step = 0; step < 30; step += 1) {
        const chosen = acts[random(acts.length)]
        // Fast operations run more often: the other process has to hit the middle of one.
        const until = performance.now() + 1
        do await outcome.judge(seed, () => chosen(given))
        while (performance.now() < until)
        if (random(10) === 0)
          await outcome.judge(seed, () =>
            Channel.openExisting(channel.id, { lockTimeout: 3 }).close(),
          )
      }
      await answered(null)
      channel.close()
    }
    other.disconnect()
    say({ ...outcome.said, rounds: seed - Number(first), last: seed - 1 })
  },

  /** The other process of `race`: each word by turns with the one that was there before. */
  async scribbler() {
    let current = null
    process.on('disconnect', () => process.exit())
    process.on('message', async (wanted) => {
      current = wanted
      if (wanted === null) {
        process.send('idle')
        return
      }
      const object = openSync(wanted.path, 'r+')
      const steps = wanted.writes.flatMap(({ at, word }) => {
        const before = Buffer.alloc(4)
        readSync(object, before, 0, 4, at)
        const bytes = Buffer.from(Uint32Array.of(word).buffer)
        return [bytes, before].map((value) => () => writeSync(object, value, 0, 4, at))
      })
      process.send('writes')
      while (current === wanted) {
        for (let round = 0; round < 100; round += 1) for (const step of steps) step()
        await new Promise((resolve) => setImmediate(resolve))
      }
      closeSync(object)
    })
  },
})
