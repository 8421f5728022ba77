import { native } from '../shared/native.js'
import type { Leased } from './messages.js'
import { channels } from './native.js'
import { LARGEST } from './window.js'

/*
 * A reader's and an exclusive writer's part of the ring, on the mapped memory and without a call to native code:
 * crates/mmfile-core/src/ring has the whole protocol, and docs/memory-layout.md describes it. What is out of the
 * ordinary is the native code's: what has no room, ends, or is damaged. On disk nothing is stored from here, since a full
 * disk would end the process.
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
  if (NATIVE || path !== undefined || dataLength === 0 || dataLength > LARGEST) return undefined
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

const place = new Float64Array(4)

/** A reader's part: where it reads, and what it holds. */
export class RingReader {
  readonly #handle: number
  readonly #memory: RingMemory
  readonly #slot: number
  readonly #number: number
  #position: number
  #next: number
  // What was received and not released, or not before an earlier one: numbered, in a ring of its own.
  #positions = new Int32Array(1024)
  #released = new Uint8Array(1024)
  #first = 0
  #end = 0

  constructor(handle: number, memory: RingMemory) {
    this.#handle = handle
    this.#memory = memory
    channels.place(handle, place)
    const [slot, number, position, next] = place as unknown as [number, number, number, number]
    this.#slot = slot / 4
    this.#number = number | 0
    this.#position = position | 0
    this.#next = next
  }

  /** The number that the next message gets here. */
  get end(): number {
    return this.#end
  }

  /**
   * Receives up to `max` messages: `each` gets the index of each, its number here, and its bytes. How many they were;
   * -1 if the native code has to be asked why there are none.
   */
  receive(max: number, each: (index: number, at: number, value: Uint8Array) => void): number {
    const { words, control, data, units } = this.#memory
    const tail = Atomics.load(control, TAIL)
    let position = this.#position
    let count = 0
    while (position !== tail && count < max) {
      const available = (tail - position) >>> 0
      if (available > units) break
      const unit = position & (units - 1)
      const at = unit << (UNIT_SHIFT - 2)
      const length = words[at] as number
      const kind = words[at + 1] as number
      const rest = units - unit
      if (kind === PADDING && rest <= available) {
        position = (position + rest) | 0
        continue
      }
      const taken = unitsOf(length)
      const index = ((words[at + 2] as number) >>> 0) + (words[at + 3] as number) * 2 ** 32
      const whole = kind === MESSAGE && length >= 0 && taken <= rest && taken <= available
      if (!whole || index !== this.#next) break
      const held = this.#hold(position)
      position = (position + taken) | 0
      this.#next = index + 1
      count += 1
      each(index, held, new Uint8Array(data, (unit << UNIT_SHIFT) + HEADER, length))
    }
    // After what was read: it was not overwritten then.
    const slot = this.#slot
    const evicted =
      Atomics.load(words, slot + STATE) !== LIVE || words[slot + NUMBER] !== this.#number
    if (evicted) return -1
    this.#position = position
    return count === 0 && position !== tail ? -1 : count
  }

  /** Tells the native code where it is: it waits, counts and says what is wrong. */
  tell(): void {
    channels.setPlace(this.#handle, this.#position >>> 0, this.#next)
  }

  /** Lets the memory of a message be used again. */
  release(at: number): void {
    if (at < this.#first) return
    const mask = this.#positions.length - 1
    this.#released[at & mask] = 1
    if (at !== this.#first) return
    let first = at
    while (first < this.#end && this.#released[first & mask] === 1) first += 1
    this.#first = first
    const { words, control } = this.#memory
    if (words.length === 0) return // the channel is closed, and has released everything
    const slot = this.#slot
    // A slot that is free, or another's by now, is none of ours.
    if (words[slot + NUMBER] !== this.#number || words[slot + STATE] !== LIVE) return
    const cursor = first < this.#end ? (this.#positions[first & mask] as number) : this.#position
    Atomics.store(words, slot + CURSOR, cursor)
    if (Atomics.load(control, ROOM_WAITING) !== 0) channels.wakeWriters(this.#handle)
  }

  /** The reader is closed: a late release stores nothing. */
  close(): void {
    this.#first = Number.POSITIVE_INFINITY
  }

  #hold(position: number): number {
    const at = this.#end
    if (at - this.#first === this.#positions.length) this.#grow()
    const mask = this.#positions.length - 1
    this.#positions[at & mask] = position
    this.#released[at & mask] = 0
    this.#end = at + 1
    return at
  }

  #grow(): void {
    const length = this.#positions.length
    const [positions, released] = [new Int32Array(2 * length), new Uint8Array(2 * length)]
    for (let at = this.#first; at < this.#end; at += 1) {
      positions[at & (2 * length - 1)] = this.#positions[at & (length - 1)] as number
      released[at & (2 * length - 1)] = this.#released[at & (length - 1)] as number
    }
    this.#positions = positions
    this.#released = released
  }
}

/** Messages that a reader of that kind has handed out together. */
export class RingLease implements Leased {
  readonly #reader: RingReader
  readonly #first: number
  /** How many they are. */
  count = 0

  constructor(reader: RingReader, first: number) {
    this.#reader = reader
    this.#first = first
  }

  release(at: number): void {
    this.#reader.release(this.#first + at)
  }

  releaseAll(): void {
    for (let at = 0; at < this.count; at += 1) this.#reader.release(this.#first + at)
  }
}

/** How many bytes there are, whatever a property says that hides it. */
const lengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'length',
)?.get as () => number

/** An exclusive writer's part. */
export class RingWriter {
  readonly #handle: number
  readonly #memory: RingMemory
  readonly #most: number
  /** What is known for as long as the tail is that; `undefined` if nothing is, since a position may be any number. */
  #tail: number | undefined
  #next = 0
  /** Which of the two start words the next message gets. */
  #start = 0
  /** Records may end up to there. */
  #limit = 0
  #hasLimit = false

  constructor(handle: number, memory: RingMemory, maxByteLength: number) {
    this.#handle = handle
    this.#memory = memory
    this.#most = maxByteLength
  }

  /** Sends bytes: the index, `undefined` if there is no room now, -1 if the native code has to do it. */
  trySend(value: Uint8Array): number | undefined {
    const { words, bytes, control, units } = this.#memory
    const length: number = lengthOf.call(value)
    // What is empty may be detached, which cannot be copied from.
    if (length === 0 || length > this.#most || control.length === 0) return -1
    const tail = Atomics.load(control, TAIL)
    if (tail !== this.#tail && !this.#learn(tail)) return -1
    const taken = unitsOf(length)
    const rest = units - (tail & (units - 1))
    const begin = taken <= rest ? tail : (tail + rest) | 0
    const end = (begin + taken) | 0
    // Room for a seal is kept back.
    const sealed = end + SEAL_UNITS
    if (!this.#hasLimit || ((this.#limit - sealed) | 0) < 0) {
      const limit = channels.makeRoom(this.#handle, length)
      if (limit === undefined) return undefined
      this.#limit = limit | 0
      this.#hasLimit = true
      if (((this.#limit - sealed) | 0) < 0) return -1
    }
    const index = this.#next
    const unit = begin & (units - 1)
    bytes.set(value, (unit << UNIT_SHIFT) + HEADER)
    put(words, unit, length, MESSAGE, index)
    if (begin !== tail) put(words, tail & (units - 1), 0, PADDING, index)
    Atomics.store(control, START + this.#start, begin)
    Atomics.store(control, TAIL, end)
    this.#tail = end
    this.#next = index + 1
    this.#start ^= 1
    if (Atomics.load(control, WAITING) !== 0 || Atomics.load(control, MEMBERS_WAITING) !== 0) {
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
      this.#next = ((words[at + 2] as number) >>> 0) + (words[at + 3] as number) * 2 ** 32 + 1
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
  words[at + 3] = Math.floor(index / 2 ** 32)
}
