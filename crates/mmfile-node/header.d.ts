/* The operations that `operations()` answers: plain Node-API functions, called for every message. */
export interface Operations {
  /** Returns the id or the path where it is another than the given one. */
  open(
    id: string,
    numbers: Float64Array,
    place: readonly [string | undefined, string, string] | undefined,
  ): string | undefined
  manage(owner: object, handle: number): void
  close(handle: number): void
  append(file: number, value: string | ArrayBufferView | ArrayBuffer): number
  appendAll(file: number, values: (string | ArrayBufferView | ArrayBuffer)[]): number
  appendWith(file: number, byteLength: number, fill: (target: ArrayBuffer) => number): number
  write(file: number, index: number, value: string | ArrayBufferView | ArrayBuffer): void
  seal(file: number): void
  length(file: number): number
  size(file: number): number
  sealed(file: number): boolean
  byteLength(file: number, index: number): number
  readText(file: number, index: number): string
  readBytes(file: number, index: number): Buffer
  copyBytes(file: number, index: number, target: ArrayBufferView): boolean
  readInto(
    file: number,
    index: number,
    target: ArrayBufferView | ArrayBuffer,
    offset: number,
  ): number
  spans(file: number, index: number, into: Float64Array): number
  memory(file: number, offset: number, length: number): ArrayBuffer
  lock(file: number, milliseconds: number): 0 | 1 | 2
  unlock(file: number, abandons: boolean): void
  poll(file: number, index: number, requirePeer: number, spin: number): boolean
  waitSync(file: number, index: number, requirePeer: number, milliseconds: number): boolean
  watch(
    file: number,
    index: number,
    requirePeer: number,
    keepsAlive: boolean,
    callback: (length: number) => void,
  ): void
  unwatch(file: number): void
  now(): number
}
