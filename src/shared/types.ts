/** Binary values. They may lie in a `SharedArrayBuffer`. */
export type Bytes = NodeJS.ArrayBufferView | ArrayBufferLike

/** A value that can be written as one segment. A string is stored in the handle's `encoding`. */
export type Value = string | Bytes

/**
 * How strings become bytes. `'utf16le'` is .NET's encoding and keeps lone surrogates; `'utf8'` takes half of
 * the memory for most text, is the usual encoding in C and Python, and replaces lone surrogates by U+FFFD;
 * `'latin1'` has a byte for each of the characters up to U+00FF and refuses others.
 */
export type TextEncodingName = 'utf16le' | 'utf8' | 'latin1'

/**
 * Writes a segment in place: `target` is shared memory, has arbitrary contents at first, and is emptied when
 * the function has returned. If it returns a number, that is the length to keep; otherwise all of it is
 * kept. If it throws, the call throws the same error and nothing was written.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that ends without `return`
export type Fill = (target: Uint8Array) => number | void

/**
 * The text before the id in the names of a file's objects: up to 64 characters of `[A-Za-z0-9._-]`
 * each. Both sides need the same.
 */
export interface Prefixes {
  /** Of the file. Default `'mmfile-data-'`. */
  data?: string | undefined
  /** Of the kernel's mutex on Windows; on Unix it names nothing. Default `'mmfile-lock-'`. */
  mutex?: string | undefined
  /** Of a channel. Default `'mmfile-channel-'`. */
  channel?: string | undefined
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

/** Options of every way to open a file. */
export interface CommonOptions extends PlaceOptions {
  /**
   * Whether operations take the lock. Default `true`; `false` is right only while one process
   * writes.
   */
  synchronized?: boolean | undefined
  /** Milliseconds that any operation waits for the lock before `ERR_MMFILE_TIMEOUT`. Default 10,000. */
  lockTimeout?: number | undefined
  /**
   * How strings become bytes, and bytes strings, with this handle. Default `'utf16le'`. Both sides need the
   * same; bytes are read and written as they are with any.
   */
  encoding?: TextEncodingName | undefined
  /** The text before the id in the objects' names. */
  prefixes?: Prefixes | undefined
}

/** How long a file can be opened; see {@link CreateOptions.lifetime}. */
export type Lifetime = 'creator' | 'last-process'

/** What a handle is allowed to do. */
export type Access = 'read-write' | 'read'

/** Options of `MmFile.createNew`. */
export interface CreateOptions extends CommonOptions {
  /** A UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`. Default: a fresh UUID. */
  id?: string | undefined
  /**
   * `'creator'` (the default): nothing can open the file once its creator has closed it or exited; a
   * process that has it open can keep using it. `'last-process'`: it can be opened as long as a process
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

/** How long something is waited for, blocking. */
export interface SyncWaitOptions {
  /** Milliseconds, fractions allowed; 0 tries once; default: no limit. */
  timeout?: number | undefined
}

/** How long something is waited for. */
export interface WaitOptions extends SyncWaitOptions {
  /** Rejects with an `AbortError` when it fires; the signal's reason is its `cause`. */
  signal?: AbortSignal | undefined
  /** `false`: the pending wait does not keep the process alive. Default `true`. */
  ref?: boolean | undefined
}

/** How long a flush is waited for: until the disk has done it, or the signal fires. */
export type FlushOptions = Omit<WaitOptions, 'timeout'>

/**
 * `true`: a wait fails with `ERR_MMFILE_PEER_GONE` once another process had the file open and none has it
 * any more, however many handles this process has. `'creator'`: once the handle that created the file is
 * closed or its process has ended, however many other processes have it open; never for the creator
 * itself. A death is noticed at the next check after the kernel has reported it.
 */
export type RequirePeer = boolean | 'creator'

/** Options of every wait for a segment. */
interface SegmentWait {
  /** Which other process it requires. Default `false`. */
  requirePeer?: RequirePeer | undefined
  /**
   * Milliseconds to check in a loop before sleeping, fractions allowed: `0.05` is 50 µs. It blocks this
   * thread and takes a processor, and notices a segment within a microsecond instead of some thirty.
   * Default 0.
   */
  spin?: number | undefined
}

/** How long a segment is waited for. */
export interface SegmentWaitOptions extends WaitOptions, SegmentWait {}

/** How long a segment is waited for, blocking. */
export interface SegmentWaitSyncOptions extends SyncWaitOptions, SegmentWait {}

/** Options of `MmFile.createFile` and `createOrOpenFile`. */
export type CreateFileOptions = Omit<CommonOptions, 'directory' | 'prefixes'>

/** Options of `MmFile.openFile`. */
export interface OpenFileOptions extends Omit<CommonOptions, 'directory' | 'prefixes'> {
  /** Default `'read-write'`. */
  access?: Access | undefined
}

/** The form in which segments are read. */
export type SegmentForm = 'value' | 'bytes' | 'view'

/** The type of each form. */
export interface SegmentForms {
  /** A string, in the handle's encoding. */
  value: string
  /** A copy of the bytes. */
  bytes: Buffer
  /** The bytes without a copy. */
  view: Uint8Array
}

/** Options of `segments`. Its `timeout` bounds the pause between two segments. */
export interface SegmentsOptions<F extends SegmentForm = SegmentForm> extends SegmentWaitOptions {
  /** The first index. Default 0. */
  from?: number | undefined
  /** The form in which segments are read. Default `'value'`. */
  as?: F | undefined
}

/** Options of `createReadStream`. */
export interface ReadStreamOptions extends Omit<SegmentsOptions, 'as'> {
  /** The form of the chunks. Default `'bytes'`. */
  as?: SegmentForm | undefined
  /** How many segments are read ahead. Default 16. */
  highWaterMark?: number | undefined
}

/** Options of `createWriteStream`. */
export interface WriteStreamOptions {
  /** Seals the file when the stream finishes. Default `false`. */
  seal?: boolean | undefined
  /** How many chunks are kept before `write()` returns `false`. Default 16. */
  highWaterMark?: number | undefined
  /** Destroys the stream with an `AbortError` when it fires. */
  signal?: AbortSignal | undefined
}

/** Options of `NamedMutex.open` and `openExisting`. */
export interface MutexOptions extends PlaceOptions {
  /** The text before the name in the object's name. Default `'mmfile-mutex-'`. */
  prefix?: string | undefined
  /**
   * Milliseconds that opening waits for a process that is removing the name, before
   * `ERR_MMFILE_TIMEOUT`. Default 10,000.
   */
  lockTimeout?: number | undefined
}

/** The kind of an object. Each kind has a separate name space. */
export type Kind = 'file' | 'channel' | 'mutex'

/** Options of `list` and `sweep`. */
export interface ListOptions extends PlaceOptions {
  /** The prefixes of the files. */
  prefixes?: Prefixes | undefined
  /**
   * The prefix of the mutexes. Default `'mmfile-mutex-'`; where `prefixes` are given, no mutexes are
   * searched for without it.
   */
  prefix?: string | undefined
}

/** Options of `remove`. */
export interface RemoveOptions extends ListOptions {
  /** The kind of the object to remove. Default `'file'`. */
  kind?: Kind | undefined
}

/** A file or a mutex in shared memory, seen from outside. */
export interface ObjectInfo {
  /** The id of a file, the name of a mutex. */
  id: string
  /** Its kind. */
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
  /** What it is allowed to do. */
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
