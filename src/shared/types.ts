/** What can be written as one segment. A string is stored as UTF-16LE, lone surrogates and all. */
export type Value = string | ArrayBufferView | ArrayBufferLike

/**
 * What precedes the id in the names of a file's objects: up to 64 characters of `[A-Za-z0-9._-]` each.
 * Both sides need the same.
 */
export interface Prefixes {
  /** Of the file. Default `'mmfile-data-'`. */
  data?: string | undefined
  /** Of the kernel's mutex on Windows; on Unix it names nothing. Default `'mmfile-lock-'`. */
  mutex?: string | undefined
}

/** Where a named object is. Both sides need the same. */
export interface PlaceOptions {
  /**
   * The folder: a path, which is resolved against the current directory. Default: the one that the
   * environment variable `MMFILE_DIRECTORY` names, else `/dev/shm` on Linux and a folder of this user on
   * macOS. `ERR_MMFILE_UNSUPPORTED` on Windows.
   */
  directory?: string | undefined
}

/** What every way to open a file takes. */
export interface CommonOptions extends PlaceOptions {
  /**
   * Whether operations take the lock. Default `true`; `false` is right only while one process
   * writes.
   */
  synchronized?: boolean | undefined
  /** Milliseconds that any operation waits for the lock before `ERR_MMFILE_TIMEOUT`. Default 10,000. */
  lockTimeout?: number | undefined
  /** What precedes the id in the objects' names. */
  prefixes?: Prefixes | undefined
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
   * a process that has it open goes on using it. `'last-process'`: it can be opened as long as a process
   * has it open.
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

/**
 * `true`: a wait fails with `ERR_MMFILE_PEER_GONE` once another process had the file open and none has it
 * any more, however many handles this process has. `'creator'`: once the handle that created the file is
 * closed or its process has ended, however many other processes have it open; never for the creator
 * itself. A death is noticed at the next check after the kernel has reported it.
 */
export type RequirePeer = boolean | 'creator'

/** How long a segment is waited for. */
export interface WaitOptions {
  /** Milliseconds; 0 looks once; default: for ever. */
  timeout?: number | undefined
  /** Rejects with an `AbortError` when it fires. */
  signal?: AbortSignal | undefined
  /** Which other process it requires. Default `false`. */
  requirePeer?: RequirePeer | undefined
}

/** How long a segment is waited for, blocking. */
export interface WaitSyncOptions {
  /** Milliseconds; 0 looks once; default: for ever. */
  timeout?: number | undefined
  /** Microseconds to look in a loop before sleeping. Default 0. */
  spin?: number | undefined
  /** Which other process it requires. Default `false`. */
  requirePeer?: RequirePeer | undefined
}

/** Options of `MmFile.createFile`. */
export type CreateFileOptions = Omit<CommonOptions, 'directory' | 'prefixes'>

/** Options of `MmFile.openFile`. */
export interface OpenFileOptions extends Omit<CommonOptions, 'directory' | 'prefixes'> {
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

/** Options of `NamedMutex.open` and `openExisting`. */
export interface MutexOptions extends PlaceOptions {
  /** What precedes the name in the object's name. Default `'mmfile-mutex-'`. */
  prefix?: string | undefined
  /**
   * Milliseconds that opening waits for a process that is removing the name, before
   * `ERR_MMFILE_TIMEOUT`. Default 10,000.
   */
  lockTimeout?: number | undefined
}

/** What an object is. Each kind has a name space of its own. */
export type Kind = 'file' | 'mutex'

/** Options of `list` and `sweep`. */
export interface ListOptions extends PlaceOptions {
  /** The prefixes of the files. */
  prefixes?: Prefixes | undefined
  /**
   * The prefix of the mutexes. Default `'mmfile-mutex-'`; where `prefixes` are given, no mutexes are
   * looked for without it.
   */
  prefix?: string | undefined
}

/** Options of `remove`. */
export interface RemoveOptions extends ListOptions {
  /** What is removed. Default `'file'`. */
  kind?: Kind | undefined
}

/** A file or a mutex in shared memory, seen from outside. */
export interface ObjectInfo {
  /** The id of a file, the name of a mutex. */
  id: string
  /** What it is. */
  kind: Kind
  /**
   * The bytes that its segments and their size words may take. 0 for a mutex, and for a file that another
   * version of mmfile made.
   */
  capacity: number
  /** The bytes used. */
  size: number
  /** The number of segments. */
  length: number
  /** Whether it takes no more. */
  sealed: boolean
  /** How long it can be opened. */
  lifetime: Lifetime
  /** When it was created. */
  createdAt: Date
  /** The id of the process that created it; it may be another's by now. */
  creatorPid: number
  /** Whether no live process has it open: `sweep` removes it. */
  stale: boolean
}

/** An open handle on a file. */
export interface Peer {
  /** The id of its process. */
  pid: number
  /** What it may do. */
  access: Access
  /** When it was opened. */
  since: Date
  /** Whether it created the file. */
  isCreator: boolean
  /** Whether it holds the lock at this moment. */
  holdsLock: boolean
  /** Whether it is the handle that asks. */
  self: boolean
}
