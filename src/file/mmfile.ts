import type { Readable, Writable } from 'node:stream'
import { inspect } from 'node:util'
import {
  checkFunction,
  checkTarget,
  checkValue,
  checkValues,
  checkWhole,
} from '../shared/arguments.js'
import { doNotClone } from '../shared/clone.js'
import { closed } from '../shared/errors.js'
import { filling } from '../shared/fill.js'
import { Flushes } from '../shared/flush.js'
import { type LockGuard, SharedLock } from '../shared/lock.js'
import { native, operations } from '../shared/native.js'
import { manage } from '../shared/open-files.js'
import { toPeer } from '../shared/rows.js'
import type {
  Access,
  Bytes,
  CreateFileOptions,
  CreateOptions,
  CreateOrOpenOptions,
  Fill,
  FlushOptions,
  OpenFileOptions,
  OpenOptions,
  Peer,
  ReadStreamOptions,
  SegmentForm,
  SegmentForms,
  SegmentsOptions,
  SegmentWaitOptions,
  SegmentWaitSyncOptions,
  SyncWaitOptions,
  TextEncodingName,
  Value,
  WaitOptions,
  WriteStreamOptions,
} from '../shared/types.js'
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
import { checkSegmentWait, checkSegmentWaitSync, SegmentWaits } from './wait-for.js'

const token = Symbol('MmFile')

/**
 * An append-only list of segments in shared memory or on disk, guarded by a lock that every process shares
 * and that survives its holder.
 *
 * A handle belongs to the thread that opened it. Every member but `close`, `closed` and what the handle was
 * opened with throws `ERR_MMFILE_CLOSED` after `close()`; a promise rejects with it.
 *
 * @example
 * using file = MmFile.createNew(1 << 20)
 * const child = fork('destination.mjs', [file.id])
 * file.append('a task')
 * await file.waitFor(1, { timeout: 30_000, requirePeer: true })
 * console.log(file.read(1))
 */
export class MmFile {
  readonly #file: Opened
  // Made when they are first asked for: most files are opened for some of them only.
  #views: Views | undefined
  #waits: SegmentWaits | undefined
  #lock: SharedLock | undefined
  #flushes: Flushes | undefined
  #closed = false

  /**
   * Creates a file in memory, with all of the memory reserved: it takes about 0.1 ms a MiB.
   *
   * Throws `ERR_MMFILE_EXISTS` if the id is in use, `ERR_MMFILE_NO_SPACE`, `ERR_MMFILE_ACCESS`.
   *
   * @param capacity bytes for the segments and a size word of 4 bytes before each
   * @param options its `id`, `lifetime`, `encoding` and the like
   * @example
   * const file = MmFile.createNew(64 << 20, { encoding: 'utf8' })
   */
  static createNew(capacity: number, options?: CreateOptions): MmFile {
    return new MmFile(token, createNew(capacity, options))
  }

  /**
   * Opens a file in memory.
   *
   * Throws `ERR_MMFILE_NOT_FOUND` if there is none, `ERR_MMFILE_ACCESS` if it is another user's,
   * `ERR_MMFILE_INCOMPATIBLE` if another version, architecture or C library made it.
   *
   * @param id the creator's `file.id`; a UUID may be in any case, with or without braces
   * @param options the same `directory`, `prefixes` and `encoding` as the creator's, and `access`
   * @example
   * const file = MmFile.openExisting(process.argv[2], { access: 'read' })
   */
  static openExisting(id: string, options?: OpenOptions): MmFile {
    return new MmFile(token, openExisting(id, options))
  }

  /**
   * Opens a file in memory, or creates it if there is none: in one atomic step. `isCreator` tells which
   * it was; the lifetime is `'last-process'`.
   *
   * Throws what `createNew` and `openExisting` throw, except `ERR_MMFILE_EXISTS` and `ERR_MMFILE_NOT_FOUND`.
   *
   * @param id a UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`
   * @param capacity bytes, if it is created
   * @param options as for `createNew`, without `id` and `lifetime`
   * @example
   * const log = MmFile.createOrOpen('log', 16 << 20)
   */
  static createOrOpen(id: string, capacity: number, options?: CreateOrOpenOptions): MmFile {
    return new MmFile(token, createOrOpen(id, capacity, options))
  }

  /**
   * Creates a file on disk, readable and writable for this user, with all of its blocks reserved. It stays
   * when it is closed.
   *
   * Throws `ERR_MMFILE_EXISTS` if something stands at the path, `ERR_MMFILE_NOT_FOUND` if its folder
   * does not exist, `ERR_MMFILE_NO_SPACE` if the disk is full, `ERR_MMFILE_ACCESS`.
   *
   * @param path a path or a `file:` URL
   * @param capacity bytes for the segments and their size words
   * @param options `synchronized`, `lockTimeout`, `encoding`
   * @example
   * const log = MmFile.createFile('events.log', 64 << 20, { encoding: 'utf8' })
   */
  static createFile(path: string | URL, capacity: number, options?: CreateFileOptions): MmFile {
    return new MmFile(token, createFile(path, capacity, options, false))
  }

  /**
   * Opens a file on disk that `createFile` made. One that may not be written can be opened with
   * `access: 'read'`; it is then polled now and then instead of being waited on.
   *
   * Throws `ERR_MMFILE_NOT_FOUND`, `ERR_MMFILE_ACCESS`, `ERR_MMFILE_CORRUPT` if it is shorter than it
   * was made, `ERR_MMFILE_INCOMPATIBLE` if it is not a file of this package.
   *
   * @param path a path or a `file:` URL
   * @param options the same `encoding` as the creator's, and `access`
   * @example
   * for (const line of MmFile.openFile('events.log', { encoding: 'utf8' })) console.log(line)
   */
  static openFile(path: string | URL, options?: OpenFileOptions): MmFile {
    return new MmFile(token, openFile(path, options))
  }

  /**
   * Opens a file on disk, or creates it if there is none: in one atomic step. `isCreator` tells which
   * it was.
   *
   * Throws what `createFile` and `openFile` throw; `ERR_MMFILE_NOT_FOUND` only if the folder does not exist.
   *
   * @param path a path or a `file:` URL
   * @param capacity bytes, if it is created
   * @param options `synchronized`, `lockTimeout`, `encoding`
   * @example
   * const log = MmFile.createOrOpenFile('events.log', 64 << 20)
   */
  static createOrOpenFile(
    path: string | URL,
    capacity: number,
    options?: CreateFileOptions,
  ): MmFile {
    return new MmFile(token, createFile(path, capacity, options, true))
  }

  private constructor(made: symbol, opened: Opened) {
    if (made !== token) {
      throw new TypeError('use MmFile.createNew, openExisting, createFile or the like')
    }
    this.#file = opened
    doNotClone(this, 'MmFile')
    manage(this, opened.handle)
  }

  /** The number that the native code has for it. */
  #native(): number {
    if (this.#closed) throw closed(this.#name())
    return this.#file.handle
  }

  /** The id by which other processes open the file; the path of one on disk. */
  get id(): string {
    return this.#file.id
  }

  /** The absolute path of a file on disk, without links; `undefined` for one in memory. */
  get path(): string | undefined {
    return this.#file.onDisk ? this.#file.id : undefined
  }

  /** Bytes that the segments and their size words, 4 bytes each, may take together. */
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

  /** Whether this handle may write. */
  get access(): Access {
    return this.#file.access
  }

  /** How strings become bytes, and bytes strings, with this handle. */
  get encoding(): TextEncodingName {
    return this.#file.encoding
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed
  }

  /** The number of segments, now, whichever process appended them. It costs 0.1 µs. */
  get length(): number {
    return operations.length(this.#native())
  }

  /** The bytes used, size words included, now. It costs 0.1 µs. */
  get size(): number {
    return operations.size(this.#native())
  }

  /** Whether the file takes no more segments. */
  get sealed(): boolean {
    return operations.sealed(this.#native())
  }

  /** How often this handle found the lock abandoned by a dead process and repaired the file. */
  get recovered(): number {
    return native.recovered(this.#native())
  }

  /**
   * Writes the next segment, whose index must be `index`: the check and the write are one critical section.
   *
   * Throws `ERR_MMFILE_SEGMENT_ORDER` if it is not the next one, and what `append` throws. Nothing has been
   * written then.
   *
   * @param index the `length` that the file must have
   * @param value text in the handle's encoding, or bytes
   * @example
   * file.write(0, 'the tasks')
   */
  write(index: number, value: Value): void {
    const { encoding } = this.#file
    operations.write(
      this.#native(),
      checkWhole('index', index),
      checkValue('value', value, encoding),
    )
  }

  /**
   * Appends one segment, atomically across processes. It costs about a microsecond, and a copy of the bytes.
   *
   * Throws `ERR_MMFILE_CAPACITY` (with `needed` and `available`), `ERR_MMFILE_SEALED`,
   * `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_LOCK_HELD` inside of `appendWith`, and `ERR_MMFILE_TIMEOUT` if the
   * lock cannot be had within `lockTimeout`. Nothing has been written then.
   *
   * @param value text in the handle's encoding, or bytes
   * @returns the index of the segment
   * @example
   * const index = file.append(JSON.stringify({ temperature: 21.5 }))
   */
  append(value: Value): number {
    return operations.append(this.#native(), checkValue('value', value, this.#file.encoding))
  }

  /**
   * Appends all values with consecutive indices, or none of them.
   *
   * Throws what `append` throws. Nothing has been written then.
   *
   * @param values texts and bytes; taken all before the first is written
   * @returns the index of the first
   * @example
   * const first = file.appendAll(['header', new Uint8Array(1024)])
   */
  appendAll(values: Iterable<Value>): number {
    return operations.appendAll(this.#native(), checkValues(values, this.#file.encoding))
  }

  /**
   * Appends one segment that a function writes straight into the shared memory, while the lock is held: the
   * bytes are not copied. (Those of a file on disk are, once, since only a copy can report a full disk.)
   *
   * Throws what `append` and `fill` throw; `ERR_INVALID_ARG_VALUE` if `fill` returns a promise. Nothing has
   * been written then. Inside of `fill`, writing to this file, closing it, and taking or releasing its lock
   * throw `ERR_MMFILE_LOCK_HELD`.
   *
   * @param byteLength the size of the segment in bytes, or the most that it may have
   * @param fill gets a `Uint8Array` of that size, which holds anything at first and is empty afterwards;
   *   returns the length to keep, or nothing for all of it
   * @returns the index of the segment
   * @example
   * file.appendWith(1024, (target) => encoder.encodeInto(text, target).written)
   */
  appendWith(byteLength: number, fill: Fill): number {
    checkWhole('byteLength', byteLength)
    checkFunction('fill', fill)
    return operations.appendWith(this.#native(), byteLength, filling(byteLength, fill))
  }

  /**
   * Ends the file: it takes no more segments, iterations end, and waits for later segments reject. Doing it
   * again changes nothing.
   *
   * Throws `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_TIMEOUT`, `ERR_MMFILE_LOCK_HELD` inside of `appendWith`.
   *
   * @example
   * file.seal()
   */
  seal(): void {
    operations.seal(this.#native())
  }

  /**
   * A segment as a string in the handle's encoding. It takes no lock; it costs a fraction of a microsecond,
   * and a copy.
   *
   * Throws `ERR_MMFILE_SEGMENT_RANGE` if there is no such segment yet, `ERR_MMFILE_NOT_TEXT` if its bytes
   * are no text of that encoding, `ERR_MMFILE_CORRUPT`. Any even number of bytes is UTF-16 text: read UTF-8
   * text of other programs with `encoding: 'utf8'` or `readBytes`.
   *
   * @param index from 0
   * @example
   * const text = file.read(0)
   */
  read(index: number): string {
    return operations.readText(this.#native(), checkWhole('index', index))
  }

  /**
   * A copy of a segment's bytes. Throws `ERR_MMFILE_SEGMENT_RANGE`, `ERR_MMFILE_CORRUPT`.
   *
   * @param index from 0
   * @example
   * const numbers = new Float64Array(Uint8Array.from(file.readBytes(0)).buffer)
   */
  readBytes(index: number): Buffer {
    return readBytes(this.#native(), checkWhole('index', index))
  }

  /**
   * Copies a segment's bytes into memory that is there already.
   *
   * Throws `ERR_OUT_OF_RANGE`, with nothing copied, if there is no room; `ERR_MMFILE_SEGMENT_RANGE`,
   * `ERR_MMFILE_CORRUPT`.
   *
   * @param index from 0
   * @param target where they go
   * @param targetOffset the first byte of `target` that is written. Default 0
   * @returns how many bytes there were
   * @example
   * const size = file.readInto(0, buffer)
   */
  readInto(index: number, target: Bytes, targetOffset = 0): number {
    return operations.readInto(
      this.#native(),
      checkWhole('index', index),
      checkTarget(target),
      checkWhole('targetOffset', targetOffset),
    )
  }

  /**
   * A segment's bytes without a copy: a window on shared memory, for reading only. It becomes empty when
   * the file is closed. Post or transfer a copy of it, never the view itself.
   *
   * Throws `ERR_MMFILE_SEGMENT_RANGE`, `ERR_MMFILE_CORRUPT`, `ERR_MMFILE_UNSUPPORTED` in a runtime without
   * external buffers.
   *
   * @param index from 0
   * @example
   * const sum = file.view(0).reduce((sum, byte) => sum + byte, 0)
   */
  view(index: number): Uint8Array {
    this.#native() // throws once it is closed
    return this.#viewing().view(checkWhole('index', index))
  }

  /**
   * The number of bytes in a segment. Throws `ERR_MMFILE_SEGMENT_RANGE`, `ERR_MMFILE_CORRUPT`.
   *
   * @param index from 0
   * @example
   * const buffer = Buffer.alloc(file.byteLength(0))
   */
  byteLength(index: number): number {
    return operations.byteLength(this.#native(), checkWhole('index', index))
  }

  /**
   * The strings that are there now. It throws what `read` throws.
   *
   * @example
   * const texts = [...file]
   */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    const length = this.length
    for (let index = 0; index < length; index += 1) yield this.read(index)
  }

  /**
   * The strings that are there and those that will come, until the file is sealed: `segments()` without
   * options.
   *
   * @example
   * for await (const text of file) console.log(text)
   */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    return this.segments()
  }

  /**
   * The segments that are there and those that will come, in whichever process they are appended, until the
   * file is sealed. However many are there, timers and I/O run at least every 10 ms.
   *
   * It throws what `waitFor` rejects with, and what reading the segment throws.
   *
   * @param options where it begins (`from`), what segments are read `as`, and how it waits: `timeout` is the
   *   longest pause between two segments
   * @example
   * for await (const bytes of file.segments({ from: 10, as: 'bytes', timeout: 5000 })) handle(bytes)
   */
  segments<F extends SegmentForm = 'value'>(
    options?: SegmentsOptions<F>,
  ): AsyncGenerator<SegmentForms[F], void, undefined> {
    const reading = checkSegments<F>(options)
    this.#native() // throws once it is closed
    return iterate(this, this.#waiting(), reading)
  }

  /**
   * The same as a Node.js stream in object mode: one segment a chunk, `as: 'bytes'` by default. It ends
   * when the file is sealed; an error of `segments` destroys it.
   *
   * @param options as for `segments`, and `highWaterMark`: the number of segments read ahead
   * @example
   * await pipeline(file.createReadStream(), createWriteStream('copy'))
   */
  createReadStream(options?: ReadStreamOptions): Readable {
    this.#native() // throws once it is closed
    return readStream(this, this.#waiting(), options)
  }

  /**
   * A Node.js stream that appends every chunk as a segment. An error of `append` destroys it.
   *
   * @param options `seal: true` seals the file when the stream finishes
   * @example
   * await pipeline(createReadStream('camera.raw'), file.createWriteStream({ seal: true }))
   */
  createWriteStream(options?: WriteStreamOptions): Writable {
    this.#native() // throws once it is closed
    return writeStream(this, options)
  }

  /**
   * Resolves once there is a segment `index`, in whichever process it is appended. One that is there costs
   * 0.2 µs; one that comes is noticed after about 30 µs.
   *
   * Rejects with `ERR_MMFILE_TIMEOUT`, with `ERR_MMFILE_SEALED` if the segment can never come, with
   * `ERR_MMFILE_PEER_GONE` if that was asked for, with `ERR_MMFILE_CLOSED` when this handle is
   * closed, or with an `AbortError`.
   *
   * @param index from 0
   * @param options `timeout` and `spin` in milliseconds, `signal`, `ref`, `requirePeer`
   * @example
   * await file.waitFor(1, { timeout: 30_000, requirePeer: true })
   */
  waitFor(index: number, options?: SegmentWaitOptions): Promise<void> {
    try {
      const wait = checkSegmentWait(options)
      checkWhole('index', index)
      this.#native() // throws once it is closed
      return this.#waiting().waitFor(index, wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Blocks this thread until there is a segment `index`. Throws what `waitFor` rejects with.
   *
   * @param index from 0
   * @param options `timeout` and `spin` in milliseconds, `requirePeer`
   * @example
   * file.waitForSync(1, { timeout: 1000, spin: 0.05 })
   */
  waitForSync(index: number, options?: SegmentWaitSyncOptions): void {
    const wait = checkSegmentWaitSync(options)
    checkWhole('index', index)
    this.#native() // throws once it is closed
    this.#waiting().waitForSync(index, wait)
  }

  /**
   * Takes the file's lock for several operations of this handle, also over awaits. A separate thread waits
   * for the lock and holds it, so that this one keeps running. The lock is not re-entrant.
   *
   * Rejects with `ERR_MMFILE_TIMEOUT`, `ERR_MMFILE_LOCK_HELD` if this handle has the lock or waits for it,
   * `ERR_MMFILE_CLOSED` or an `AbortError`.
   *
   * @param options `timeout` in milliseconds, `signal`, `ref`
   * @example
   * using guard = await file.lock({ timeout: 1000 })
   */
  lock(options?: WaitOptions): Promise<LockGuard> {
    return this.#locking().lock(options)
  }

  /**
   * The same, blocking this thread until it has the lock: about a microsecond, if it is free.
   *
   * Throws `ERR_MMFILE_TIMEOUT`; `ERR_MMFILE_LOCK_HELD` if this handle or thread has the lock, or `lock()`
   * waits for it.
   *
   * @param options `timeout` in milliseconds
   * @example
   * using guard = file.lockSync()
   */
  lockSync(options?: SyncWaitOptions): LockGuard {
    return this.#locking().lockSync(options)
  }

  /**
   * The lock, or `undefined` if another handle has it now. Throws `ERR_MMFILE_LOCK_HELD` as `lockSync` does.
   *
   * @example
   * using guard = file.tryLock()
   * if (guard === undefined) return
   */
  tryLock(): LockGuard | undefined {
    return this.#locking().tryLock()
  }

  /**
   * Calls `work` while the lock is held, until the promise that it returns has settled. If `work` throws
   * or rejects, the result rejects with the same error, and the next holder finds the lock abandoned.
   *
   * Rejects with the errors of `lock`.
   *
   * @param work what is done; gets the guard
   * @param options `timeout` in milliseconds for the lock, `signal`, `ref`
   * @returns what `work` returns
   * @example
   * await file.withLock(async () => file.append(await summary(file)))
   */
  withLock<T>(work: (guard: LockGuard) => T | PromiseLike<T>, options?: WaitOptions): Promise<T> {
    return this.#locking().withLock(work, options)
  }

  /**
   * The same, blocking this thread.
   *
   * Throws what `lockSync` throws; `ERR_INVALID_ARG_VALUE` if `work` returns a promise.
   *
   * @param work what is done; gets the guard
   * @param options `timeout` in milliseconds for the lock
   * @returns what `work` returns
   * @example
   * const index = file.withLockSync(() => file.append(`${file.length}`))
   */
  withLockSync<T>(
    work: (guard: LockGuard) => T extends PromiseLike<unknown> ? never : T,
    options?: SyncWaitOptions,
  ): T {
    return this.#locking().withLockSync(work, options)
  }

  /**
   * Resolves once everything appended so far is on the disk and survives a crash of the machine. A
   * separate thread waits for the disk, which takes milliseconds; that cannot be cancelled.
   *
   * Rejects with `ERR_MMFILE_UNSUPPORTED` for a file in memory, `ERR_MMFILE_NO_SPACE` if the disk refuses,
   * `ERR_MMFILE_CLOSED`, or an `AbortError`.
   *
   * @param options `signal`, `ref`
   * @example
   * log.append('committed')
   * await log.flush()
   */
  flush(options?: FlushOptions): Promise<void> {
    try {
      const handle = this.#native()
      this.#flushes ??= new Flushes((ref, done) => native.flush(handle, ref, done), this.#name())
      return this.#flushes.flush(options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * The same, blocking this thread. Throws what `flush` rejects with.
   *
   * @example
   * log.flushSync()
   */
  flushSync(): void {
    native.flushSync(this.#native())
  }

  /**
   * Which handles are open, in any process: a row for each, this one included, never one of a process
   * that is gone. When the table is full, further handles work and are not shown. It costs a system
   * call for each row.
   *
   * @example
   * const readers = file.peers().filter(({ self }) => !self)
   */
  peers(): Peer[] {
    return native.peers(this.#native()).map(toPeer)
  }

  /**
   * Closes this handle. Pending calls reject with `ERR_MMFILE_CLOSED`, the lock is released, views become
   * empty. If it is the creator's, nothing new can open the file from then on. Doing it again changes
   * nothing. Throws `ERR_MMFILE_LOCK_HELD` inside of `appendWith`.
   *
   * @example
   * file.close()
   */
  close(): void {
    if (this.#closed) return
    operations.close(this.#file.handle)
    this.#closed = true
    this.#views?.close()
    this.#lock?.close()
    this.#waits?.close()
    this.#flushes?.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * using file = MmFile.createNew(1 << 20)
   */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * await using file = MmFile.createNew(1 << 20)
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** The text that `console.log` prints. @internal */
  [inspect.custom](_depth: number, options: object): string {
    const { id, capacity, isCreator, access, encoding } = this
    const shown = { id, capacity, isCreator, access, encoding, ...this.#state() }
    return `MmFile ${inspect(shown, options)}`
  }

  /** Its state, or the reason why that cannot be read: printing a file never throws. */
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

  #waiting(): SegmentWaits {
    this.#waits ??= new SegmentWaits(this, this.#file.handle, this.#name())
    return this.#waits
  }

  /** The object that error messages name. */
  #name(): string {
    return `file '${this.#file.id}'`
  }

  #locking(): SharedLock {
    this.#lock ??= new SharedLock(this, this.#file.handle, this.#name())
    if (this.#closed) this.#lock.close()
    return this.#lock
  }
}
