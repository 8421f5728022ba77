import type { Readable, Writable } from 'node:stream'
import { inspect } from 'node:util'
import {
  checkFunction,
  checkOptions,
  checkRequirePeer,
  checkTarget,
  checkTime,
  checkValue,
  checkValues,
  checkWhole,
} from '../shared/arguments.js'
import { now } from '../shared/clock.js'
import { doNotClone } from '../shared/clone.js'
import { closed } from '../shared/errors.js'
import { toDate } from '../shared/listing.js'
import { type LockGuard, SharedLock, SLICE } from '../shared/lock.js'
import { native, operations } from '../shared/native.js'
import { manage } from '../shared/open-files.js'
import { checkSignal } from '../shared/signals.js'
import type {
  Access,
  CreateFileOptions,
  CreateOptions,
  CreateOrOpenOptions,
  LockOptions,
  LockWaitOptions,
  OpenFileOptions,
  OpenOptions,
  Peer,
  ReadStreamOptions,
  SegmentForm,
  SegmentForms,
  SegmentsOptions,
  Value,
  WaitOptions,
  WaitSyncOptions,
  WriteStreamOptions,
} from '../shared/types.js'
import { timedOut, Waits } from '../shared/waits.js'
import {
  createFile,
  createNew,
  createOrOpen,
  type Opened,
  openExisting,
  openFile,
} from './opening.js'
import { checkSegments, iterate, readBytes } from './segments.js'
import { readStream, writeStream } from './streams.js'
import { Views } from './views.js'

const token = Symbol('MmFile')

/**
 * An append-only list of segments in named shared memory, guarded by a lock that every process
 * shares and that survives its holder.
 */
export class MmFile {
  readonly #file: Opened
  // Made when they are first asked for: most files are opened for some of them only.
  #views: Views | undefined
  #waits: Waits | undefined
  #lock: SharedLock | undefined
  #closed = false

  /**
   * Makes a file of `capacity` bytes, size words included, with all of its memory reserved.
   *
   * Throws `ERR_MMFILE_EXISTS` if the id is in use, `ERR_MMFILE_NO_SPACE` if there is not that much
   * memory.
   */
  static createNew(capacity: number, options?: CreateOptions): MmFile {
    return new MmFile(token, createNew(capacity, options))
  }

  /**
   * Opens the file of that id. A UUID may be in any case, with or without braces.
   *
   * Throws `ERR_MMFILE_NOT_FOUND` if there is none, `ERR_MMFILE_ACCESS` if it is another user's,
   * `ERR_MMFILE_INCOMPATIBLE` if another version, architecture or C library made it.
   */
  static openExisting(id: string, options?: OpenOptions): MmFile {
    return new MmFile(token, openExisting(id, options))
  }

  /**
   * Opens the file of that id, or makes it if there is none: in one step, which never races.
   * `isCreator` tells which it was. The capacity counts only when it creates; the lifetime is
   * `'last-process'`.
   */
  static createOrOpen(id: string, capacity: number, options?: CreateOrOpenOptions): MmFile {
    return new MmFile(token, createOrOpen(id, capacity, options))
  }

  /**
   * Makes a file on disk with room for `capacity` bytes of segments, readable and writable for this
   * user. It stays when it is closed.
   *
   * Throws `ERR_MMFILE_EXISTS` if something stands at the path, `ERR_MMFILE_NOT_FOUND` if its folder
   * does not exist, `ERR_MMFILE_NO_SPACE` if the disk is full, `ERR_MMFILE_ACCESS`.
   */
  static createFile(path: string | URL, capacity: number, options?: CreateFileOptions): MmFile {
    return new MmFile(token, createFile(path, capacity, options))
  }

  /**
   * Opens a file on disk that `createFile` made. One that may not be written can be opened with
   * `access: 'read'`; it is then looked at now and then instead of being waited on.
   *
   * Throws `ERR_MMFILE_NOT_FOUND`, `ERR_MMFILE_ACCESS`, `ERR_MMFILE_CORRUPT` if it is shorter than it
   * was made, `ERR_MMFILE_INCOMPATIBLE` if it is not one of ours.
   */
  static openFile(path: string | URL, options?: OpenFileOptions): MmFile {
    return new MmFile(token, openFile(path, options))
  }

  private constructor(made: symbol, opened: Opened) {
    if (made !== token) {
      throw new TypeError('use MmFile.createNew, openExisting, createFile or the like')
    }
    this.#file = opened
    doNotClone(this, 'MmFile')
    manage(this, opened.handle)
  }

  /** The id by which other processes open the file; the path of one on disk. */
  get id(): string {
    return this.#file.id
  }

  /** Where a file on disk is, without links; `undefined` for one in memory. */
  get path(): string | undefined {
    return this.#file.onDisk ? this.#file.id : undefined
  }

  /** The bytes that the segments and their size words may take together. */
  get capacity(): number {
    return this.#file.capacity
  }

  /** Whether this handle created the file. */
  get isCreator(): boolean {
    return this.#file.isCreator
  }

  /** Whether operations take the lock. */
  get synchronized(): boolean {
    return this.#file.synchronized
  }

  /** What this handle may do. */
  get access(): Access {
    return this.#file.access
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed
  }

  /** The number of segments, now, whoever appended them. */
  get length(): number {
    return operations.length(this.#file.handle)
  }

  /** The bytes used, size words included, now. */
  get size(): number {
    return operations.size(this.#file.handle)
  }

  /** Whether the file takes no more segments. */
  get sealed(): boolean {
    return operations.sealed(this.#file.handle)
  }

  /** How often this handle found the lock abandoned by a dead process and repaired the file. */
  get recovered(): number {
    return native.recovered(this.#file.handle)
  }

  /**
   * Writes the next segment, whose index must be `index`: the check and the write are one critical
   * section. Throws `ERR_MMFILE_SEGMENT_ORDER` if it is not, and what `append` throws.
   */
  write(index: number, value: Value): void {
    operations.write(this.#file.handle, checkWhole('index', index), checkValue('value', value))
  }

  /**
   * Appends one segment, atomically across processes, and answers its index.
   *
   * Throws `ERR_MMFILE_CAPACITY` (with `needed` and `available`), `ERR_MMFILE_SEALED`,
   * `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_TIMEOUT`. Nothing has been written then.
   */
  append(value: Value): number {
    return operations.append(this.#file.handle, checkValue('value', value))
  }

  /** Appends all values with consecutive indexes, or none, and answers the first index. */
  appendAll(values: Iterable<Value>): number {
    return operations.appendAll(this.#file.handle, checkValues(values))
  }

  /** No more segments from here on: iterators end, and waits for later ones reject. */
  seal(): void {
    operations.seal(this.#file.handle)
  }

  /** A segment as a string. Throws `ERR_MMFILE_NOT_TEXT` if it has an odd number of bytes. */
  read(index: number): string {
    return operations.readText(this.#file.handle, checkWhole('index', index))
  }

  /** A copy of a segment's bytes. */
  readBytes(index: number): Buffer {
    return readBytes(this.#file.handle, checkWhole('index', index))
  }

  /**
   * Copies a segment's bytes into `target` from `targetOffset` bytes on, and answers how many.
   * Throws `ERR_OUT_OF_RANGE`, with nothing copied, if there is no room.
   */
  readInto(index: number, target: ArrayBufferView | ArrayBufferLike, targetOffset = 0): number {
    return operations.readInto(
      this.#file.handle,
      checkWhole('index', index),
      checkTarget(target),
      checkWhole('targetOffset', targetOffset),
    )
  }

  /**
   * A segment's bytes without a copy: a window on shared memory, for reading. It becomes empty when
   * the file is closed.
   */
  view(index: number): Uint8Array {
    this.#check()
    return this.#viewing().view(checkWhole('index', index))
  }

  /** The number of bytes in a segment. */
  byteLength(index: number): number {
    return operations.byteLength(this.#file.handle, checkWhole('index', index))
  }

  /** The strings that are there now. */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    const length = this.length
    for (let index = 0; index < length; index += 1) yield this.read(index)
  }

  /** The strings that are there now and those that will come, until the file is sealed. */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    return this.segments()
  }

  /**
   * The segments that are there and those that will come, in whichever process they are appended,
   * until the file is sealed. It throws what `waitFor` rejects with.
   */
  segments<F extends SegmentForm = 'string'>(
    options?: SegmentsOptions<F>,
  ): AsyncGenerator<SegmentForms[F], void, undefined> {
    const { from, as, signal } = checkSegments<F>(checkOptions(options), 'string' as F)
    this.#check()
    return iterate(this, from, as, signal)
  }

  /** The same as a stream of Node's, one segment a chunk. It ends when the file is sealed. */
  createReadStream(options?: ReadStreamOptions): Readable {
    this.#check()
    return readStream(this, checkOptions(options))
  }

  /** A stream of Node's that appends every chunk as a segment, and seals the file if asked to. */
  createWriteStream(options?: WriteStreamOptions): Writable {
    this.#check()
    return writeStream(this, checkOptions(options))
  }

  /**
   * Resolves once there is a segment `index`, in whichever process it is appended. It sleeps until
   * then, but for a check twice a second, and keeps the event loop alive.
   *
   * Rejects with `ERR_MMFILE_TIMEOUT`, with `ERR_MMFILE_SEALED` if the segment can never come, with
   * `ERR_MMFILE_PEER_GONE` if that was asked for, with `ERR_MMFILE_CLOSED` when this handle is
   * closed, or with an `AbortError`.
   */
  waitFor(index: number, options?: WaitOptions): Promise<void> {
    try {
      const given: Partial<WaitOptions> = checkOptions(options)
      checkWhole('index', index)
      const timeout = checkTime('options.timeout', given.timeout)
      const signal = checkSignal(given.signal)
      const requirePeer = checkRequirePeer(given.requirePeer)
      this.#check()
      return this.#waiting().waitFor(index, { timeout, signal, requirePeer })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Blocks this thread until there is a segment `index`. Throws what `waitFor` rejects with. */
  waitForSync(index: number, options?: WaitSyncOptions): void {
    const given: Partial<WaitSyncOptions> = checkOptions(options)
    checkWhole('index', index)
    const timeout = checkTime('options.timeout', given.timeout)
    const spin = checkTime('options.spin', given.spin, 0)
    const requirePeer = checkRequirePeer(given.requirePeer)
    const { handle } = this.#file
    if (operations.waitSync(handle, index, Math.min(timeout, SLICE), spin, requirePeer)) return
    const end = now() + timeout - Math.min(timeout, SLICE)
    for (;;) {
      const left = end - now()
      if (left <= 0) throw timedOut(index)
      if (operations.waitSync(handle, index, Math.min(left, SLICE), 0, requirePeer)) return
    }
  }

  /**
   * Calls `work` while the file's lock is held over several operations; those of this handle work
   * inside it. If `work` answers a promise, the lock is held until that has settled.
   *
   * Throws `ERR_MMFILE_TIMEOUT`, or `ERR_MMFILE_LOCK_HELD` if this handle has the lock already.
   */
  withLock<T>(work: (guard: LockGuard) => T, options?: LockOptions): T {
    checkFunction('work', work)
    return this.#locking().with(work, checkOptions(options))
  }

  /** The lock if it is free now, else `null`. Throws `ERR_MMFILE_LOCK_HELD` if this handle has it. */
  tryLock(): LockGuard | null {
    return this.#locking().tryFor(0)
  }

  /**
   * The file's lock, waited for and held by a thread of its own, so that this one goes on meanwhile;
   * operations of this handle work inside it.
   *
   * Rejects with `ERR_MMFILE_TIMEOUT`, `ERR_MMFILE_LOCK_HELD`, `ERR_MMFILE_CLOSED` or an
   * `AbortError`.
   */
  async lock(options?: LockWaitOptions): Promise<LockGuard> {
    return this.#locking().lock(checkOptions(options))
  }

  /**
   * Writes everything appended so far to the disk, and waits until it is there. Throws
   * `ERR_MMFILE_UNSUPPORTED` for a file in memory.
   */
  flush(): void {
    native.flush(this.#file.handle)
  }

  /**
   * Which handles are open, in any process: a row for each, this one included, never one of a process
   * that is gone. When the table is full, further handles work and are not shown. It costs a system call
   * for each row. Throws `ERR_MMFILE_CLOSED`.
   */
  peers(): Peer[] {
    return native.peers(this.#file.handle).map(({ readOnly, since, isSelf, ...peer }) => ({
      ...peer,
      access: readOnly ? 'read' : 'read-write',
      since: toDate(since),
      self: isSelf,
    }))
  }

  /**
   * Closes this handle. Pending waits reject, the lock is released, views become empty. If it is the
   * creator's, nothing new can open the file. Doing it again changes nothing.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    operations.close(this.#file.handle)
    this.#views?.close()
    this.#lock?.close()
    this.#waits?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  [inspect.custom](_depth: number, options: object): string {
    const { id, capacity, isCreator, access } = this
    return `MmFile ${inspect({ id, capacity, isCreator, access, ...this.#state() }, options)}`
  }

  /** How full it is; where that cannot be told, why: printing a file never throws. */
  #state(): object {
    if (this.#closed) return { closed: true }
    try {
      return { length: this.length, size: this.size }
    } catch (error) {
      return { error }
    }
  }

  #viewing(): Views {
    this.#views ??= new Views(this.#file.handle, this.#file.capacity)
    return this.#views
  }

  #waiting(): Waits {
    this.#waits ??= new Waits(this, this.#file.handle)
    return this.#waits
  }

  #locking(): SharedLock {
    this.#lock ??= new SharedLock(this, this.#file.handle, this.#file.lockTimeout)
    return this.#lock
  }

  #check(): void {
    if (this.#closed) throw closed()
  }
}
