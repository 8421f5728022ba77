import { checkFunction, checkOptions } from './arguments.js'
import { closed, fail, invalidValue, lockTimedOut, type MmFileError } from './errors.js'
import { native, operations } from './native.js'
import type { SyncWaitOptions, WaitOptions } from './types.js'
import {
  block,
  checkSyncWait,
  checkWait,
  type Pending,
  pend,
  SYNC_WAIT_OPTIONS,
  WAIT_OPTIONS,
} from './waits.js'

/** Releases a lock; `abandons`: the next holder finds it abandoned. Whether it was held. */
type Release = (abandons: boolean) => boolean

/** Releases a lock whose guard was lost without `release()`, and emits a warning. */
const lost = new FinalizationRegistry<Release>((release) => {
  if (!release(true)) return
  process.emitWarning('a lock guard was garbage-collected without release()', {
    code: 'MMFILE_GUARD_LOST',
  })
})

/** Makes the collection of the guard release the lock. */
let watched: (guard: LockGuard) => LockGuard
/** Releases the lock of a guard whose section did not come to its end. */
let abandon: (guard: LockGuard) => void

/**
 * A lock that is held until it is released. One that is collected without that releases the lock, with the
 * process warning `MMFILE_GUARD_LOST`.
 */
export class LockGuard {
  static {
    watched = (guard) => {
      if (guard.#release !== undefined && !guard.#watched) {
        lost.register(guard, guard.#release, guard)
        guard.#watched = true
      }
      return guard
    }
    abandon = (guard) => guard.#end(true)
  }

  /**
   * Whether the last holder ended inside its section: it was killed, exited, its worker was terminated, its
   * `withLock` callback threw, or its guard was collected. Half-written segments have been repaired.
   */
  readonly abandoned: boolean
  #release: Release | undefined
  #watched = false

  /** @internal `release` must not keep the guard, and keeps what is locked. */
  constructor(abandoned: boolean, release: Release) {
    this.abandoned = abandoned
    this.#release = release
  }

  /**
   * Lets the next one in. Doing it again changes nothing.
   *
   * Throws `ERR_MMFILE_LOCK_HELD` inside of `appendWith`.
   *
   * @example
   * guard.release()
   */
  release(): void {
    this.#end(false)
  }

  #end(abandons: boolean): void {
    const release = this.#release
    if (release === undefined) return
    release(abandons)
    this.#release = undefined
    if (this.#watched) lost.unregister(this)
  }

  /**
   * Releases it at the end of a block.
   *
   * @example
   * using guard = file.lockSync()
   */
  [Symbol.dispose](): void {
    this.release()
  }
}

/** The lock of one open file or mutex. */
export class SharedLock {
  readonly #handle: number
  /** The object that the lock belongs to, for error messages. */
  readonly #subject: string
  /** Whom a guard keeps from being garbage-collected, which would close it. */
  readonly owner: object
  /** Not a closure of `lock`: that would keep its promise, and so the guard. */
  readonly #giveUp: Release = (abandons) => {
    if (!this.#closed) native.releaseHeld(this.#handle, abandons)
    return !this.#closed // closing has released it
  }
  readonly #unlock: Release = (abandons) => {
    if (!this.#closed) operations.unlock(this.#handle, abandons)
    return !this.#closed
  }
  #pending: Pending<LockGuard> | undefined
  #closed = false

  constructor(owner: object, handle: number, subject: string) {
    this.owner = owner
    this.#handle = handle
    this.#subject = subject
  }

  /** The lock if it is free. */
  tryLock(): LockGuard | undefined {
    const guard = this.#take(0)
    return guard === undefined ? undefined : watched(guard)
  }

  /** The lock on this thread, which waits for it. */
  lockSync(options: SyncWaitOptions | undefined): LockGuard {
    return watched(this.#takeOrThrow(options))
  }

  /** Calls `work` while this thread has the lock. */
  withLockSync<T>(work: (guard: LockGuard) => T, options: SyncWaitOptions | undefined): T {
    checkFunction('work', work)
    const guard = this.#takeOrThrow(options)
    try {
      const result = work(guard)
      if (isThenable(result)) {
        throw invalidValue('work', 'must not return a promise: use withLock() for that', result)
      }
      guard.release()
      return result
    } catch (error) {
      abandon(guard)
      throw error
    }
  }

  /** Takes the lock. A separate thread waits for it and holds it, so that this one keeps running. */
  lock(options: WaitOptions | undefined): Promise<LockGuard> {
    try {
      const wait = checkWait(checkOptions(options, WAIT_OPTIONS))
      // The holder's thread keeps the time.
      return pend({ ...wait, timeout: Number.POSITIVE_INFINITY }, this.#timedOut, (pending) => {
        this.#check()
        native.hold(this.#handle, wait.timeout, wait.ref, (how) => {
          if (how instanceof Error) pending.reject(how)
          else if (how === 0) pending.reject(this.#timedOut())
          else if (this.#pending === pending) {
            pending.resolve(watched(new LockGuard(how === 2, this.#giveUp)))
          }
        })
        this.#pending = pending
        return (gaveUp) => {
          // By then the lock may be another call's.
          if (this.#pending !== pending) return
          this.#pending = undefined
          if (gaveUp) this.#giveUp(false)
        }
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Calls `work` while the lock is held; until its promise has settled, if it returns one. */
  async withLock<T>(
    work: (guard: LockGuard) => T | PromiseLike<T>,
    options: WaitOptions | undefined,
  ): Promise<T> {
    checkFunction('work', work)
    const guard = await this.lock(options)
    try {
      const result = await work(guard)
      guard.release()
      return result
    } catch (error) {
      abandon(guard)
      throw error
    }
  }

  /** The handle is closed, and the lock was released with it. */
  close(): void {
    this.#closed = true
    const pending = this.#pending
    this.#pending = undefined
    pending?.reject(closed(this.#subject))
  }

  #takeOrThrow(options: SyncWaitOptions | undefined): LockGuard {
    const guard = this.#take(checkSyncWait(checkOptions(options, SYNC_WAIT_OPTIONS)))
    if (guard === undefined) throw this.#timedOut()
    return guard
  }

  #take(timeout: number): LockGuard | undefined {
    this.#check()
    const how = block(timeout, (milliseconds) => {
      const how = operations.lock(this.#handle, milliseconds)
      return how === 0 ? undefined : how
    })
    return how === undefined ? undefined : new LockGuard(how === 2, this.#unlock)
  }

  #check(): void {
    if (this.#closed) throw closed(this.#subject)
    // Also where the end of the wait is known to its thread already, and not yet here.
    if (this.#pending !== undefined) throw held(this.#subject)
  }

  #timedOut = (): MmFileError => {
    return lockTimedOut(this.#subject, native.lockHolder(this.#handle) ?? undefined)
  }
}

function held(subject: string): MmFileError {
  const message = 'this handle is waiting for the lock already: wait for that first'
  return fail('ERR_MMFILE_LOCK_HELD', subject, message, { pid: process.pid })
}

function isThenable(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
