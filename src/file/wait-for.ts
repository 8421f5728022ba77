import { checkOptions, checkRequirePeer, checkTime } from '../shared/arguments.js'
import { closed, timedOut } from '../shared/errors.js'
import { operations } from '../shared/native.js'
import { throwIfAborted } from '../shared/signals.js'
import type { SegmentWaitOptions, SegmentWaitSyncOptions } from '../shared/types.js'
import {
  block,
  checkSyncWait,
  checkWait,
  type Pending,
  pend,
  SYNC_WAIT_OPTIONS,
  takeTurn,
  WAIT_OPTIONS,
  type Wait,
} from '../shared/waits.js'

/** One promise that waits for a segment. */
interface Waiting {
  readonly index: number
  readonly wait: SegmentWait
  readonly pending: Pending<void>
}

/** How a segment is waited for. */
export interface SegmentWait extends Wait {
  /** The result of `checkRequirePeer`. */
  readonly requirePeer: number
  /** Milliseconds to check in a loop before sleeping. */
  readonly spin: number
}

// What waits for segments takes besides.
const SEGMENT_OPTIONS = ['requirePeer', 'spin'] as const
export const SEGMENT_WAIT_OPTIONS = [...WAIT_OPTIONS, ...SEGMENT_OPTIONS] as const
const SEGMENT_WAIT_SYNC_OPTIONS = [...SYNC_WAIT_OPTIONS, ...SEGMENT_OPTIONS] as const

/** Checks how a segment is waited for. */
export function checkSegmentWait(options: SegmentWaitOptions | undefined): SegmentWait {
  if (options === undefined) return FOR_EVER
  return segmentWait(checkOptions(options, SEGMENT_WAIT_OPTIONS))
}

/** The same for a blocking wait. */
export function checkSegmentWaitSync(
  options: SegmentWaitSyncOptions | undefined,
): Omit<SegmentWait, 'signal' | 'ref'> {
  if (options === undefined) return FOR_EVER
  const given = checkOptions(options, SEGMENT_WAIT_SYNC_OPTIONS)
  const { requirePeer, spin } = peerAndSpin(given)
  return { timeout: checkSyncWait(given), requirePeer, spin }
}

export function segmentWait(given: SegmentWaitOptions): SegmentWait {
  const { timeout, signal, ref } = checkWait(given)
  const { requirePeer, spin } = peerAndSpin(given)
  return { timeout, signal, ref, requirePeer, spin }
}

/** Most waits are called without options, one for each segment. */
const FOR_EVER = segmentWait({})

function peerAndSpin({ requirePeer, spin }: SegmentWaitSyncOptions) {
  return {
    requirePeer: checkRequirePeer(requirePeer),
    spin: checkTime('options.spin', spin, 0),
  }
}

/** The files that calls wait on: a promise alone would not keep its file. */
const waitedOn = new Set<SegmentWaits>()

/** The waits of one open file. They share one native wait. */
export class SegmentWaits {
  readonly #handle: number
  readonly #subject: string
  /** Whom a wait keeps from being garbage-collected, which would close it. */
  readonly owner: object
  readonly #waits = new Set<Waiting>()
  readonly #wake: (length: number) => void
  /** The index that the native wait waits for. */
  #armed = Number.POSITIVE_INFINITY
  /** Whether that keeps the event loop alive. */
  #keepsAlive = false
  /** How many of the waits require that. */
  #refs = 0
  /** A number of segments that there are, of which the last wait has heard. */
  known = 0

  constructor(owner: object, handle: number, subject: string) {
    this.owner = owner
    this.#handle = handle
    this.#subject = subject
    const self = new WeakRef(this)
    // The native code keeps this function; the function must not keep the file.
    this.#wake = (length) => {
      const waits = self.deref()
      if (waits !== undefined) waits.#settle(length)
    }
  }

  /** Resolves once there is a segment `index`. */
  waitFor(index: number, wait: SegmentWait): Promise<void> {
    try {
      throwIfAborted(wait.signal)
      if (this.#isThere(index, wait)) return takeTurn() ?? Promise.resolve()
      if (wait.timeout === 0) throw this.#timedOut(index)
    } catch (error) {
      return Promise.reject(error)
    }
    return pend(
      wait,
      () => this.#timedOut(index),
      (pending) => this.#begin({ index, wait, pending }),
      (pending) => this.#check(index, wait, pending),
    )
  }

  /** Blocks this thread until there is a segment `index`. */
  waitForSync(index: number, wait: Omit<SegmentWait, 'signal' | 'ref'>): void {
    if (this.#isThere(index, wait)) return
    const { timeout, spin, requirePeer } = wait
    const there =
      spin < timeout &&
      block(timeout - spin, (milliseconds) => {
        if (milliseconds === 0) return undefined // that was asked just now
        return operations.waitSync(this.#handle, index, requirePeer, milliseconds) || undefined
      })
    if (!there) throw this.#timedOut(index)
  }

  /** Rejects every wait. The file is closed by now. */
  close(): void {
    for (const { pending } of [...this.#waits]) pending.reject(closed(this.#subject))
  }

  #timedOut(index: number): Error {
    return timedOut(this.#subject, `waiting for segment ${index}`)
  }

  /** Whether the segment is there, or comes while this thread checks in a loop. */
  #isThere(
    index: number,
    { timeout, spin, requirePeer }: Omit<SegmentWait, 'signal' | 'ref'>,
  ): boolean {
    const spun = Math.min(spin, timeout)
    const poll = (milliseconds: number) =>
      operations.poll(this.#handle, index, requirePeer, milliseconds) || undefined
    return (spun === 0 ? poll(0) : block(spun, poll)) ?? false
  }

  /** Begins to wait, and returns what ends that. */
  #begin(waiting: Waiting): () => void {
    const { ref, requirePeer } = waiting.wait
    this.#waits.add(waiting)
    if (ref) this.#refs += 1
    const end = () => {
      this.#waits.delete(waiting)
      if (ref) this.#refs -= 1
      if (this.#waits.size === 0) this.#disarm()
      else if (this.#keepsAlive && this.#refs === 0) this.#arm()
    }
    try {
      if (waiting.index < this.#armed || requirePeer !== 0 || (ref && !this.#keepsAlive))
        this.#arm()
    } catch (error) {
      end()
      throw error
    }
    return end
  }

  /** Has the native code call back once a segment that a call waits for has come, or cannot come. */
  #arm(): void {
    let index = Number.POSITIVE_INFINITY
    let requirePeer = 0
    for (const waiting of this.#waits) {
      index = Math.min(index, waiting.index)
      requirePeer |= waiting.wait.requirePeer
    }
    operations.watch(this.#handle, index, requirePeer, this.#refs > 0, this.#wake)
    this.#armed = index
    this.#keepsAlive = this.#refs > 0
    waitedOn.add(this)
  }

  #disarm(): void {
    // A wait that has called back is already disarmed.
    if (this.#armed !== Number.POSITIVE_INFINITY) operations.unwatch(this.#handle)
    this.#disarmed()
    waitedOn.delete(this)
  }

  #disarmed(): void {
    this.#armed = Number.POSITIVE_INFINITY
    this.#keepsAlive = false
  }

  /** There are so many segments now, or something else happened; the native code has stopped waiting. */
  #settle(length: number): void {
    const came = length > this.#armed
    this.known = Math.max(this.known, length)
    this.#disarmed()
    for (const { index, wait, pending } of [...this.#waits]) {
      if (index < length) pending.resolve()
      else if (!came) this.#check(index, wait, pending)
    }
    if (this.#waits.size > 0) this.#arm()
  }

  /** Whether a segment can still come. */
  #check(index: number, wait: SegmentWait, pending: Pending<void>): void {
    try {
      if (operations.poll(this.#handle, index, wait.requirePeer, 0)) pending.resolve()
    } catch (error) {
      pending.reject(error)
    }
  }
}
