import { inspect } from 'node:util'
import type { NativeFile } from '../index.js'
import {
  checkBoolean,
  checkFunction,
  checkId,
  checkLockTimeout,
  checkOneOf,
  checkOptions,
  checkPrefixes,
  checkSignal,
  checkTarget,
  checkTime,
  checkValue,
  checkValues,
  checkWhole,
} from './arguments.js'
import { closed } from './errors.js'
import { type LockGuard, SectionLock, SLICE } from './lock.js'
import { native, operations } from './native.js'
import { manage, unmanage } from './open-files.js'
import type {
  Access,
  CommonOptions,
  CreateOptions,
  CreateOrOpenOptions,
  LockOptions,
  OpenOptions,
  Value,
  WaitOptions,
  WaitSyncOptions,
} from './types.js'
import { Views } from './views.js'
import { timedOut, Waits } from './waits.js'

/** What `checkCommon` makes of the options that every way to open a file takes. */
interface Settings {
  synchronized: boolean
  lockTimeout: number
  access: Access
}

/** Only this module makes instances. */
const token = Symbol('MmFile')

/**
 * An append-only list of segments in named shared memory, guarded by a lock that every process
 * shares and that survives its holder.
 */
export class MmFile {
  readonly #file: NativeFile
  readonly #settings: Settings
  readonly #views: Views
  readonly #waits: Waits
  readonly #lock: SectionLock
  #closed = false

  /**
   * Makes a file of `capacity` bytes, size words included, with all of its memory reserved.
   *
   * Throws `ERR_MMFILE_EXISTS` if the id is in use, `ERR_MMFILE_NO_SPACE` if there is not that much
   * memory.
   */
  static createNew(capacity: number, options?: CreateOptions): MmFile {
    checkWhole('capacity', capacity, 1)
    const given: Partial<CreateOptions> = checkOptions(options)
    const id = given.id === undefined ? '' : checkId(given.id)
    const lifetimes = ['creator', 'last-process'] as const
    const lifetime = checkOneOf('options.lifetime', given.lifetime, lifetimes, 'creator')
    const settings = checkCommon(given)
    const file = native.createNew(
      nativeOptions(id, capacity, settings, given, lifetime === 'last-process'),
    )
    return new MmFile(token, file, settings)
  }

  /**
   * Opens the file of that id. A UUID may be in any case, with or without braces.
   *
   * Throws `ERR_MMFILE_NOT_FOUND` if there is none, `ERR_MMFILE_ACCESS` if it is another user's,
   * `ERR_MMFILE_INCOMPATIBLE` if another version, architecture or C library made it.
   */
  static openExisting(id: string, options?: OpenOptions): MmFile {
    checkId(id)
    const given: Partial<OpenOptions> = checkOptions(options)
    const accesses = ['read-write', 'read'] as const
    const access = checkOneOf('options.access', given.access, accesses, 'read-write')
    const settings = { ...checkCommon(given), access }
    const file = native.openExisting(nativeOptions(id, 0, settings, given))
    return new MmFile(token, file, settings)
  }

  /**
   * Opens the file of that id, or makes it if there is none: in one step, which never races.
   * `created` tells which it was. The capacity counts only when it creates; the lifetime is
   * `'last-process'`.
   */
  static createOrOpen(id: string, capacity: number, options?: CreateOrOpenOptions): MmFile {
    checkId(id)
    checkWhole('capacity', capacity, 1)
    const given: Partial<CreateOrOpenOptions> = checkOptions(options)
    const settings = checkCommon(given)
    const file = native.createOrOpen(nativeOptions(id, capacity, settings, given, true))
    return new MmFile(token, file, settings)
  }

  private constructor(made: symbol, file: NativeFile, settings: Settings) {
    if (made !== token) {
      throw new TypeError('use MmFile.createNew, openExisting or createOrOpen')
    }
    this.#file = file
    this.#settings = settings
    this.#views = new Views(file.handle, file.capacity)
    this.#waits = new Waits(file.handle)
    this.#lock = new SectionLock(file.handle, settings.lockTimeout)
    manage(this, file.handle)
  }

  /** The id by which other processes open the file. */
  get id(): string {
    return this.#file.id
  }

  /** The bytes that the segments and their size words may take together. */
  get capacity(): number {
    return this.#file.capacity
  }

  /** Whether this handle made the file. */
  get created(): boolean {
    return this.#file.created
  }

  /** Whether operations take the lock. */
  get synchronized(): boolean {
    return this.#settings.synchronized
  }

  /** What this handle may do. */
  get access(): Access {
    return this.#settings.access
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
    return operations.readBytes(this.#file.handle, checkWhole('index', index))
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
    return this.#views.view(checkWhole('index', index))
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

  /**
   * Resolves once there is a segment `index`, in whichever process it is appended. It polls nothing
   * and keeps the event loop alive.
   *
   * Rejects with `ERR_MMFILE_TIMEOUT`, with `ERR_MMFILE_SEALED` if the segment can never come, with
   * `ERR_MMFILE_CLOSED` when this handle is closed, or with an `AbortError`.
   */
  async waitFor(index: number, options?: WaitOptions): Promise<void> {
    const given: Partial<WaitOptions> = checkOptions(options)
    checkWhole('index', index)
    const timeout = checkTime('options.timeout', given.timeout)
    const signal = checkSignal(given.signal)
    this.#check()
    return this.#waits.waitFor(index, { timeout, signal })
  }

  /** Blocks this thread until there is a segment `index`. Throws what `waitFor` rejects with. */
  waitForSync(index: number, options?: WaitSyncOptions): void {
    const given: Partial<WaitSyncOptions> = checkOptions(options)
    checkWhole('index', index)
    const timeout = checkTime('options.timeout', given.timeout)
    const spin = checkTime('options.spin', given.spin, 0)
    const { handle } = this.#file
    if (operations.waitSync(handle, index, Math.min(timeout, SLICE), spin)) return
    const end = performance.now() + timeout - Math.min(timeout, SLICE)
    for (;;) {
      const left = end - performance.now()
      if (left <= 0) throw timedOut(index)
      if (operations.waitSync(handle, index, Math.min(left, SLICE), 0)) return
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
    return this.#lock.with(work, checkOptions(options))
  }

  /** The lock if it is free now, else `null`. Throws `ERR_MMFILE_LOCK_HELD` if this handle has it. */
  tryLock(): LockGuard | null {
    return this.#lock.acquire(0)
  }

  /**
   * Closes this handle. Pending waits reject, the lock is released, views become empty. If it is the
   * creator's, nothing new can open the file. Doing it again changes nothing.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    unmanage(this)
    this.#lock.close()
    native.close(this.#file.handle)
    this.#waits.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  [inspect.custom](_depth: number, options: object): string {
    const { id, capacity, created, access } = this
    const state = this.#closed ? { closed: true } : { length: this.length, size: this.size }
    return `MmFile ${inspect({ id, capacity, created, access, ...state }, options)}`
  }

  #check(): void {
    if (this.#closed) throw closed()
  }
}

function checkCommon(given: CommonOptions): Settings {
  return {
    synchronized: checkBoolean('options.synchronized', given.synchronized, true),
    lockTimeout: checkLockTimeout(given.lockTimeout),
    access: 'read-write',
  }
}

function nativeOptions(
  id: string,
  capacity: number,
  settings: Settings,
  given: CommonOptions,
  lastProcess = false,
) {
  const prefixes = checkPrefixes(given.prefixes)
  return {
    id,
    capacity,
    lastProcess,
    synchronized: settings.synchronized,
    readOnly: settings.access === 'read',
    lockTimeout: settings.lockTimeout,
    dataPrefix: prefixes.data,
    mutexPrefix: prefixes.mutex,
  }
}

