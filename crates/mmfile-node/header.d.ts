/* The operations that `operations()` answers: plain Node-API functions, called for every message. */
export interface Operations {
  append(file: number, value: string | ArrayBufferView | ArrayBuffer): number
  appendAll(file: number, values: (string | ArrayBufferView | ArrayBuffer)[]): number
  write(file: number, index: number, value: string | ArrayBufferView | ArrayBuffer): void
  seal(file: number): void
  length(file: number): number
  size(file: number): number
  sealed(file: number): boolean
  byteLength(file: number, index: number): number
  readText(file: number, index: number): string
  readBytes(file: number, index: number): Buffer
  readInto(
    file: number,
    index: number,
    target: ArrayBufferView | ArrayBuffer,
    offset: number,
  ): number
  spans(file: number, index: number, into: Float64Array): number
  memory(file: number, offset: number, length: number): ArrayBuffer
  lock(file: number, milliseconds: number): 0 | 1 | 2
  unlock(file: number): void
  waitSync(file: number, index: number, milliseconds: number, spinMicroseconds: number): boolean
  watch(file: number, index: number, requirePeer: boolean, callback: () => void): void
  unwatch(file: number): void
}
