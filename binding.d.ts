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

/**
 * Which binding artifact the generated loader actually loaded: `'native'` for
 * a native addon, otherwise the `platformArchABI` of the WASI flavor. Every
 * flavor napi-rs can build is listed, because `NAPI_RS_NATIVE_LIBRARY_PATH`
 * can point the loader at a WASI artifact this package does not build itself.
 */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

/** Offsets, sizes and kinds by their names, for a program that works on a channel's memory without calls. */
export declare function channelLayout(): Record<string, number>

/** The operations, as functions that take the number of a channel, a writer or a receiver first. */
export declare function channelOperations(): ChannelOperations

/** How often this handle went on behind a dead process. */
export declare function channelRecovered(channel: number): number

/** Creates a group unless one of that name exists. */
export declare function createGroup(channel: number, name: string, from: number): boolean

/** The default options. */
export declare function defaults(): NativeDefaults

/** Detaches a reader or a member. */
export declare function evict(channel: number, number: number): void

/**
 * Flushes a file on disk from a new thread. The callback gets 1, or an error. Unless `keeps_alive`, the
 * process may end before that.
 */
export declare function flush(handle: number, keepsAlive: boolean, callback: (error: Error | 1) => void): void

/**
 * The same on a new thread. The callback gets 1, or an error. Unless `keeps_alive`, the process may end
 * before that.
 */
export declare function flushChannel(channel: number, keepsAlive: boolean, callback: (error: Error | 1) => void): void

/** Waits until everything is on the disk. */
export declare function flushChannelSync(channel: number): void

/** Waits until everything is on the disk. */
export declare function flushSync(handle: number): void

/**
 * Has the lock taken by a thread that holds it until [`release_held`]. The callback hears 0 if it
 * could not be had in time or was given up, else 1, or 2 if its last holder died with it; or an error.
 * Unless `keeps_alive`, the process may end before that.
 */
export declare function hold(handle: number, timeout: number, keepsAlive: boolean, callback: (how: 0 | 1 | 2 | Error) => void): void

/**
 * Sets the function that makes errors of a code, a message and an object of facts, and says whether the
 * runtime is Node.js itself: others have the names of libuv's functions and end the process behind them.
 */
export declare function install(factory: (code: string, message: string, facts: object) => Error, isNode: boolean): void

/**
 * Leaves all objects that this thread has open, as closing them does, but keeps them usable: code that runs
 * before the process ends may still use them.
 */
export declare function leaveAll(): void

/** The files and mutexes of this user on this machine. */
export declare function list(place: NativePlace): Array<NativeInfo>

/**
 * Whether the caller is the first to ask in this thread. It calls `leaveAll` at the end, for every copy of the
 * package that uses this addon: test runners load it again and again.
 */
export declare function listens(): boolean

/** The process that holds the lock of a file or a mutex; `null` if none does, or that is not known. */
export declare function lockHolder(handle: number): number | null

/** The open handles on the mutex of that name, seen from outside. */
export declare function mutexPeers(name: string, place: NativePlace): Array<NativePeer>

/** An open channel. */
export interface NativeChannel {
  /** The handle's number: the first argument of the operations. */
  handle: number
  /** The id. */
  id: string
  /** Where it is on disk, if it is. */
  path?: string
  /** In bytes. */
  capacity: number
  /** The most bytes that a message may have. */
  maxByteLength: number
  /** The bytes of the ring and of the tables behind it; 0 for a handle that only reads. */
  dataLength: number
  /** The name of the encoding. */
  encoding: string
  /** Whether the oldest messages are dropped. */
  dropsOldest: boolean
  /** Whether this call created it. */
  isCreator: boolean
}

/** How a channel is created or opened; the TypeScript has filled everything in that creating needs. */
export interface NativeChannelOptions {
  /** The id, or an empty string for a fresh UUID; the path of a channel on disk. */
  id: string
  /** In bytes. */
  capacity: number
  /** The name of the encoding; any, where it is left out. */
  encoding?: string
  /** Whether the oldest messages are dropped; any if it is left out. */
  dropsOldest?: boolean
  /** Slots for participants. */
  maxParticipants: number
  /** Groups that must exist. */
  groups: Array<string>
  /** Whether the channel lives until its last process. */
  lastProcess: boolean
  /** Whether it is opened for reading only. */
  readOnly: boolean
  /** Whether it is looked at without joining it. */
  observes: boolean
  /** In milliseconds. */
  lockTimeout: number
  /** The folder of the object, unless it is the system's. */
  directory?: string
  /** The text before the id in a file's name. */
  dataPrefix: string
  /** The text before the id in the name of a file's lock, where that is an object. */
  mutexPrefix: string
  /** The text before the id in the object's name. */
  channelPrefix: string
}

/** The default options. */
export interface NativeDefaults {
  /** In milliseconds. */
  lockTimeout: number
  /** The text before the id in a file's name. */
  dataPrefix: string
  /** The text before the id in the name of a file's lock, where that is an object. */
  lockPrefix: string
  /** The text before the name in the name of a mutex. */
  mutexPrefix: string
  /** The text before the id in the name of a channel. */
  channelPrefix: string
  /** In bytes. */
  channelCapacity: number
  /** Slots of a channel for participants. */
  maxParticipants: number
}

/** An object in shared memory, seen from outside. */
export interface NativeInfo {
  /** Its id. */
  id: string
  /** Its kind. */
  kind: 'file' | 'channel' | 'mutex'
  /** In bytes. */
  capacity: number
  /** Bytes used. */
  size: number
  /** Segments. */
  length: number
  /** Whether it takes no more. */
  sealed: boolean
  /** Whether it lives until its last process. */
  lastProcess: boolean
  /** Milliseconds since 1970. */
  createdAt: number
  /** The process that created it. */
  creatorPid: number
  /** Whether no live process has it open. */
  stale: boolean
}

/** An open mutex. */
export interface NativeMutex {
  /** The handle's number: the first argument of the operations. */
  handle: number
  /** The name. */
  name: string
  /** Whether this call created it. */
  isCreator: boolean
}

/** How a mutex is opened; the TypeScript has filled everything in. */
export interface NativeMutexOptions {
  /** Whether it must exist. */
  existing: boolean
  /** The folder of the object, unless it is the system's. */
  directory?: string
  /** The text before the name in the object's name. */
  prefix: string
  /** In milliseconds. */
  lockTimeout: number
}

/** A participant of a channel. */
export interface NativeParticipant {
  /** Its number. */
  number: number
  /** Its process; 0 for a group. */
  pid?: number
  /** Its role. */
  role: 'reader' | 'member' | 'writer' | 'group'
  /** The name of the group, for a group and for its members. */
  group?: string
  /** The next message that it still needs. */
  nextIndex: number
  /** How many messages there are from there on. */
  lag: number
  /** Milliseconds since 1970. */
  since: number
}

/** An open handle. */
export interface NativePeer {
  /** Its process. */
  pid: number
  /** Whether it reads only. */
  readOnly: boolean
  /** Milliseconds since 1970. */
  since: number
  /** Whether it created the file. */
  isCreator: boolean
  /** Whether it holds the lock. */
  holdsLock: boolean
  /** Whether it is the handle that asks. */
  isSelf: boolean
}

/** Where objects are. */
export interface NativePlace {
  /** The folder, unless it is the system's. */
  directory?: string
  /** The text before the id in a file's name. */
  dataPrefix: string
  /** The text before the id in the name of a file's lock, where that is an object. */
  mutexPrefix: string
  /** The text before the id in the name of a channel. */
  channelPrefix: string
  /** The text before the name in the name of a mutex; without it, mutexes are left out. */
  prefix?: string
}

/** Creates or opens a channel. */
export declare function openChannel(how: Opening, options: NativeChannelOptions): NativeChannel

/** How a channel comes about. */
export declare const enum Opening {
  /** A new one in memory. */
  CreateNew = 'CreateNew',
  /** One in memory that there is. */
  OpenExisting = 'OpenExisting',
  /** One in memory, which is created unless it is there. */
  CreateOrOpen = 'CreateOrOpen',
  /** A new one on disk. */
  CreateFile = 'CreateFile',
  /** One on disk that there is. */
  OpenFile = 'OpenFile',
  /** One on disk, which is created unless it is there. */
  CreateOrOpenFile = 'CreateOrOpenFile',
}

/** Begins to read without holding anything back. */
export declare function openLossyReader(channel: number, from: number, newest: boolean, requirePeer: number): number

/** Joins a group. */
export declare function openMember(channel: number, group: string, prefetch: number, requirePeer: number): number

/** Opens the mutex of that name, or creates it unless it must exist. */
export declare function openMutex(name: string, options: NativeMutexOptions): NativeMutex

/** Begins to read: a reader that no writer overtakes. */
export declare function openReader(channel: number, from: number, requirePeer: number): number

/** Becomes the only writer; nothing while there is another one. */
export declare function openWriter(channel: number): number | null

/** The same, and throws while there is another one. */
export declare function openWriterNow(channel: number): number

/** The operations, as functions that take the number of an open file first. */
export declare function operations(): Operations

/** The participants. */
export declare function participants(channel: number): Array<NativeParticipant>

/** The open handles on a file, a channel or a mutex. */
export declare function peers(handle: number): Array<NativePeer>

/** The reason why an id or a name is invalid; nothing if it is valid. */
export declare function problemOfId(id: string): string | null

/** The reason why a prefix is invalid; nothing if it is valid. */
export declare function problemOfPrefix(prefix: string): string | null

/** How often this handle repaired the file behind a dead process. */
export declare function recovered(handle: number): number

/**
 * Releases what [`hold`] acquired, or stops waiting. `abandons`: the next holder finds the lock abandoned.
 * Not while a segment is being written in place.
 */
export declare function releaseHeld(handle: number, abandons: boolean): void

/** Removes the name of one. */
export declare function remove(id: string, name: 'file' | 'channel' | 'mutex', place: NativePlace): void

/** Removes a group. */
export declare function removeGroup(channel: number, name: string): void

/** Removes the objects that no live process has open, and returns their rows. */
export declare function sweep(place: NativePlace): Array<NativeInfo>
