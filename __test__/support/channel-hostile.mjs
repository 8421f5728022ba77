// A program that scribbles over a channel while it uses it.

import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
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
    if (rows.length > 0) channel.evict(rows[random(rows.length)])
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

await play({
  async scribble(where, rounds) {
    const codes = {}
    const strange = []
    let [operations, longest] = [0, 0]
    for (let round = 0; round < Number(rounds); round += 1) {
      const seed = (Math.random() * 2 ** 31) | 0
      const random = randoms(seed)
      const channel = Channel.createNew({ capacity: 4096, groups: ['g'], lockTimeout: 50 })
      const object = openSync(shm(`mmfile-channel-${channel.id}`), 'r+')
      const { size } = fstatSync(object)
      const bytes = () => Buffer.alloc(random(60), random(256))
      const readers = ['view', 'value'].map((as) => channel.reader({ as }))
      const readersAndMore = [...readers, channel.reader({ lossy: true })]
      const member = channel.member('g')
      const given = { channel, readers: readersAndMore, member, bytes, random }
      for (let n = 0; n < 10; n += 1) channel.trySend(bytes())
      // The ring, the tables behind it, or the control block at the end.
      const control = Math.floor((size - 1) / 4096) * 4096
      const [from, to] = { ring: [0, 4096], tables: [4096, control], control: [control, size] }[
        where
      ]
      for (let act = 0; act < 20; act += 1) {
        const junk = Buffer.alloc(1 + random(8))
        for (let at = 0; at < junk.length; at += 1)
          junk[at] = random(3) === 0 ? random(256) : 255 * random(2)
        writeSync(object, junk, 0, junk.length, from + random(Math.max(1, to - from - 8)))
        const began = performance.now()
        try {
          await acts[random(acts.length)](given)
        } catch (error) {
          codes[error.code] = (codes[error.code] ?? 0) + 1
          if (!known.includes(error.code)) strange.push([seed, inspect(error)])
        }
        longest = Math.max(longest, performance.now() - began)
        operations += 1
      }
      closeSync(object)
      channel.close()
    }
    say({ operations, codes, strange: strange.slice(0, 3), longest })
  },
})
