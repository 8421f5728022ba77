import { inspect } from 'node:util'
import type { NativeMutex } from '../../binding.js'
import {
  checkDirectory,
  checkId,
  checkOptions,
  checkPrefix,
  checkTime,
} from '../shared/arguments.js'
import { doNotClone } from '../shared/clone.js'
import { type LockGuard, SharedLock } from '../shared/lock.js'
import { defaults, native, operations } from '../shared/native.js'
import { manage } from '../shared/open-files.js'
import { toPeer } from '../shared/rows.js'
import type { MutexOptions, Peer, SyncWaitOptions, WaitOptions } from '../shared/types.js'

const MUTEX_OPTIONS = ['directory', 'prefix', 'lockTimeout'] as const

/** Only this module makes instances. */
const token = Symbol('NamedMutex')

/**
 * A lock that processes share by its name and that survives its holder. It is there as long as
 * a process has it open. It is not re-entrant.
 *
 * Every member but `close`, `closed`, `name` and `isCreator` throws `ERR_MMFILE_CLOSED` after `close()`; a
 * promise rejects with it.
 *
 * @example
 * using mutex = NamedMutex.open('my-app.migrations')
 * await mutex.withLock(migrate)
 */
export class NamedMutex {
  readonly #mutex: NativeMutex
  readonly #lock: SharedLock
  #closed = false

  /**
   * Opens the mutex of that name, or creates it, in one step which never races: `isCreator` tells which it
   * was.
   *
   * Throws `ERR_MMFILE_ACCESS`, `ERR_MMFILE_INCOMPATIBLE`, `ERR_MMFILE_NO_SPACE`,
   * `ERR_MMFILE_UNSUPPORTED` if its folder cannot hold it.
   *
   * @param name 1 to 64 `[A-Za-z0-9._-]`; mutexes have a separate name space
   * @param options `directory`, `prefix`, and `lockTimeout`: how long opening waits, in milliseconds
   * @example
   * const mutex = NamedMutex.open('my-app.cache')
   */
  static open(name: string, options?: MutexOptions): NamedMutex {
    return NamedMutex.#open(name, false, checkOptions(options, MUTEX_OPTIONS))
  }

  /**
   * Opens the mutex of that name. Throws `ERR_MMFILE_NOT_FOUND` if no process has one open, and what
   * `open` throws.
   *
   * @param name as for `open`
   * @param options as for `open`
   * @example
   * const mutex = NamedMutex.openExisting('my-app.cache')
   */
  static openExisting(name: string, options?: MutexOptions): NamedMutex {
    return NamedMutex.#open(name, true, checkOptions(options, MUTEX_OPTIONS))
  }

  static #open(name: string, existing: boolean, given: Partial<MutexOptions>): NamedMutex {
    checkId(name, 'name')
    const directory = checkDirectory(given.directory)
    const mutex = native.openMutex(name, {
      existing,
      ...(directory === undefined ? {} : { directory }),
      prefix: checkPrefix('options.prefix', given.prefix, defaults.mutexPrefix),
      lockTimeout: checkTime('options.lockTimeout', given.lockTimeout, defaults.lockTimeout),
    })
    return new NamedMutex(token, mutex)
  }

  private constructor(made: symbol, mutex: NativeMutex) {
    if (made !== token) throw new TypeError('use NamedMutex.open or openExisting')
    this.#mutex = mutex
    this.#lock = new SharedLock(this, mutex.handle, `mutex '${mutex.name}'`)
    doNotClone(this, 'NamedMutex')
    manage(this, mutex.handle)
  }

  /** The name by which other processes open it. */
  get name(): string {
    return this.#mutex.name
  }

  /** Whether this handle created it. */
  get isCreator(): boolean {
    return this.#mutex.isCreator
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Takes the lock. A separate thread waits for it and holds it, so that this one keeps running. It may be
   * held over awaits.
   *
   * Rejects with `ERR_MMFILE_TIMEOUT`, `ERR_MMFILE_LOCK_HELD` if this handle has the lock or waits for it,
   * `ERR_MMFILE_CLOSED` or an `AbortError`.
   *
   * @param options `timeout` in milliseconds, `signal`, `ref`
   * @example
   * using guard = await mutex.lock({ timeout: 1000 })
   */
  lock(options?: WaitOptions): Promise<LockGuard> {
    return this.#lock.lock(options)
  }

  /**
   * The same, blocking this thread until it has the lock: about a microsecond, if it is free.
   *
   * Throws `ERR_MMFILE_TIMEOUT`; `ERR_MMFILE_LOCK_HELD` if this handle or thread has the lock, or `lock()`
   * waits for it.
   *
   * @param options `timeout` in milliseconds
   * @example
   * using guard = mutex.lockSync()
   */
  lockSync(options?: SyncWaitOptions): LockGuard {
    return this.#lock.lockSync(options)
  }

  /**
   * The lock, or `undefined` if another handle has it now. Throws `ERR_MMFILE_LOCK_HELD` as `lockSync` does.
   *
   * @example
   * using guard = mutex.tryLock()
   * if (guard === undefined) return
   */
  tryLock(): LockGuard | undefined {
    return this.#lock.tryLock()
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
   * const rows = await mutex.withLock(() => readAndUpdate())
   */
  withLock<T>(work: (guard: LockGuard) => T | PromiseLike<T>, options?: WaitOptions): Promise<T> {
    return this.#lock.withLock(work, options)
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
   * mutex.withLockSync(() => writeFileSync('state.json', state))
   */
  withLockSync<T>(
    work: (guard: LockGuard) => T extends PromiseLike<unknown> ? never : T,
    options?: SyncWaitOptions,
  ): T {
    return this.#lock.withLockSync(work, options)
  }

  /**
   * The open handles of all processes: a row for each, this one included, never one of a process that is gone.
   * `holdsLock` tells which one has the lock. It costs a system call for each row.
   *
   * @example
   * const holder = mutex.peers().find(({ holdsLock }) => holdsLock)?.pid
   */
  peers(): Peer[] {
    return native.peers(this.#mutex.handle).map(toPeer)
  }

  /**
   * Closes this handle and releases the lock if it has it. Pending calls reject with `ERR_MMFILE_CLOSED`.
   * Doing it again changes nothing.
   *
   * @example
   * mutex.close()
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    operations.close(this.#mutex.handle)
    this.#lock.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * using mutex = NamedMutex.open('my-app.cache')
   */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * await using mutex = NamedMutex.open('my-app.cache')
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** The text that `console.log` prints. @internal */
  [inspect.custom](_depth: number, options: object): string {
    const { name, isCreator, closed } = this
    return `NamedMutex ${inspect({ name, isCreator, ...(closed ? { closed } : {}) }, options)}`
  }
}
