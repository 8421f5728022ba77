import { operations } from '../shared/native.js'

/** Segments whose places are asked for at once when they are read one after the other. */
const BATCH = 256
/** A mapping larger than this is shown in pieces: no engine has buffers of any size. */
const WINDOW = 2 ** 30
/** Most files are opened without a view being asked for. */
const NONE = new Float64Array()

/** The segments of one open file as `Uint8Array`s over shared memory. */
export class Views {
  readonly #handle: number
  readonly #capacity: number
  /** The part of the data that views are cut from. */
  #window: ArrayBuffer | undefined
  #windowStart = 0
  /** Offsets and sizes of the segments from `#first` on, by turns; they never change. */
  #spans = NONE
  #one = NONE
  #first = 0
  #count = 0
  #next = 0

  constructor(handle: number, capacity: number) {
    this.#handle = handle
    this.#capacity = capacity
  }

  /** The bytes of a segment, without a copy. */
  view(index: number): Uint8Array {
    let at = index - this.#first
    if (at < 0 || at >= this.#count) {
      this.#locate(index)
      at = 0
    }
    this.#next = index + 1
    const offset = this.#spans[2 * at] as number
    const size = this.#spans[2 * at + 1] as number
    const start = offset - this.#windowStart
    const window = this.#window
    if (window === undefined || start < 0 || start + size > window.byteLength) {
      return this.#show(offset, size)
    }
    return new Uint8Array(window, start, size)
  }

  /** The file is closed: what is left of the memory goes with the views that the program has. */
  close(): void {
    this.#window = undefined
    this.#count = 0
  }

  /** Asks where the segment is, and the following ones too if it is read in order. */
  #locate(index: number): void {
    this.#count = 0
    if (this.#spans === NONE) {
      this.#spans = new Float64Array(2 * BATCH)
      this.#one = this.#spans.subarray(0, 2)
    }
    const into = index === this.#next ? this.#spans : this.#one
    this.#count = operations.spans(this.#handle, index, into)
    this.#first = index
  }

  /** A view into a new window, as the segment is outside of the one there is. */
  #show(offset: number, size: number): Uint8Array {
    const whole = this.#capacity <= WINDOW
    const start = whole ? 0 : offset
    const length = Math.min(this.#capacity - start, Math.max(size, WINDOW))
    this.#window = operations.memory(this.#handle, start, length)
    this.#windowStart = start
    return new Uint8Array(this.#window, offset - start, size)
  }
}
