// A program whose file or channel on disk is cut short while it uses it.

import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { Channel, MmFile } from 'mmfile'
import { musl } from './c-library.mjs'
import { pause, play, say } from './program.mjs'

const LARGE = 200_000
const waiting = { timeout: 20_000 }

/** Fills a target, and cuts its file meanwhile. */
const filling = (cut, more) => (target) => {
  target.fill(1)
  cut()
  more?.()
}

const rejected = () => {
  throw new Error('the own error')
}

/** Cuts the file soon, while something waits. */
async function soon(cut, wait) {
  const settled = wait().then(String)
  await pause(50)
  cut()
  return settled
}

const files = {
  appendWith: (file, cut) => file.appendWith(LARGE, filling(cut)),
  appendWithThrows: (file, cut) => file.appendWith(LARGE, filling(cut, rejected)),
  waitFor: (file, cut) => soon(cut, () => file.waitFor(5, waiting)),
  waitForSpinning: (file, cut) => soon(cut, () => file.waitFor(5, { ...waiting, spin: 20 })),
  segments: (file, cut) =>
    soon(cut, async () => {
      for await (const _ of file.segments({ from: 5, ...waiting }));
    }),
  // musl writes beside the lock that a thread holds, whenever the thread takes certain other locks.
  ...(!musl && {
    insideLock: (file, cut) =>
      file.withLockSync(() => {
        cut()
        return file.append('x')
      }),
  }),
}

const channels = {
  trySendWith: (channel, cut) => channel.trySendWith(LARGE, filling(cut)),
  trySendWithThrows: (channel, cut) => channel.trySendWith(LARGE, filling(cut, rejected)),
  async exclusiveTrySendWith(channel, cut) {
    const writer = await channel.exclusiveWriter()
    return writer.trySendWith(LARGE, filling(cut))
  },
  async commit(channel, cut) {
    const writer = await channel.exclusiveWriter()
    const room = writer.tryReserve(LARGE)
    filling(cut)(room.bytes)
    return room.commit()
  },
  async giveUp(channel, cut) {
    const writer = await channel.exclusiveWriter()
    const room = writer.tryReserve(LARGE)
    filling(cut)(room.bytes)
    room[Symbol.dispose]()
    return writer.trySend(Buffer.from('x'))
  },
  receive: (channel, cut) => {
    const reader = channel.reader()
    return soon(cut, () => reader.receive(waiting))
  },
  job: (channel, cut) => {
    const member = channel.member('g')
    return soon(cut, () => member.receive(waiting))
  },
}

await play({
  /** The outcome of each of them; a signal ends the process. */
  async cut(folder) {
    for (const [kind, acts] of Object.entries({ files, channels })) {
      for (const [name, act] of Object.entries(acts)) {
        const path = join(folder, name)
        const opened =
          kind === 'files'
            ? MmFile.createFile(path, 1 << 20)
            : Channel.createFile(path, { capacity: 1 << 20, groups: ['g'] })
        say({ name })
        try {
          const value = await act(opened, () => truncateSync(path, 0))
          say({ value })
        } catch (error) {
          say({ code: error.code ?? error.message })
        }
        opened.close()
      }
    }
  },
})
