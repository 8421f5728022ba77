import { checkTime } from './arguments.js'
import { MmFileError } from './errors.js'
import { operations } from './native.js'
import type { LockOptions } from './types.js'

/**
 * The longest time in native code at a stretch. In between, the engine can end a worker that is
 * being terminated.
 */
export const SLICE = 50

/** A lock that is held until it is released. */
export class LockGuard {
  /** Whether the holder before died with the lock. The file has been repaired since. */
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

/** Tells that a guard was lost without being released. The lock stays until its file is closed. */
const lost = new FinalizationRegistry<SectionLock>((lock) => lock.lost())

/** The lock of one open file, held by this thread over several operations. */
export class SectionLock {
  readonly #handle: number
  readonly #timeout: number
  #held = false

  constructor(handle: number, timeout: number) {
    this.#handle = handle
    this.#timeout = timeout
  }

  /** The lock if it can be had in that many milliseconds. */
  acquire(timeout: number): LockGuard | null {
    const end = performance.now() + timeout
    let left = timeout
    for (;;) {
      const how = operations.lock(this.#handle, Math.min(left, SLICE))
      if (how !== 0) return this.#guard(how === 2)
      if (timeout === 0) return null
      left = end - performance.now()
      if (left <= 0) return null
    }
  }

  /** Calls `work` while the lock is held; until its promise has settled, if it answers one. */
  with<T>(work: (guard: LockGuard) => T, options: Partial<LockOptions>): T {
    const timeout = checkTime('options.timeout', options.timeout, this.#timeout)
    const guard = this.acquire(timeout)
    if (guard === null) {
      throw new MmFileError('ERR_MMFILE_TIMEOUT', 'timed out waiting for the lock')
    }
    let result: T
    try {
      result = work(guard)
    } catch (error) {
      guard.release()
      throw error
    }
    if (isThenable(result)) return Promise.resolve(result).finally(() => guard.release()) as T
    guard.release()
    return result
  }

  /** The file is closed, and the lock was released with it. */
  close(): void {
    this.#held = false
  }

  lost(): void {
    if (!this.#held) return
    this.#release()
    process.emitWarning('a lock guard was garbage-collected without release()', {
      code: 'MMFILE_GUARD_LOST',
    })
  }

  #guard(abandoned: boolean): LockGuard {
    this.#held = true
    const guard = new LockGuard(abandoned, () => {
      lost.unregister(guard)
      this.#release()
    })
    lost.register(guard, this, guard)
    return guard
  }

  #release(): void {
    if (!this.#held) return
    this.#held = false
    operations.unlock(this.#handle)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function'
}
