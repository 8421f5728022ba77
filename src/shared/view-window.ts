/** The largest memory that one `ArrayBuffer` shows: no engine has buffers of any size. */
export const WINDOW = 2 ** 30

/** The `ArrayBuffer` of all views of a handle. Memory larger than `WINDOW` is shown in pieces. */
export class ViewWindow {
  readonly #capacity: number
  readonly #memory: (start: number, length: number) => ArrayBuffer
  #buffer: ArrayBuffer | undefined
  #start = 0

  /** `memory` shows some bytes of the `capacity`. */
  constructor(capacity: number, memory: (start: number, length: number) => ArrayBuffer) {
    this.#capacity = capacity
    this.#memory = memory
  }

  /** Some bytes, without a copy. */
  view(offset: number, byteLength: number): Uint8Array {
    const start = offset - this.#start
    const buffer = this.#buffer
    if (buffer === undefined || start < 0 || start + byteLength > buffer.byteLength) {
      return this.#show(offset, byteLength)
    }
    return new Uint8Array(buffer, start, byteLength)
  }

  /** The handle is closed: the memory goes with the views that the program still has. */
  close(): void {
    this.#buffer = undefined
  }

  /** A view into a new piece, as the bytes are outside of the one there is. */
  #show(offset: number, byteLength: number): Uint8Array {
    const start = this.#capacity <= WINDOW ? 0 : offset
    const length = Math.min(this.#capacity - start, Math.max(byteLength, WINDOW))
    this.#buffer = this.#memory(start, length)
    this.#start = start
    return new Uint8Array(this.#buffer, offset - start, byteLength)
  }
}
