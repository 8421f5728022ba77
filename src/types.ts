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

/** How long a segment is waited for. */
export interface WaitOptions {
  /** Milliseconds; 0 looks once; default: for ever. */
  timeout?: number | undefined
  /** Rejects with an `AbortError` when it fires. */
  signal?: AbortSignal | undefined
}

/** How long a segment is waited for, blocking. */
export interface WaitSyncOptions {
  /** Milliseconds; 0 looks once; default: for ever. */
  timeout?: number | undefined
  /** Microseconds to look in a loop before sleeping. Default 0. */
  spin?: number | undefined
}
