import { checkSignal, checkTime } from './arguments.js'
import { aborted, closed, MmFileError } from './errors.js'
import { native, operations } from './native.js'
import type { LockOptions, LockWaitOptions } from './types.js'

/**
 * The longest time in native code at a stretch. In between, the engine can end a worker that is
 * being terminated.
 */
export const SLICE = 50

/** A lock that is held until it is released. */
export class LockGuard {
  /** Whether the holder before died with the lock. What it left has been repaired since. */
  readonly abandoned: boolean
  #release: (() => void) | undefined

  /** @internal */
  constructor(abandoned: boolean, release: () => void) {
    this.abandoned = abandoned
    this.#release = release
  }

  /** Lets the next one in. Doing it again changes nothing. */
  release(): void {
    const release = this.#release
    this.#release = undefined
    release?.()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** Frees a lock whose guard was lost without being released, and says so. */
const lost = new FinalizationRegistry<() => boolean>((release) => {
  if (!release()) return
  process.emitWarning('a lock guard was garbage-collected without release()', {
    code: 'MMFILE_GUARD_LOST',
  })
})

/** A `lock()` that has not been answered yet. */
interface Pending {
  reject(error: unknown): void
}

/** The lock of one open file or mutex. */
export class SharedLock {
  readonly #handle: number
  readonly #timeout: number
  /** Whom a guard keeps from being garbage-collected, which would close it. */
  readonly #owner: object
  /** Not a closure of `lock`: that would keep its promise, and so the guard. */
  readonly #giveUp = (): void => native.releaseHeld(this.#handle)
  readonly #unlock = (): void => operations.unlock(this.#handle)
  #pending: Pending | undefined
  #closed = false

  /** `timeout` is for those who say nothing, in milliseconds. */
  constructor(owner: object, handle: number, timeout: number) {
    this.#owner = owner
    this.#handle = handle
    this.#timeout = timeout
  }

  /** The lock on this thread, if it can be had in that many milliseconds. */
  tryFor(timeout: number): LockGuard | null {
    const end = performance.now() + timeout
    let left = timeout
    for (;;) {
      const how = operations.lock(this.#handle, Math.min(left, SLICE))
      if (how !== 0) return this.#guard(how === 2, this.#unlock)
      left = end - performance.now()
      if (timeout === 0 || left <= 0) return null
    }
  }

  /** The lock on this thread. */
  lockSync(options: Partial<LockOptions>): LockGuard {
    const timeout = checkTime('options.timeout', options.timeout, this.#timeout)
    const guard = this.tryFor(timeout)
    if (guard === null) throw timedOut()
    return guard
  }

  /** Calls `work` while the lock is held; until its promise has settled, if it answers one. */
  with<T>(work: (guard: LockGuard) => T, options: Partial<LockOptions>): T {
    const guard = this.lockSync(options)
    let keeps = false
    try {
      const result = work(guard)
      if (!isThenable(result)) return result
      const settled = Promise.resolve(result).finally(() => guard.release()) as T
      keeps = true
      return settled
    } finally {
      if (!keeps) guard.release()
    }
  }

  /** The lock on a thread of its own, so that this one goes on meanwhile. */
  lock(options: Partial<LockWaitOptions>): Promise<LockGuard> {
    const timeout = checkTime('options.timeout', options.timeout)
    const signal = checkSignal(options.signal)
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw aborted(signal)
      if (this.#closed) throw closed()
      const settle = (): boolean => {
        signal?.removeEventListener('abort', abort)
        const first = this.#pending === pending
        if (first) this.#pending = undefined
        return first
      }
      const pending: Pending = {
        reject: (error) => {
          if (settle()) reject(error)
        },
      }
      const abort = (): void => {
        pending.reject(aborted(signal as AbortSignal))
        this.#giveUp()
      }
      native.hold(this.#handle, timeout, (how) => {
        if (!settle()) return
        if (how instanceof Error) reject(how)
        else if (how === 0) reject(timedOut())
        else resolve(this.#guard(how === 2, this.#giveUp))
      })
      this.#pending = pending
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** The handle is closed, and the lock was released with it. */
  close(): void {
    this.#closed = true
    this.#pending?.reject(closed())
  }

  #guard(abandoned: boolean, unlock: () => void): LockGuard {
    // It must not keep the guard, and keeps the owner.
    const owner = this.#owner
    const release = (): boolean => {
      if (this.#closed || owner === undefined) return false // closing has released it
      unlock()
      return true
    }
    const token = {}
    const guard = new LockGuard(abandoned, () => {
      lost.unregister(token)
      release()
    })
    lost.register(guard, release, token)
    return guard
  }
}

function timedOut(): MmFileError {
  return new MmFileError('ERR_MMFILE_TIMEOUT', 'timed out waiting for the lock')
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function'
}
