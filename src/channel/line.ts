import { now, timers } from '../shared/clock.js'
import { type Pending, pend, type Wait } from '../shared/waits.js'

/** One call that waits for its turn. */
interface Call {
  /** Returns the result, or `undefined` if there is none yet. If it throws, the call rejects with that error. */
  attempt(): unknown
  readonly pending: Pending<unknown>
  readonly ref: boolean
  readonly size: number
}

/** The native wait of a line. */
export interface Source {
  /**
   * Arranges for `wake` to be called once there is a reason to try again. `size` is the size that the first call
   * needs.
   */
  watch(size: number, keepsAlive: boolean, wake: () => void): void
  unwatch(): void
  /** Checks for a short time whether there is a reason to try again. */
  poll?(): void
}

/** The lines in which calls wait: a promise alone would not keep its channel. */
const waitedIn = new Set<Line>()

/** Calls that wait for the same thing, and are served in their order. */
export class Line {
  readonly #source: Source
  /** The object that pending calls keep alive: if it were garbage-collected, it would be closed. */
  readonly owner: object
  readonly #calls = new Set<Call>()
  readonly #wake: () => void
  #refs = 0
  /** The size that the native code waits for; `undefined` if it does not wait. */
  #armed: { readonly size: number; readonly keepsAlive: boolean } | undefined
  #spinning: NodeJS.Immediate | undefined
  #spinsUntil = 0
  #serving = false

  constructor(owner: object, source: Source) {
    this.owner = owner
    this.#source = source
    const self = new WeakRef(this)
    // The native code keeps this function; the function must not keep the channel.
    this.#wake = () => {
      const line = self.deref()
      if (line !== undefined) line.#woken()
    }
  }

  /** How many calls wait. */
  get length(): number {
    return this.#calls.size
  }

  /** The size of the first call. */
  get firstSize(): number | undefined {
    for (const { size } of this.#calls) return size
    return undefined
  }

  /**
   * Waits at the end of the line. `attempt` has just found nothing. `begun` may return a function that is called once
   * the wait is over.
   */
  wait<T>(
    attempt: () => T | undefined,
    wait: Wait,
    timedOut: () => Error,
    size = 0,
    begun?: (pending: Pending<T>) => (() => void) | undefined,
  ): Promise<T> {
    const begin = (pending: Pending<T>) => {
      const call: Call = { attempt, pending: pending as Pending<unknown>, ref: wait.ref, size }
      this.#calls.add(call)
      if (wait.ref) this.#refs += 1
      let ended: (() => void) | undefined
      const end = (): void => {
        this.#calls.delete(call)
        if (wait.ref) this.#refs -= 1
        if (!this.#serving) this.#arm()
        ended?.()
      }
      try {
        // A loop that nothing else keeps alive cannot spin: without such a call it would sleep all the same.
        if (wait.spin > 0 && wait.ref) this.#spinUp(wait.spin)
        else this.#arm()
      } catch (error) {
        end()
        throw error
      }
      ended = begun?.(pending)
      return end
    }
    return pend<T>(wait, timedOut, begin, () => this.serve())
  }

  /** Tries the calls in their order, until one finds nothing. */
  serve(): void {
    if (this.#serving) return
    this.#serving = true
    try {
      for (const { attempt, pending } of this.#calls) {
        let result: unknown
        try {
          result = attempt()
        } catch (error) {
          pending.reject(error)
          continue
        }
        if (result === undefined) break
        pending.resolve(result)
      }
    } finally {
      this.#serving = false
      this.#arm()
    }
  }

  /** Rejects every call. */
  close(error: () => unknown): void {
    this.#serving = true
    for (const { pending } of [...this.#calls]) pending.reject(error())
    this.#serving = false
    timers.clearImmediate(this.#spinning)
    this.#spinning = undefined
    this.#armed = undefined
    waitedIn.delete(this)
  }

  #woken(): void {
    this.#armed = undefined
    this.serve()
  }

  /** Makes the native code wait for the room that the first call needs; ends the wait if there is no call. */
  #arm(): void {
    if (this.#spinning !== undefined) {
      if (this.#refs > 0) return
      timers.clearImmediate(this.#spinning)
      this.#spinning = undefined
    }
    const [first] = this.#calls
    if (first === undefined) {
      if (this.#armed !== undefined) this.#source.unwatch()
      this.#armed = undefined
      waitedIn.delete(this)
      return
    }
    waitedIn.add(this)
    const keepsAlive = this.#refs > 0
    if (this.#armed?.size === first.size && this.#armed.keepsAlive === keepsAlive) return
    this.#armed = { size: first.size, keepsAlive }
    try {
      this.#source.watch(first.size, keepsAlive, this.#wake)
    } catch (error) {
      this.#armed = undefined
      first.pending.reject(error)
    }
  }

  /** Has the event loop check for a while, before the native code waits. */
  #spinUp(milliseconds: number): void {
    waitedIn.add(this)
    const until = now() + milliseconds
    if (this.#spinning !== undefined) {
      this.#spinsUntil = Math.max(this.#spinsUntil, until)
      return
    }
    this.#spinsUntil = until
    if (this.#armed !== undefined) this.#source.unwatch()
    this.#armed = undefined
    this.#spinSoon()
  }

  #spinSoon(): void {
    this.#spinning = timers.setImmediate(() => {
      this.#spinning = undefined
      try {
        this.#source.poll?.()
      } catch {
        // The calls themselves report the error.
      }
      if (now() < this.#spinsUntil && this.#refs > 0) this.#spinSoon()
      this.serve()
    })
  }
}
