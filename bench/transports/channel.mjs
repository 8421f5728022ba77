// mmfile's channel, by its public interface: one for each direction.

import { createRequire } from 'node:module'
import { stamp } from '../lib/message.mjs'

const require = createRequire(import.meta.url)
/** The package, when it is first used: in a fresh checkout it is built after this has been loaded. */
const library = () => require('../../dist/index.js')
const timeout = 30_000
/** Milliseconds to spin: longer than an answer takes while both processes run, and no longer. */
const SPIN = 1
/** Messages of which a copy is sent wait, at least, and of those that are filled in place, whose bytes are not touched. */
const LEAST = { copied: 8, inPlace: 64 }
/** As many messages, and as much memory, as the ring of shm-typed-array: it stays in the processor's cache. */
const SLOTS = 4096
const RING = 8 << 20
const BATCH = 512
/** How often either side checks before it waits: those of the other ring do nothing else. */
const LOOKS = 10_000

/** The result of an attempt that is repeated until it has one, or of waiting. */
function soon(attempt, wait) {
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const result = attempt()
    if (result !== undefined) return result
  }
  return wait()
}

class Endpoint {
  #exclusive
  #spin
  #as
  /** For how long it spins before it blocks. */
  #blocks
  #channels = []
  #reader
  #held
  #reserved
  least = LEAST.copied

  constructor(role, { exclusive, spin, as, blocks = SPIN }) {
    this.role = role
    this.#exclusive = exclusive
    this.#spin = spin
    this.#as = as
    this.#blocks = blocks
  }

  /** The channels are kept from run to run, so that their pages are warm. */
  async prepare({ kind, size, all }) {
    this.all = all
    if (this.sender !== undefined) return
    const { Channel } = library()
    const capacity = Math.max(this.least * size, Math.min(RING, SLOTS * (size + 16)))
    const there = Channel.createNew({ capacity })
    const back = kind === 'trip' ? Channel.createNew({ capacity }) : undefined
    this.#channels = [there, ...(back ? [back] : [])]
    this.#reader = back?.reader({ as: this.#as, spin: this.#spin })
    // The other side's reader takes its place.
    this.#reserved = there.reader()
    await this.#begin(there)
    return { there: there.id, back: back?.id }
  }

  async join(_run, info) {
    if (info === undefined) return
    const { there, back } = info
    const { Channel } = library()
    const receives = Channel.openExisting(there)
    this.#channels = [receives]
    this.#reader = receives.reader({ from: 'oldest', as: this.#as, spin: this.#spin })
    if (back === undefined) return
    const sends = Channel.openExisting(back)
    this.#channels.push(sends)
    await this.#begin(sends)
  }

  async #begin(channel) {
    this.sender = this.#exclusive ? await channel.exclusiveWriter() : channel
  }

  ready() {
    this.#reserved?.close()
    this.#reserved = undefined
  }

  send(message) {
    const { sender } = this
    for (let looks = 0; looks < LOOKS; looks += 1) {
      if (sender.trySend(message) !== undefined) return
    }
    sender.sendSync(message, { timeout })
  }

  take() {
    this.#held?.release?.()
    this.#held =
      this.#reader.tryReceive() ?? this.#reader.receiveSync({ timeout, spin: this.#blocks })
    return this.#held.value
  }

  drain(number, each) {
    let messages = this.#reader.tryReceiveAll(BATCH)
    for (let looks = 0; messages.length === 0 && looks < LOOKS; looks += 1) {
      messages = this.#reader.tryReceiveAll(BATCH)
    }
    if (messages.length === 0) messages = [this.#reader.receiveSync({ timeout, spin: SPIN })]
    for (const message of messages) {
      each(message.value)
      message.release()
    }
    return number + messages.length
  }

  async listen(each) {
    for await (const { value } of this.#reader) if (!each(value)) return
  }

  finish() {
    this.#held?.release?.()
    this.#held = undefined
  }

  close() {
    for (const channel of this.#channels) channel.close()
  }
}

/** Writes messages where they are: nothing but their numbers, or all bytes where all are compared. */
class InPlace extends Endpoint {
  least = LEAST.inPlace

  send(message, number) {
    const { length } = message
    const fill = (target) => {
      if (this.all) target.set(message)
      else stamp(target, number)
    }
    const { sender } = this
    if (sender.tryReserve === undefined) {
      soon(
        () => sender.trySendWith(length, fill),
        () => sender.sendWithSync(length, fill, { timeout }),
      )
      return
    }
    const room = soon(
      () => sender.tryReserve(length),
      () => sender.reserveSync(length, { timeout }),
    )
    fill(room.bytes)
    room.commit()
  }
}

const endpoint = (way) => (role) => new Endpoint(role, way)
const inPlace = (exclusive) => (role) => new InPlace(role, { exclusive, spin: 0, as: 'view' })
const fits = (size) => size <= 1 << 20

export const channelExclusive = {
  label: 'mmfile, channel, exclusive writer, view',
  synchronous: true,
  fits,
  open: endpoint({ exclusive: true, spin: 0, as: 'view' }),
}
export const channelShared = {
  label: 'mmfile, channel, shared writers, view',
  synchronous: true,
  fits,
  open: endpoint({ exclusive: false, spin: 0, as: 'view' }),
}
export const channelBlock = {
  label: 'mmfile, channel, blocking, view',
  synchronous: true,
  fits,
  open: endpoint({ exclusive: true, spin: 0, as: 'view', blocks: 0 }),
}
export const channelAsync = {
  label: 'mmfile, channel, asynchronous, view',
  fits,
  open: endpoint({ exclusive: true, spin: 0, as: 'view' }),
}
export const channelAsyncSpin = {
  label: 'mmfile, channel, asynchronous with spin of 50 µs, view',
  fits,
  open: endpoint({ exclusive: true, spin: 0.05, as: 'view' }),
}
/** What is sent is not copied: one size tells as much as all. */
const large = (size) => size === 1 << 20
export const channelReserve = {
  label: 'mmfile, channel, reserve, view',
  synchronous: true,
  fits: large,
  open: inPlace(true),
}
export const channelSendWith = {
  label: 'mmfile, channel, trySendWith, view',
  synchronous: true,
  fits: large,
  open: inPlace(false),
}
