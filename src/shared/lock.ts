import { checkTime } from './arguments.js'
import { now } from './clock.js'
import { closed, MmFileError } from './errors.js'
import { native, operations } from './native.js'
import { checkSignal, onAbort, throwIfAborted } from './signals.js'
import type { LockOptions, LockWaitOptions } from './types.js'

/**
 * The longest time in native code at a stretch. In between, the engine can end a worker that is
 * being terminated.
 */
export const SLICE = 50

/** Releases a lock; `abandons`: the next holder finds it abandoned. Whether it was held. */
type Release = (abandons: boolean) => boolean

/** Frees a lock whose guard was lost without being released, and says so. */
const lost = new FinalizationRegistry<Release>((release) => {
  if (!release(true)) return
  process.emitWarning('a lock guard was garbage-collected without release()', {
    code: 'MMFILE_GUARD_LOST',
  })
})

/** Has the lock released when the guard is collected. */
let watched: (guard: LockGuard) => LockGuard
/** Releases the lock of a guard whose section did not come to its end. */
let abandon: (guard: LockGuard) => void

/** A lock that is held until it is released. */
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
   * `withLock` callback threw, or its guard was collected. What it left of segments has been repaired.
   */
  readonly abandoned: boolean
  #release: Release | undefined
  #watched = false

  /** @internal `release` must not keep the guard, and keeps what is locked. */
  constructor(abandoned: boolean, release: Release) {
    this.abandoned = abandoned
    this.#release = release
  }

  /** Lets the next one in. Doing it again changes nothing. */
  release(): void {
    this.#end(false)
  }

  #end(abandons: boolean): void {
    const release = this.#release
    if (release === undefined) return
    this.#release = undefined
    if (this.#watched) lost.unregister(this)
    release(abandons)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** A `lock()` that has not been answered yet. */
interface Pending {
  reject(error: unknown): void
}

/** The lock of one open file or mutex. */
export class SharedLock {
  readonly #handle: number
  readonly #timeout: number
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
  #pending: Pending | undefined
  #closed = false

  /** `timeout` is for those who say nothing, in milliseconds. */
  constructor(owner: object, handle: number, timeout: number) {
    this.owner = owner
    this.#handle = handle
    this.#timeout = timeout
  }

  /** The lock on this thread, if it can be had in that many milliseconds. */
  tryFor(timeout: number): LockGuard | null {
    const guard = this.#take(timeout)
    return guard === null ? null : watched(guard)
  }

  /** The lock on this thread. */
  lockSync(options: Partial<LockOptions>): LockGuard {
    return watched(this.#takeOrThrow(options))
  }

  /** Calls `work` while the lock is held; until its promise has settled, if it answers one. */
  with<T>(work: (guard: LockGuard) => T, options: Partial<LockOptions>): T {
    const guard = this.#takeOrThrow(options)
    try {
      const result = work(guard)
      if (isThenable(result)) {
        watched(guard) // a promise may be lost before it has settled
        return ending(guard, result) as T
      }
      guard.release()
      return result
    } catch (error) {
      abandon(guard)
      throw error
    }
  }

  #takeOrThrow(options: Partial<LockOptions>): LockGuard {
    const guard = this.#take(checkTime('options.timeout', options.timeout, this.#timeout))
    if (guard === null) throw timedOut()
    return guard
  }

  #take(timeout: number): LockGuard | null {
    if (this.#pending !== undefined) throw held()
    let how = operations.lock(this.#handle, 0)
    if (how === 0 && timeout > 0) {
      const end = now() + timeout
      for (let left = timeout; how === 0 && left > 0; left = end - now()) {
        how = operations.lock(this.#handle, Math.min(left, SLICE))
      }
    }
    return how === 0 ? null : new LockGuard(how === 2, this.#unlock)
  }

  /** The lock on a thread of its own, so that this one goes on meanwhile. */
  lock(options: Partial<LockWaitOptions>): Promise<LockGuard> {
    const timeout = checkTime('options.timeout', options.timeout)
    const signal = checkSignal(options.signal)
    return new Promise((resolve, reject) => {
      throwIfAborted(signal)
      let unlisten = (): void => {}
      const settle = (): boolean => {
        unlisten()
        const first = this.#pending === pending
        if (first) this.#pending = undefined
        return first
      }
      const pending: Pending = {
        reject: (error) => {
          if (settle()) reject(error)
        },
      }
      unlisten = onAbort(signal, (error) => {
        if (!settle()) return // by then the lock may be another call's
        reject(error)
        this.#giveUp(false)
      })
      try {
        if (this.#closed) throw closed()
        // Also where its end is known to the thread already, and not yet here.
        if (this.#pending !== undefined) throw held()
        native.hold(this.#handle, timeout, (how) => {
          if (!settle()) return
          if (how instanceof Error) reject(how)
          else if (how === 0) reject(timedOut())
          else resolve(watched(new LockGuard(how === 2, this.#giveUp)))
        })
        this.#pending = pending
      } catch (error) {
        unlisten()
        throw error
      }
    })
  }

  /** The handle is closed, and the lock was released with it. */
  close(): void {
    this.#closed = true
    this.#pending?.reject(closed())
  }
}

/** Releases the lock when the promise of a section has settled. */
async function ending(guard: LockGuard, result: PromiseLike<unknown>): Promise<unknown> {
  try {
    const value = await result
    guard.release()
    return value
  } catch (error) {
    abandon(guard)
    throw error
  }
}

function held(): MmFileError {
  return new MmFileError('ERR_MMFILE_LOCK_HELD', 'this handle is waiting for the lock already')
}

function timedOut(): MmFileError {
  return new MmFileError('ERR_MMFILE_TIMEOUT', 'timed out waiting for the lock')
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function'
}
