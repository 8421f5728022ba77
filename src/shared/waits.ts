import { checkBoolean, checkTime } from './arguments.js'
import { now, timers } from './clock.js'
import { checkSignal, onAbort, throwIfAborted } from './signals.js'
import type { SyncWaitOptions, WaitOptions } from './types.js'

/*
 * What all waits share: the options, promises that a timeout or a signal may settle, blocking in slices, and
 * loops that let the event loop turn.
 */

/** The names of the options of a wait, and of a blocking one. */
export const WAIT_OPTIONS = ['timeout', 'signal', 'ref'] as const
export const SYNC_WAIT_OPTIONS = ['timeout'] as const

/** How long something is waited for. */
export interface Wait {
  /** Milliseconds, or infinity. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  /** Whether the wait keeps the event loop alive. */
  readonly ref: boolean
  /** For how many milliseconds the event loop checks again before it sleeps. */
  readonly spin: number
}

export function checkWait(options: WaitOptions & { spin?: number | undefined }): Wait {
  return {
    timeout: checkTime('options.timeout', options.timeout),
    signal: checkSignal(options.signal),
    ref: checkBoolean('options.ref', options.ref, true),
    spin: checkTime('options.spin', options.spin, 0),
  }
}

/** The milliseconds that a blocking wait may take. */
export function checkSyncWait(options: SyncWaitOptions): number {
  return checkTime('options.timeout', options.timeout)
}

/** A promise that is not settled yet. Settling it again changes nothing. */
export interface Pending<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/**
 * A promise that `begin` has settled some time, unless the clock or the signal does that first.
 *
 * `begin` returns a function that ends the wait. It is called once, after the promise has settled; its
 * argument says whether a timeout or the signal settled it. When the time is over, `lookAgain` settles the promise if it
 * can: a thread that was busy hears of the time first, and then of what came before. The program gets this very
 * promise: an `async` function around it would take three more turns of the microtask queue.
 */
export function pend<T>(
  wait: Omit<Wait, 'spin'>,
  timedOut: () => Error,
  begin: (pending: Pending<T>) => (gaveUp: boolean) => void,
  lookAgain?: (pending: Pending<T>) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    throwIfAborted(wait.signal)
    let settled = false
    let timer: NodeJS.Timeout | undefined
    let unlisten = (): void => {}
    let end: ((gaveUp: boolean) => void) | undefined
    /** Why it was settled before `begin` had returned. */
    let early: boolean | undefined

    const settle = (gaveUp: boolean): boolean => {
      if (settled) return false
      settled = true
      timers.clearTimeout(timer)
      unlisten()
      if (end === undefined) early = gaveUp
      else end(gaveUp)
      return true
    }
    const giveUp = (error: Error): void => {
      if (settle(true)) reject(error)
    }

    const pending: Pending<T> = {
      resolve: (value) => {
        if (settle(false)) resolve(value)
      },
      reject: (error) => {
        if (settle(false)) reject(error)
      },
    }

    unlisten = onAbort(wait.signal, giveUp) // before there is anything that it could leave behind
    try {
      end = begin(pending)
    } catch (error) {
      settled = true
      unlisten()
      throw error
    }
    if (early !== undefined) return end(early)
    if (!Number.isFinite(wait.timeout)) return
    const started = now()
    const check = (): void => {
      // A timer may be early by a fraction of a millisecond, and is no longer than 2^31.
      const left = started + wait.timeout - now()
      if (left > 0) {
        timer = timers.setTimeout(check, Math.min(Math.ceil(left), 2 ** 31 - 1))
        if (!wait.ref) timer.unref?.()
        return
      }
      lookAgain?.(pending)
      if (!settled) giveUp(timedOut())
    }
    check()
  })
}

/**
 * The longest time in native code at a stretch. In between, the engine can end a worker that is being
 * terminated.
 */
const SLICE = 50

/** Calls `attempt`, which may block for so many milliseconds, until it returns something or they are over. */
export function block<T>(
  timeout: number,
  attempt: (milliseconds: number) => T | undefined,
): T | undefined {
  const first = attempt(0)
  if (first !== undefined || timeout === 0) return first
  const end = timeout === Number.POSITIVE_INFINITY ? timeout : now() + timeout
  for (let left = timeout; left > 0; left = end - now()) {
    const found = attempt(Math.min(left, SLICE))
    if (found !== undefined) return found
  }
  return undefined
}

/** How long a loop over available values may keep the event loop busy, in milliseconds: half of the promised bound. */
const LONGEST_TURN = 5

/** When a loop began to run in this turn of the event loop; `undefined` if none has. */
let turnBegan: number | undefined

function turned(): void {
  turnBegan = undefined
}

/**
 * A loop over available values awaits this before it takes the next one: a turn of the event loop, so that
 * timers and I/O run. `undefined` if there was one a moment ago. One clock serves all loops of the thread.
 */
export function takeTurn(): Promise<void> | undefined {
  const time = now()
  if (turnBegan === undefined) {
    turnBegan = time
    timers.setImmediate(turned).unref?.()
    return undefined
  }
  if (time - turnBegan < LONGEST_TURN) return undefined
  return new Promise((resolve) => {
    timers.setImmediate(resolve)
  })
}
