import { channels } from './native.js'

/** The largest memory that one `ArrayBuffer` shows: no engine has buffers of any size. */
export const LARGEST = 2 ** 30

/** The memory of a channel's ring, shown to JavaScript, a larger one in pieces. All readers of a handle share it. */
export class Window {
  readonly #handle: number
  readonly #capacity: number
  #buffer: ArrayBuffer | undefined
  #start = 0

  constructor(handle: number, capacity: number) {
    this.#handle = handle
    this.#capacity = capacity
  }

  /** Some bytes of the ring, without a copy. */
  view(offset: number, byteLength: number): Uint8Array {
    const start = offset - this.#start
    const buffer = this.#buffer
    if (buffer === undefined || start < 0 || start + byteLength > buffer.byteLength) {
      return this.#show(offset, byteLength)
    }
    return new Uint8Array(buffer, start, byteLength)
  }

  /** The channel is closed, and what it showed is empty. */
  close(): void {
    this.#buffer = undefined
  }

  #show(offset: number, byteLength: number): Uint8Array {
    const start = this.#capacity <= LARGEST ? 0 : offset
    const length = Math.min(this.#capacity - start, Math.max(byteLength, LARGEST))
    this.#buffer = channels.memory(this.#handle, start, length)
    this.#start = start
    return new Uint8Array(this.#buffer, offset - start, byteLength)
  }
}
