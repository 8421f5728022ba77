/* The operations that `operations()` returns: plain Node-API functions, called for every message. */
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

/* The operations that `channelOperations()` returns. A sender is a channel or a writer, a receiver a reader or a member. */
export interface ChannelOperations {
  trySend(
    sender: number,
    value: string | ArrayBufferView | ArrayBuffer,
    expected: number,
  ): number | undefined
  trySendAll(sender: number, values: (string | ArrayBufferView | ArrayBuffer)[]): number | undefined
  trySendWith(
    sender: number,
    byteLength: number,
    fill: (target: ArrayBuffer) => number,
  ): number | undefined
  seal(sender: number, milliseconds: number): void
  roomSync(sender: number, byteLength: number, milliseconds: number): void
  watchRoom(sender: number, byteLength: number, keepsAlive: boolean, callback: () => void): void
  unwatchRoom(sender: number): void
  watchWriter(channel: number, keepsAlive: boolean, callback: () => void): void
  unwatchWriter(channel: number): void
  reserve(writer: number, byteLength: number): ArrayBuffer | undefined
  commit(writer: number, length: number): number
  abort(writer: number): void
  nextIndex(channel: number): number
  oldestIndex(channel: number): number
  sealed(channel: number): boolean
  newest(channel: number, index: Float64Array): Buffer | undefined
  memory(channel: number, offset: number, length: number): ArrayBuffer
  control(channel: number): ArrayBuffer
  makeRoom(writer: number, byteLength: number): number | undefined
  wakeReaders(writer: number): void
  place(reader: number, into: Float64Array): void
  setPlace(reader: number, position: number, nextIndex: number): void
  wakeWriters(reader: number): void
  receive(receiver: number, max: number, rows: Float64Array): number
  take(receiver: number, row: Float64Array, target: ArrayBufferView): 0 | 1 | 2
  receiveCopy(receiver: number, index: Float64Array): Buffer | undefined
  copy(receiver: number, row: Float64Array, target: ArrayBufferView): void
  release(receiver: number, key: number): void
  settle(receiver: number, key: number, done: boolean): void
  lag(receiver: number): number
  missed(receiver: number): number
  waitSync(receiver: number, milliseconds: number, spin: number): boolean
  watch(receiver: number, keepsAlive: boolean, callback: () => void): void
  unwatch(receiver: number): void
}
