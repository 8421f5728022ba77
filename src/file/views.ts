import { operations } from '../shared/native.js'
import { ViewWindow } from '../shared/view-window.js'

/** Segments whose places are asked for at once when they are read one after the other. */
const BATCH = 256
/** Most files are opened without a view being asked for. */
const NONE = new Float64Array()

/** The segments of one open file as `Uint8Array`s over shared memory. */
export class Views {
  readonly #handle: number
  readonly #window: ViewWindow
  /** Offsets and sizes of the segments from `#first` on, by turns; they never change. */
  #spans = NONE
  #one = NONE
  #first = 0
  #count = 0
  #next = 0

  constructor(handle: number, capacity: number) {
    this.#handle = handle
    this.#window = new ViewWindow(capacity, (start, length) =>
      operations.memory(handle, start, length),
    )
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
    return this.#window.view(offset, size)
  }

  /** The file is closed. */
  close(): void {
    this.#window.close()
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
}
