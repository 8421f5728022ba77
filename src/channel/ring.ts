import { native } from '../shared/native.js'
import { WINDOW } from '../shared/view-window.js'
import { Keeper, type Leased, Message } from './messages.js'
import { channels } from './native.js'
import { Pace, pauseBetweenLooks } from './pace.js'

/*
 * A reader's and an exclusive writer's part of the ring, on the mapped memory and without a call to native code:
 * crates/mmfile-core/src/ring has the whole protocol, and docs/memory-layout.md describes it. Every other case is left
 * to the native code: no room, the end of the channel, damage. On disk nothing is stored from here, since a full disk
 * would end the process.
 */

/** Whether everything is left to the native code. */
const NATIVE = process.env.MMFILE_NATIVE === '1'

const layout = native.channelLayout()

function of(name: string): number {
  const value = layout[name]
  if (value === undefined) throw new Error(`the native code names no ${name}`)
  return value
}

const UNIT = of('UNIT')
const UNIT_SHIFT = Math.log2(UNIT)
const HEADER = of('RECORD_HEADER')
/** A seal is a header alone, which fits into any rest of the ring. */
const SEAL_UNITS = Math.ceil(HEADER / UNIT)
const MESSAGE = of('RECORD_MESSAGE')
const PADDING = of('RECORD_PADDING')
const LIVE = of('STATE_LIVE')
// In the control block, as indices of 32-bit words.
const TAIL = of('RING_TAIL') / 4
const START = of('RING_START') / 4
const WAITING = of('WAITING') / 4
const MEMBERS_WAITING = of('MEMBERS_WAITING') / 4
const ROOM_WAITING = of('ROOM_WAITING') / 4
// In a slot.
const STATE = of('SLOT_STATE') / 4
const NUMBER = of('SLOT_NUMBER') / 4
const CURSOR = of('SLOT_CURSOR') / 4

/** A channel's memory, as JavaScript sees it. */
export interface RingMemory {
  readonly data: ArrayBuffer
  readonly words: Int32Array
  readonly bytes: Uint8Array
  readonly control: Int32Array
  /** Units in the ring, a power of two. */
  readonly units: number
}

/** The memory of a channel in memory; `undefined` where it cannot be used. */
export function ringMemory(channel: {
  readonly handle: number
  readonly path?: string
  readonly capacity: number
  readonly dataLength: number
}): RingMemory | undefined {
  const { handle, path, capacity, dataLength } = channel
  if (NATIVE || path !== undefined || dataLength === 0 || dataLength > WINDOW) return undefined
  try {
    const data = channels.memory(handle, 0, dataLength)
    return {
      data,
      words: new Int32Array(data, 0, dataLength >>> 2),
      bytes: new Uint8Array(data),
      control: new Int32Array(channels.control(handle)),
      units: capacity / UNIT,
    }
  } catch {
    return undefined // this runtime allows no external buffers
  }
}

/** Whether the processor makes stores visible in the order of the program, and loads what is there then. */
const IS_ORDERED = process.arch === 'x64' || process.arch === 'ia32'

/** Loads a word after an earlier `Atomics.store` has become visible and before the next load. */
function loadNext(words: Int32Array, at: number): number {
  return IS_ORDERED ? (words[at] as number) : Atomics.load(words, at)
}

const place = new Float64Array(4)

/** How often a reader that spins looks, each 60 nanoseconds, before it calls the native code. */
const LOOKS_A_MILLISECOND = 16_000
const MOST_LOOKS = 80

/** So many units are few for a reader to find. */
const FEW = 4096 / UNIT

/** A reader's part: where it reads. */
export class RingReader {
  readonly #handle: number
  readonly #memory: RingMemory
  readonly #held: Held
  #next: number
  /** The tail when it was loaded last. */
  #tail: number
  readonly #pace = new Pace(FEW)

  constructor(handle: number, memory: RingMemory) {
    this.#handle = handle
    this.#memory = memory
    channels.place(handle, place)
    const [slot, number, position, next] = place as unknown as [number, number, number, number]
    this.#held = new Held(handle, memory, slot / 4, number | 0, position | 0)
    this.#next = next
    this.#tail = this.#held.position
  }

  /**
   * Whether there may be something to receive: of the messages that it knows of, or else, or if it needs `all`, of those
   * that are there now.
   */
  look(all: boolean): boolean {
    const held = this.#held
    const { position } = held
    if (!all && position !== this.#tail) return true
    const pace = this.#pace
    pace.pause()
    const tail = Atomics.load(this.#memory.control, TAIL)
    pace.found((tail - position) >>> 0)
    this.#tail = tail
    return position !== tail || !held.isLive()
  }

  /**
   * Whether there is something to receive, after so many milliseconds at most, and a few microseconds: what an answer
   * takes, which the native code would take as long to wait for.
   */
  await(milliseconds: number): boolean {
    const { control } = this.#memory
    const { position } = this.#held
    const looks = Math.min(milliseconds * LOOKS_A_MILLISECOND, MOST_LOOKS)
    for (let look = 0; look < looks; look += 1) {
      const tail = Atomics.load(control, TAIL)
      if (tail !== position) {
        this.#tail = tail
        return true
      }
      pauseBetweenLooks()
    }
    return false
  }

  /**
   * Receives up to `max` messages, of those that the last look found, into the empty array `messages`. Returns their
   * number, or -1 if the native code must tell why there are none.
   */
  receive(max: number, messages: Message<Uint8Array>[]): number {
    const { words, data, units } = this.#memory
    const held = this.#held
    const tail = this.#tail
    let position = held.position
    let next = this.#next
    const first = held.end
    const keeper = Keeper.of(held, first)
    let count = 0
    while (position !== tail && count < max) {
      const available = (tail - position) >>> 0
      if (available > units) break
      const unit = position & (units - 1)
      const at = unit << (UNIT_SHIFT - 2)
      const length = loadNext(words, at)
      const kind = loadNext(words, at + 1)
      const rest = units - unit
      if (kind !== MESSAGE) {
        if (kind !== PADDING || rest > available) break
        position = (position + rest) | 0
        continue
      }
      const taken = unitsOf(length)
      const index = indexAt(words, at)
      if (length < 0 || taken > rest || taken > available || index !== next) break
      held.hold(position)
      position = (position + taken) | 0
      next = index + 1
      const value = new Uint8Array(data, (unit << UNIT_SHIFT) + HEADER, length)
      messages[count] = new Message(index, value, keeper, first + count)
      count += 1
    }
    keeper.keep(count)
    // After what was read: it was not overwritten then.
    if (!held.isLive()) {
      messages.length = 0
      return -1
    }
    this.#next = next
    held.position = position
    this.#pace.received(count)
    return count === 0 && position !== tail ? -1 : count
  }

  /** Tells the native code the position: that code waits, counts and reports errors. */
  tell(): void {
    channels.setPlace(this.#handle, this.#held.position >>> 0, this.#next)
  }

  /** The reader is closed: a late release stores nothing. */
  close(): void {
    this.#held.close()
  }
}

/**
 * The messages that a reader has received and not released, or released only after a later one: numbered, in a private
 * ring. If the reader is lost, they are released through this object, which must not keep the reader alive.
 */
class Held implements Leased {
  readonly #handle: number
  readonly #memory: RingMemory
  readonly #slot: number
  readonly #number: number
  /** Where the reader reads next. */
  position: number
  #positions = new Int32Array(1024)
  #released = new Uint8Array(1024)
  #first = 0
  /** The number of the next message. */
  end = 0

  constructor(handle: number, memory: RingMemory, slot: number, number: number, position: number) {
    this.#handle = handle
    this.#memory = memory
    this.#slot = slot
    this.#number = number
    this.position = position
  }

  /** Whether the reader's slot is its own, and it was not evicted. */
  isLive(): boolean {
    const { words } = this.#memory
    const slot = this.#slot
    return words[slot + STATE] === LIVE && words[slot + NUMBER] === this.#number
  }

  /** Lets the memory of a message be used again. */
  release(at: number): void {
    let first = this.#first
    const mask = this.#positions.length - 1
    if (at !== first) {
      if (at > first) this.#released[at & mask] = 1
      return
    }
    const end = this.end
    do first += 1
    while (first < end && this.#released[first & mask] === 1)
    this.#first = first
    // The channel is closed, and has released everything; or the slot is free, or another's by now.
    if (!this.isLive()) return
    const { words, control } = this.#memory
    const cursor = first < end ? (this.#positions[first & mask] as number) : this.position
    Atomics.store(words, this.#slot + CURSOR, cursor)
    if (loadNext(control, ROOM_WAITING) !== 0) channels.wakeWriters(this.#handle)
  }

  close(): void {
    this.#first = Number.POSITIVE_INFINITY
  }

  hold(position: number): void {
    const at = this.end
    if (at - this.#first === this.#positions.length) this.#grow()
    const mask = this.#positions.length - 1
    this.#positions[at & mask] = position
    this.#released[at & mask] = 0
    this.end = at + 1
  }

  #grow(): void {
    const length = this.#positions.length
    const [positions, released] = [new Int32Array(2 * length), new Uint8Array(2 * length)]
    for (let at = this.#first; at < this.end; at += 1) {
      positions[at & (2 * length - 1)] = this.#positions[at & (length - 1)] as number
      released[at & (2 * length - 1)] = this.#released[at & (length - 1)] as number
    }
    this.#positions = positions
    this.#released = released
  }
}

/** A property of typed arrays, even if the array has another one that hides it. */
function typedArray(name: 'length' | 'buffer'): () => unknown {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype)
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as () => unknown
}

const lengthOf = typedArray('length') as () => number
const bufferOf = typedArray('buffer')

/** Whether another thread may change how many bytes there are. */
function isShared(value: Uint8Array): boolean {
  return bufferOf.call(value) instanceof SharedArrayBuffer
}

/** An exclusive writer's part. */
export class RingWriter {
  readonly #handle: number
  readonly #memory: RingMemory
  readonly #most: number
  /** The tail for which the cached values hold; `undefined` if none is cached, since any number may be a position. */
  #tail: number | undefined
  #next = 0
  /** Which of the two start words the next message gets. */
  #start = 0
  /** Records may end up to there. */
  #limit = 0
  #hasLimit = false
  /** What was sent last. Programs send the same buffer again and again, and the check takes as long as the rest. */
  #checked: Uint8Array | undefined

  constructor(handle: number, memory: RingMemory, maxByteLength: number) {
    this.#handle = handle
    this.#memory = memory
    this.#most = maxByteLength
  }

  /** Sends bytes: the index, `undefined` if there is no room now, -1 if the native code has to do it. */
  trySend(value: Uint8Array): number | undefined {
    const { words, bytes, control, units } = this.#memory
    const length: number = lengthOf.call(value)
    // An empty array may be detached, and cannot be copied from. A shared one may grow until it is copied.
    if (length === 0 || length > this.#most || control.length === 0) return -1
    if (value !== this.#checked) {
      if (isShared(value)) return -1
      this.#checked = value
    }
    // No other process moves it. This handle's other ways to send may have.
    const tail = control[TAIL] as number
    if (tail !== this.#tail && !this.#learn(tail)) return -1
    const taken = unitsOf(length)
    const rest = units - (tail & (units - 1))
    const begin = taken <= rest ? tail : (tail + rest) | 0
    const end = (begin + taken) | 0
    // Room for a seal is kept back.
    if (((this.#limit - SEAL_UNITS - end) | 0) < 0 || !this.#hasLimit) {
      const limit = channels.makeRoom(this.#handle, length)
      if (limit === undefined) return undefined
      this.#limit = limit | 0
      this.#hasLimit = true
      if (((this.#limit - SEAL_UNITS - end) | 0) < 0) return -1
    }
    const index = this.#next
    const unit = begin & (units - 1)
    bytes.set(value, (unit << UNIT_SHIFT) + HEADER)
    put(words, unit, length, MESSAGE, index)
    if (begin !== tail) put(words, tail & (units - 1), 0, PADDING, index)
    // All of this is visible before the tail is: storing that orders it. The next start is stored after the loads below.
    control[START + this.#start] = begin
    Atomics.store(control, TAIL, end)
    this.#tail = end
    this.#next = index + 1
    this.#start ^= 1
    // The second load comes after the first.
    if (loadNext(control, WAITING) !== 0 || control[MEMBERS_WAITING] !== 0) {
      channels.wakeReaders(this.#handle)
    }
    return index
  }

  /** Finds the next index by the newest message. Whether that is where it should be. */
  #learn(tail: number): boolean {
    const { words, control, units } = this.#memory
    let newest = 1
    let taken = units + 1
    for (let at = 0; at < 2; at += 1) {
      const back = (tail - (control[START + at] as number)) >>> 0
      if (back >= 1 && back < taken) [newest, taken] = [at, back]
    }
    if (taken <= units) {
      const at = ((tail - taken) & (units - 1)) << (UNIT_SHIFT - 2)
      const [length, kind] = [(words[at] as number) >>> 0, words[at + 1] as number]
      if (kind !== MESSAGE || unitsOf(length) !== taken) return false
      this.#next = indexAt(words, at) + 1
    } else if (tail === 0) {
      this.#next = 0 // positions wrap: only without a message before it is this the beginning
    } else {
      return false
    }
    this.#start = newest ^ 1
    this.#tail = tail
    return true
  }
}

/** The bytes of one message for which there is room only where there is room for all of these. */
export function bytesTogether(byteLengths: Iterable<number>): number {
  let units = 0
  for (const byteLength of byteLengths) units += unitsOf(byteLength)
  return Math.max(0, units * UNIT - HEADER)
}

/** The units that a message takes. */
function unitsOf(byteLength: number): number {
  return (HEADER + byteLength + UNIT - 1) >>> UNIT_SHIFT
}

function put(words: Int32Array, unit: number, length: number, kind: number, index: number): void {
  const at = unit << (UNIT_SHIFT - 2)
  words[at] = length
  words[at + 1] = kind
  words[at + 2] = index | 0
  words[at + 3] = index < 2 ** 31 ? 0 : Math.floor(index / 2 ** 32)
}

/** The index in a header. */
function indexAt(words: Int32Array, at: number): number {
  const low = loadNext(words, at + 2)
  const high = loadNext(words, at + 3)
  return high === 0 && low >= 0 ? low : (low >>> 0) + high * 2 ** 32
}
