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

/**
 * Which binding artifact the generated loader actually loaded: `'native'` for
 * a native addon, otherwise the `platformArchABI` of the WASI flavor. Every
 * flavor napi-rs can build is listed, because `NAPI_RS_NATIVE_LIBRARY_PATH`
 * can point the loader at a WASI artifact this package does not build itself.
 */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

/**
 * Closes a file that JavaScript has lost. Its views stay, and keep the memory. Whether the lock was
 * held.
 */
export declare function abandon(handle: number): boolean

/** Closes a file or a mutex and empties its views. Whether it was open. */
export declare function close(handle: number): boolean

/** Makes a file on disk. */
export declare function createFile(options: NativeOptions): NativeFile

/** Makes a file. */
export declare function createNew(options: NativeOptions): NativeFile

/** Opens a file, or makes it. */
export declare function createOrOpen(options: NativeOptions): NativeFile

/** Waits until everything is on the disk. */
export declare function flush(handle: number): void

/**
 * Has the lock taken by a thread that holds it until [`release_held`]. The callback hears 0 if it
 * could not be had in time or was given up, else 1, or 2 if its last holder died with it; or an error.
 */
export declare function hold(handle: number, timeout: number, callback: (how: 0 | 1 | 2 | Error) => void): void

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

/** The files of this user on this machine. */
export declare function list(dataPrefix: string, mutexPrefix: string): Array<NativeInfo>

/** An open file. */
export interface NativeFile {
  /** What the operations want first. */
  handle: number
  /** The id. */
  id: string
  /** In bytes. */
  capacity: number
  /** Whether this call made it. */
  created: boolean
  /** Where it is on disk, if it is. */
  path?: string
}

/** A file in shared memory, seen from outside. */
export interface NativeInfo {
  /** Its id. */
  id: string
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
  /** The process that made it. */
  creator: number
  /** Whether no live process has it open. */
  stale: boolean
}

/** An open mutex. */
export interface NativeMutex {
  /** What the operations want first. */
  handle: number
  /** Whether this call made it. */
  created: boolean
}

/** How a file is made or opened; the TypeScript has filled everything in. */
export interface NativeOptions {
  /** The id, or an empty string for a fresh UUID; the path of a file on disk. */
  id: string
  /** In bytes. */
  capacity: number
  /** Whether operations take the lock. */
  synchronized: boolean
  /** Whether the file lives until its last process. */
  lastProcess: boolean
  /** Whether the file is opened for reading only. */
  readOnly: boolean
  /** In milliseconds. */
  lockTimeout: number
  /** What stands before the id in the data object's name. */
  dataPrefix: string
  /** What stands before the id in the lock's name. */
  mutexPrefix: string
}

/** Opens a file. */
export declare function openExisting(options: NativeOptions): NativeFile

/** Opens a file on disk. */
export declare function openFile(options: NativeOptions): NativeFile

/** Opens the mutex of that name; makes it unless it must exist. */
export declare function openMutex(name: string, existing: boolean): NativeMutex

/** The operations, as functions that take the number of an open file first. */
export declare function operations(): Operations

/** Whether another process had the file open and none has it any more. */
export declare function peerGone(handle: number): boolean

/** How often this handle repaired the file behind a dead process. */
export declare function recovered(handle: number): number

/** Lets go what [`hold`] took or is waiting for. */
export declare function releaseHeld(handle: number): void

/** Takes the names of one away. */
export declare function remove(id: string, dataPrefix: string, mutexPrefix: string): void

/** Removes those that no live process has open, and answers their ids. */
export declare function sweep(dataPrefix: string, mutexPrefix: string): Array<string>

/**
 * Tells the engine that an object weighs so many bytes more than it can see, or less: it collects
 * garbage accordingly.
 */
export declare function weigh(bytes: number): void
