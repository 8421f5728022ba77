import type { NativeMutex } from '../../index.js'
import {
  checkDirectory,
  checkFunction,
  checkId,
  checkOptions,
  checkPrefix,
  checkTime,
} from '../shared/arguments.js'
import { doNotClone } from '../shared/clone.js'
import { defaults } from '../shared/defaults.js'
import { type LockGuard, SharedLock } from '../shared/lock.js'
import { native, operations } from '../shared/native.js'
import { manage } from '../shared/open-files.js'
import type { LockOptions, LockWaitOptions, MutexOptions } from '../shared/types.js'

/** Only this module makes instances. */
const token = Symbol('NamedMutex')

/**
 * A lock that processes share by its name and that survives its holder. It is there as long as
 * a process has it open. It is not re-entrant.
 */
export class NamedMutex {
  readonly #mutex: NativeMutex
  readonly #lock: SharedLock
  #closed = false

  /**
   * Opens the mutex of that name (1 to 64 `[A-Za-z0-9._-]`), or creates it, in one step which never
   * races: `isCreator` tells which it was.
   *
   * Throws `ERR_MMFILE_ACCESS`, `ERR_MMFILE_INCOMPATIBLE`, `ERR_MMFILE_NO_SPACE`,
   * `ERR_MMFILE_UNSUPPORTED` if its folder cannot hold it.
   */
  static open(name: string, options?: MutexOptions): NamedMutex {
    return NamedMutex.#open(name, false, checkOptions(options))
  }

  /** Opens the mutex of that name. Throws `ERR_MMFILE_NOT_FOUND` if no process has one open. */
  static openExisting(name: string, options?: MutexOptions): NamedMutex {
    return NamedMutex.#open(name, true, checkOptions(options))
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
    this.#lock = new SharedLock(this, mutex.handle, Number.POSITIVE_INFINITY)
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
   * Blocks this thread until it has the lock. Throws `ERR_MMFILE_TIMEOUT`, or
   * `ERR_MMFILE_LOCK_HELD` if this handle or thread has it already.
   */
  lockSync(options?: LockOptions): LockGuard {
    return this.#lock.lockSync(checkOptions(options))
  }

  /** The lock if it is free now, else `null`. Throws `ERR_MMFILE_LOCK_HELD` as `lockSync` does. */
  tryLock(): LockGuard | null {
    return this.#lock.tryFor(0)
  }

  /**
   * The lock, waited for and held by a thread of its own, so that this one goes on meanwhile.
   *
   * Rejects with `ERR_MMFILE_TIMEOUT`, `ERR_MMFILE_LOCK_HELD`, `ERR_MMFILE_CLOSED` or an
   * `AbortError`.
   */
  async lock(options?: LockWaitOptions): Promise<LockGuard> {
    return this.#lock.lock(checkOptions(options))
  }

  /** Calls `work` while the lock is held; until its promise has settled, if it answers one. */
  withLock<T>(work: (guard: LockGuard) => T, options?: LockOptions): T {
    checkFunction('work', work)
    return this.#lock.with(work, checkOptions(options))
  }

  /** Closes this handle and releases the lock if it has it. Doing it again changes nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    operations.close(this.#mutex.handle)
    this.#lock.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}
