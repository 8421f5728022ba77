import { checkFunction, checkId, checkOptions } from './arguments.js'
import { doNotClone } from './clone.js'
import { type LockGuard, SharedLock } from './lock.js'
import { native } from './native.js'
import { manage, unmanage } from './open-files.js'
import type { LockOptions, LockWaitOptions } from './types.js'

/** Only this module makes instances. */
const token = Symbol('NamedMutex')

/**
 * A lock that processes share by its name and that survives its holder. It is there as long as
 * anybody has it open. It is not re-entrant.
 */
export class NamedMutex {
  readonly #handle: number
  readonly #name: string
  readonly #created: boolean
  readonly #lock: SharedLock
  #closed = false

  /** Opens the mutex of that name (1 to 64 `[A-Za-z0-9._-]`), or makes it, in one step. */
  static open(name: string): NamedMutex {
    return NamedMutex.#open(name, false)
  }

  /** Opens the mutex of that name. Throws `ERR_MMFILE_NOT_FOUND` if nobody has one open. */
  static openExisting(name: string): NamedMutex {
    return NamedMutex.#open(name, true)
  }

  static #open(name: string, existing: boolean): NamedMutex {
    const { handle, created } = native.openMutex(checkId(name, 'name'), existing)
    return new NamedMutex(token, handle, name, created)
  }

  private constructor(made: symbol, handle: number, name: string, created: boolean) {
    if (made !== token) throw new TypeError('use NamedMutex.open or openExisting')
    this.#handle = handle
    this.#name = name
    this.#created = created
    this.#lock = new SharedLock(this, handle, Number.POSITIVE_INFINITY)
    doNotClone(this, 'NamedMutex', 'name')
    manage(this, handle)
  }

  /** The name by which other processes open it. */
  get name(): string {
    return this.#name
  }

  /** Whether this handle made it. */
  get created(): boolean {
    return this.#created
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
    unmanage(this)
    native.close(this.#handle)
    this.#lock.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}
