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
  readInto(file: number, index: number, target: ArrayBufferView | ArrayBuffer, offset: number): number
  spans(file: number, index: number, into: Float64Array): number
  memory(file: number, offset: number, length: number): ArrayBuffer
  lock(file: number, milliseconds: number): 0 | 1 | 2
  unlock(file: number): void
  waitSync(file: number, index: number, milliseconds: number, spinMicroseconds: number): boolean
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

/** Closes a file and empties its views. Whether it was open. */
export declare function close(handle: number): boolean

/** Closes every file of this thread, at its end. Views stay. */
export declare function closeAll(): void

/** Makes a file. */
export declare function createNew(options: NativeOptions): NativeFile

/** Opens a file, or makes it. */
export declare function createOrOpen(options: NativeOptions): NativeFile

/** Sets the function that makes errors of a code, a message and an object of facts. */
export declare function install(factory: (code: string, message: string, facts: object) => Error): void

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
}

/** How a file is made or opened; the TypeScript has filled everything in. */
export interface NativeOptions {
  /** The id, or an empty string for a fresh UUID. */
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

/** The operations, as functions that take the number of an open file first. */
export declare function operations(): Operations

/** How often this handle repaired the file behind a dead process. */
export declare function recovered(handle: number): number

/** Nobody waits for a segment any more. */
export declare function unwatch(handle: number): void

/**
 * Calls `callback` once there is a segment `index` or can never be one, and keeps the event loop
 * alive until then. A later call replaces an earlier one, and so does [`unwatch`].
 */
export declare function watch(handle: number, index: number, callback: () => void): void
