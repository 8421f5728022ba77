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

/**
 * Which binding artifact the generated loader actually loaded: `'native'` for
 * a native addon, otherwise the `platformArchABI` of the WASI flavor. Every
 * flavor napi-rs can build is listed, because `NAPI_RS_NATIVE_LIBRARY_PATH`
 * can point the loader at a WASI artifact this package does not build itself.
 */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

/** What the options are where a program gives none. */
export declare function defaults(): NativeDefaults

/**
 * Has a file on disk flushed by a thread of its own. The callback hears 1, or an error. Unless
 * `keeps_alive`, the process may end before that.
 */
export declare function flush(handle: number, keepsAlive: boolean, callback: (error: Error | 1) => void): void

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
 * Does for everything that this thread has open what closing it does for others: what runs before the
 * process is gone can still use it.
 */
export declare function leaveAll(): void

/** The files and mutexes of this user on this machine. */
export declare function list(place: NativePlace): Array<NativeInfo>

/**
 * Whether the caller is the first to ask in this thread. It calls `leaveAll` at the end, for every copy of the
 * package that uses this addon: test runners load it again and again.
 */
export declare function listens(): boolean

/** What the options are where a program gives none. */
export interface NativeDefaults {
  /** In milliseconds. */
  lockTimeout: number
  /** What precedes the id in a file's name. */
  dataPrefix: string
  /** What precedes the id in the name of a file's lock, where that is an object. */
  lockPrefix: string
  /** What precedes the name in the name of a mutex. */
  mutexPrefix: string
}

/** An object in shared memory, seen from outside. */
export interface NativeInfo {
  /** Its id. */
  id: string
  /** Whether it is a mutex, not a file. */
  isMutex: boolean
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
  /** What the operations want first. */
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
  /** What precedes the name in the object's name. */
  prefix: string
  /** In milliseconds. */
  lockTimeout: number
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
  /** What precedes the id in a file's name. */
  dataPrefix: string
  /** What precedes the id in the name of a file's lock, where that is an object. */
  mutexPrefix: string
  /** What precedes the name in the name of a mutex; no mutexes without it. */
  prefix?: string
}

/** Opens the mutex of that name, or creates it unless it must exist. */
export declare function openMutex(name: string, options: NativeMutexOptions): NativeMutex

/** The operations, as functions that take the number of an open file first. */
export declare function operations(): Operations

/** The open handles on a file. */
export declare function peers(handle: number): Array<NativePeer>

/** What is wrong with an id or a name, if anything is. */
export declare function problemOfId(id: string): string | null

/** What is wrong with a prefix, if anything is. */
export declare function problemOfPrefix(prefix: string): string | null

/** How often this handle repaired the file behind a dead process. */
export declare function recovered(handle: number): number

/**
 * Releases what [`hold`] acquired, or stops waiting. `abandons`: the next holder finds the lock abandoned.
 * Not while a segment is being written in place.
 */
export declare function releaseHeld(handle: number, abandons: boolean): void

/** Removes the name of one. */
export declare function remove(id: string, isMutex: boolean, place: NativePlace): void

/** Removes those that no live process has open: what there was. */
export declare function sweep(place: NativePlace): Array<NativeInfo>
