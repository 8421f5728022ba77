import { checkOptions, checkTime } from '../shared/arguments.js'
import { timers } from '../shared/clock.js'
import { closed, fail } from '../shared/errors.js'
import { channels } from './native.js'
import type { NakOptions } from './types.js'

/** Whether views are copies, which are overwritten when they are released: a test then sees what used one too long. */
export const checksViews = process.env.MMFILE_CHECK_VIEWS === '1'

/** Stands for a value that cannot be decoded: reading it throws the error. */
export class Undecodable {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** A message whose value, if it cannot be decoded, throws the error when it is read. */
export function readable<M extends { readonly value: unknown }>(message: M): M {
  const { value } = message
  if (value instanceof Undecodable) {
    const get = () => {
      throw value.error
    }
    Object.defineProperty(message, 'value', { get })
  }
  return message
}

/**
 * Gives back what a program has received. It must not refer to the messages nor to their receiver: they would never be
 * collected.
 */
export interface Leased {
  /** Gives one message back. Doing it again changes nothing. */
  release(at: number): void
}

/** Messages that the native code holds. */
export class Lease implements Leased {
  readonly #handle: number
  /** The number that releases each message, or -1 once it is released. */
  readonly #keys: number[]

  constructor(handle: number, keys: number[]) {
    this.#handle = handle
    this.#keys = keys
  }

  release(at: number): void {
    const key = this.#keys[at] as number
    if (key < 0) return
    this.#keys[at] = -1
    channels.release(this.#handle, key)
  }
}

/** What a keeper gives back, without the keeper. */
interface Slot {
  lease: Leased | undefined
  first: number
  count: number
}

/** Gives back what nothing in the program refers to any more. */
const lost = new FinalizationRegistry<Slot>(({ lease, first, count }) => {
  for (let at = first; at < first + count; at += 1) lease?.release(at)
})

/** Keepers without a lease: registering another one takes longer than receiving a message. */
const spare: Keeper[] = []
const MOST_SPARE = 256

/**
 * Messages that were received together refer to this object: when it is collected, the program has none of them any
 * more.
 */
export class Keeper {
  readonly #slot: Slot = { lease: undefined, first: 0, count: 0 }
  #left = 0

  private constructor() {
    lost.register(this, this.#slot)
  }

  /** The keeper of the messages from number `first` of a lease. How many they are is told later. */
  static of(lease: Leased, first = 0): Keeper {
    const keeper = spare.pop() ?? new Keeper()
    const slot = keeper.#slot
    slot.lease = lease
    slot.first = first
    return keeper
  }

  /** How many messages it keeps. */
  keep(count: number): this {
    this.#slot.count = count
    this.#left = count
    if (count === 0) this.end()
    return this
  }

  /** Gives one message back, once. The message does not refer to the keeper any more. */
  release(at: number): void {
    this.#slot.lease?.release(at)
    this.#left -= 1
    if (this.#left === 0) this.end()
  }

  /** Nothing is left. No message refers to the keeper any more. */
  end(): void {
    this.#slot.lease = undefined
    this.#slot.count = 0
    if (spare.length < MOST_SPARE) spare.push(this)
  }
}

/** A message that was received. */
export class Message<V> {
  /** Its index: they count from 0, without gaps. */
  readonly index: number
  /**
   * In the form that `as` asks for: a decoded value, copied bytes, or bytes in shared memory, which are valid until
   * `release()`. If it cannot be decoded, reading this throws `ERR_MMFILE_NOT_TEXT`.
   */
  readonly value: V
  #keeper: Keeper | undefined
  readonly #at: number

  /** @internal */
  constructor(index: number, value: V, keeper?: Keeper, at = 0) {
    this.index = index
    this.value = value
    this.#keeper = keeper
    this.#at = at
  }

  /**
   * Lets the memory of a view be used again; of a copy it is free already. The next step of a loop does it, too. Doing
   * it again changes nothing.
   *
   * @example
   * const frame = await reader.receive()
   * show(frame.value)
   * frame.release()
   */
  release(): void {
    const keeper = this.#keeper
    if (keeper === undefined) return
    this.#keeper = undefined
    if (checksViews) overwrite(this.value)
    keeper.release(this.#at)
  }

  /**
   * Releases it at the end of a block.
   *
   * @example
   * using message = await reader.receive()
   */
  [Symbol.dispose](): void {
    this.release()
  }
}

function overwrite(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(0xdb)
}

let warned = false

/** A job that was not acknowledged goes back. A program that forgets `ack()` does all of its jobs again: a warning, once. */
function warnOnce(): void {
  if (warned) return
  warned = true
  process.emitWarning(
    'a job was given back without ack() or nak(): only ack() acknowledges, before the next step of the loop',
    { code: 'MMFILE_NOT_ACKNOWLEDGED' },
  )
}

/** A job that a member has. */
export class Claim implements Leased {
  readonly #handle: number
  readonly #key: number

  constructor(handle: number, key: number) {
    this.#handle = handle
    this.#key = key
  }

  acknowledge(): void {
    channels.settle(this.#handle, this.#key, true)
  }

  /** Gives it back. Whether the member had it still. */
  giveBack(): boolean {
    try {
      channels.settle(this.#handle, this.#key, false)
      return true
    } catch {
      return false // it is closed or was evicted, and the job has gone to another one
    }
  }

  release(): void {
    if (this.giveBack()) warnOnce()
  }
}

/** What a member records about its jobs, without keeping them alive. */
export interface Jobs {
  readonly subject: string
  /** How many jobs are neither acknowledged nor given back. */
  open: number
  /** Whether the member is closed. */
  closed: boolean
  /** The timers of those that are given back later. */
  readonly delays: Set<NodeJS.Timeout>
}

/** A message that a member of a group has to work on. */
export class Job<V> extends Message<V> {
  /** How often it was handed out, from 1. */
  readonly attempt: number
  readonly #claim: Claim
  #keeper: Keeper | undefined
  readonly #jobs: Jobs
  #state: 'open' | 'acknowledged' | 'given back' = 'open'

  /** @internal */
  constructor(index: number, value: V, attempt: number, claim: Claim, jobs: Jobs) {
    super(index, value)
    this.attempt = attempt
    this.#claim = claim
    this.#keeper = Keeper.of(claim).keep(1)
    this.#jobs = jobs
    jobs.open += 1
  }

  /**
   * The job is done: no member gets it again. Nothing else acknowledges. Doing it again changes nothing.
   *
   * Throws `ERR_MMFILE_EVICTED` if the job was given back, or has gone to another member; `ERR_MMFILE_CLOSED` if the
   * member is closed.
   *
   * @example
   * await run(job.value)
   * job.ack()
   */
  ack(): void {
    if (this.#state === 'acknowledged') return
    if (this.#state === 'given back') {
      const message = `job ${this.index} was given back before ack(): acknowledge it before the next step of the loop`
      throw fail('ERR_MMFILE_EVICTED', this.#jobs.subject, message)
    }
    if (this.#jobs.closed) throw closed(this.#jobs.subject)
    this.#claim.acknowledge()
    this.#settled('acknowledged')
  }

  /**
   * Gives the job back to the group: another member gets it, or this one again, with `attempt` + 1. Doing it again
   * changes nothing. After `ack()` it does nothing.
   *
   * @param options `delay`: milliseconds until it goes back
   * @example
   * if (job.attempt < 5) job.nak({ delay: 1000 })
   */
  nak(options?: NakOptions): void {
    const given = checkOptions<NakOptions>(options, ['delay'])
    const delay = checkTime('options.delay', given.delay, 0)
    if (this.#state !== 'open') return
    this.#settled('given back')
    const claim = this.#claim
    if (delay === 0) {
      claim.giveBack()
      return
    }
    const { delays } = this.#jobs
    const timer = timers.setTimeout(
      () => {
        delays.delete(timer)
        claim.giveBack()
      },
      Math.min(delay, 2 ** 31 - 1),
    )
    timer.unref?.()
    delays.add(timer)
  }

  /**
   * Gives the job back, if it is not acknowledged, with the process warning `MMFILE_NOT_ACKNOWLEDGED` the first time.
   * The next step of a loop does it, too. Doing it again changes nothing.
   *
   * @example
   * job.release()
   */
  override release(): void {
    if (this.#state !== 'open') return
    this.#settled('given back')
    this.#claim.release()
  }

  #settled(state: 'acknowledged' | 'given back'): void {
    this.#state = state
    this.#jobs.open -= 1
    this.#keeper?.end()
    this.#keeper = undefined
    if (checksViews) overwrite(Object.getOwnPropertyDescriptor(this, 'value')?.value)
  }
}

/** The member is closed, and what it had was given back. */
export function endJobs(jobs: Jobs): void {
  jobs.closed = true
  for (const timer of jobs.delays) timers.clearTimeout(timer)
  jobs.delays.clear()
  if (jobs.open > 0) warnOnce()
}
