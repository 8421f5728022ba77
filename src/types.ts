/** What can be written as one segment. A string is stored as UTF-16LE, lone surrogates and all. */
export type Value = string | ArrayBufferView | ArrayBufferLike

/** What stands before the id in the names of a file's two objects. Both sides need the same. */
export interface Prefixes {
  /** For the segments. Default `'mmfile-data-'`. */
  data: string
  /** For the lock and the control block. Default `'mmfile-lock-'`. */
  mutex: string
}

/** What every way to open a file takes. */
export interface CommonOptions {
  /**
   * Whether operations take the lock. Default `true`; `false` is right only while one process
   * writes.
   */
  synchronized?: boolean | undefined
  /** Milliseconds that any operation waits for the lock before `ERR_MMFILE_TIMEOUT`. Default 10,000. */
  lockTimeout?: number | undefined
  /** What stands before the id in the objects' names. */
  prefixes?: Partial<Prefixes> | undefined
}

/** How long a file can be opened; see {@link CreateOptions.lifetime}. */
export type Lifetime = 'creator' | 'last-process'

/** What a handle may do. */
export type Access = 'read-write' | 'read'

/** Options of `MmFile.createNew`. */
export interface CreateOptions extends CommonOptions {
  /** A UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`. Default: a fresh UUID. */
  id?: string | undefined
  /**
   * `'creator'` (the default): nothing can open the file once its creator has closed it or exited;
   * whoever has it open goes on using it. `'last-process'`: it lives as long as anyone has it open.
   */
  lifetime?: Lifetime | undefined
}

/** Options of `MmFile.createOrOpen`. */
export type CreateOrOpenOptions = CommonOptions

/** Options of `MmFile.openExisting`. */
export interface OpenOptions extends CommonOptions {
  /** Default `'read-write'`. */
  access?: Access | undefined
}

/** How long a lock is waited for. */
export interface LockOptions {
  /** Milliseconds; 0 tries once; default: the handle's `lockTimeout`. */
  timeout?: number | undefined
}

/** How long a lock is waited for without blocking. */
export interface LockWaitOptions {
  /** Milliseconds; 0 tries once; default: for ever. */
  timeout?: number | undefined
  /** Rejects with an `AbortError` when it fires. */
  signal?: AbortSignal | undefined
}

/** How long a segment is waited for. */
export interface WaitOptions {
  /** Milliseconds; 0 looks once; default: for ever. */
  timeout?: number | undefined
  /** Rejects with an `AbortError` when it fires. */
  signal?: AbortSignal | undefined
  /**
   * Rejects with `ERR_MMFILE_PEER_GONE` once another process had the file open and none has it any
   * more. Default `false`.
   */
  requirePeer?: boolean | undefined
}

/** How long a segment is waited for, blocking. */
export interface WaitSyncOptions {
  /** Milliseconds; 0 looks once; default: for ever. */
  timeout?: number | undefined
  /** Microseconds to look in a loop before sleeping. Default 0. */
  spin?: number | undefined
}

/** Options of `MmFile.createFile`. */
export type CreateFileOptions = Omit<CommonOptions, 'prefixes'>

/** Options of `MmFile.openFile`. */
export interface OpenFileOptions extends Omit<CommonOptions, 'prefixes'> {
  /** Default `'read-write'`. */
  access?: Access | undefined
}

/** What segments are read as. */
export type SegmentForm = 'string' | 'bytes' | 'view'

/** What each form is. */
export interface SegmentForms {
  /** A string. */
  string: string
  /** A copy of the bytes. */
  bytes: Buffer
  /** The bytes without a copy. */
  view: Uint8Array
}

/** Options of `segments`. */
export interface SegmentsOptions<F extends SegmentForm = SegmentForm> {
  /** The first index. Default 0. */
  from?: number | undefined
  /** What segments are read as. Default `'string'`. */
  as?: F | undefined
  /** Ends the iteration with an `AbortError` when it fires. */
  signal?: AbortSignal | undefined
}

/** Options of `createReadStream`. */
export interface ReadStreamOptions extends Omit<SegmentsOptions, 'as'> {
  /** What the chunks are. Default `'bytes'`. */
  as?: SegmentForm | undefined
  /** How many segments are read ahead. Default 16. */
  highWaterMark?: number | undefined
}

/** Options of `createWriteStream`. */
export interface WriteStreamOptions {
  /** Seals the file when the stream finishes. Default `false`. */
  seal?: boolean | undefined
  /** How many chunks are kept before `write()` answers `false`. Default 16. */
  highWaterMark?: number | undefined
  /** Destroys the stream with an `AbortError` when it fires. */
  signal?: AbortSignal | undefined
}

/** Options of `list`, `sweep` and `remove`. */
export interface ListOptions {
  /** What stands before the id in the objects' names. */
  prefixes?: Partial<Prefixes> | undefined
}

/** A file in shared memory, seen from outside. */
export interface FileInfo {
  /** The id. */
  id: string
  /** The bytes that its segments and their size words may take. */
  capacity: number
  /** The bytes used. */
  size: number
  /** The number of segments. */
  length: number
  /** Whether it takes no more. */
  sealed: boolean
  /** How long it can be opened. */
  lifetime: Lifetime
  /** When it was made. */
  created: Date
  /** The id of the process that made it; it may be another's by now. */
  creator: number
  /** Whether no live process has it open: `sweep` removes it. */
  stale: boolean
}
