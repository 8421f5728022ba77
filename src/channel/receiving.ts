import type { Readable } from 'node:stream'
import { checkOneOf, checkOptions, checkTime, checkWhole } from '../shared/arguments.js'
import { doNotClone } from '../shared/clone.js'
import { closed, invalidType, invalidValue, MmFileError, timedOut } from '../shared/errors.js'
import { operations } from '../shared/native.js'
import { manage } from '../shared/open-files.js'
import { throwIfAborted } from '../shared/signals.js'
import type { WaitOptions } from '../shared/types.js'
import {
  block,
  checkSyncWait,
  checkWait,
  takeTurn,
  WAIT_OPTIONS,
  type Wait,
} from '../shared/waits.js'
import { type Coder, notDecoded } from './codec.js'
import { Line } from './line.js'
import {
  checksViews,
  endJobs,
  Job,
  type Jobs,
  Keeper,
  Lease,
  Message,
  Undecodable,
} from './messages.js'
import { channels } from './native.js'
import { RingLease, type RingMemory, RingReader } from './ring.js'
import { Steps } from './steps.js'
import { readStream } from './streams.js'
import type {
  ChannelReadStreamOptions,
  MessageForm,
  Position,
  ReceiveOptions,
  ReceiveSyncOptions,
} from './types.js'
import type { Window } from './window.js'

const FORMS = ['value', 'bytes', 'view'] as const
const POSITIONS = { new: -1, oldest: -2, newest: -3 } as const
const RECEIVE_SYNC_OPTIONS = ['timeout', 'spin'] as const
/** The names of the options that readers and members share. */
export const RECEIVE_OPTIONS = [...WAIT_OPTIONS, 'as', 'spin', 'requirePeer'] as const

/** How messages are received. */
export interface Receiving {
  readonly as: MessageForm
  readonly spin: number
  readonly requirePeer: number
  readonly wait: Wait
}

export function checkReceiving(options: ReceiveOptions): Receiving {
  return {
    as: checkOneOf('options.as', options.as, FORMS, 'value'),
    spin: checkTime('options.spin', options.spin, 0),
    requirePeer: checkChannelPeer(options.requirePeer),
    wait: checkWait(options),
  }
}

/** The sum of 1 for any peer, 2 for the creator and 4 for an exclusive writer. */
function checkChannelPeer(value: unknown): number {
  if (value === undefined || value === false) return 0
  if (value === true) return 1
  if (value === 'creator') return 2
  if (value === 'writer') return 4
  const name = 'options.requirePeer'
  if (typeof value !== 'string')
    throw invalidType(name, "of type boolean, 'creator' or 'writer'", value)
  throw invalidValue(name, "must be true, false, 'creator' or 'writer'", value)
}

/** Where a reader or a group begins, as the native code takes it. */
export function checkFrom(from: Position | undefined, absent: keyof typeof POSITIONS): number {
  if (from === undefined) return POSITIONS[absent]
  if (typeof from === 'number') return checkWhole('options.from', from)
  if (typeof from === 'string' && Object.hasOwn(POSITIONS, from)) return POSITIONS[from]
  if (typeof from === 'string') {
    throw invalidValue(
      'options.from',
      "must be one of: 'new', 'oldest', 'newest', or an index",
      from,
    )
  }
  throw invalidType('options.from', 'of type string or number', from)
}

/** What a channel's handle gives its receivers. */
export interface Origin {
  /** The channel, which stays open for them. */
  readonly channel: object
  readonly subject: string
  readonly coder: Coder
  readonly window: Window
  /** The channel's memory, where messages can be received without the native code. */
  memory(): RingMemory | undefined
  /** Has the channel close it. */
  adopt(child: { close(): void }): () => void
}

/** The fields of a row that the native code fills in. */
const FIELDS = 5
const row = new Float64Array(FIELDS)
/** Messages that are asked for at a time. */
const BATCH = 256
/** Where messages go that are decoded at once. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)
/** Below this size a buffer comes from Node's pool. */
const POOLED = Buffer.poolSize >>> 1
const small = scratch.subarray(0, POOLED)

/** What readers and members share. */
export abstract class Receiver<M extends Message<unknown>> {
  readonly #handle: number
  readonly #origin: Origin
  readonly #how: Receiving
  readonly #line: Line
  readonly #leave: () => void
  readonly #ring: RingReader | undefined
  #closed = false

  /** @internal */
  constructor(
    handle: number,
    origin: Origin,
    how: Receiving,
    className: 'Reader' | 'Member',
    ring?: RingReader,
  ) {
    this.#handle = handle
    this.#ring = ring
    this.#origin = origin
    this.#how = how
    const poll = () => {
      ring?.tell()
      channels.waitSync(handle, SPIN_AT_A_TIME, SPIN_AT_A_TIME)
    }
    const watch = (_size: number, keepsAlive: boolean, wake: () => void) => {
      ring?.tell()
      channels.watch(handle, keepsAlive, wake)
    }
    const unwatch = () => channels.unwatch(handle)
    this.#line = new Line(this, { watch, unwatch, poll }, how.spin)
    this.#leave = origin.adopt(this)
    doNotClone(this, className)
    manage(this, handle)
  }

  /** The next message, or `undefined`. @internal */
  protected abstract next(handle: number, how: Receiving, origin: Origin): M | undefined

  /** Up to `max` messages. @internal */
  protected abstract several(max: number, handle: number, how: Receiving, origin: Origin): M[]

  /**
   * The next message, as soon as there is one. Several calls that wait get theirs in order.
   *
   * Rejects with `ERR_MMFILE_TIMEOUT`; `ERR_MMFILE_SEALED` when nothing can come any more; `ERR_MMFILE_PEER_GONE`;
   * `ERR_MMFILE_EVICTED`; `ERR_MMFILE_CLOSED`; an `AbortError`.
   *
   * @param options what the receiver's own options do not say, or otherwise
   */
  receive(options?: WaitOptions): Promise<M> {
    try {
      const wait = this.#waitOf(options)
      throwIfAborted(wait.signal)
      const attempt = () => this.#next()
      const message = this.#line.length > 0 ? this.#served(attempt) : attempt()
      if (message !== undefined) return takeTurn()?.then(() => message) ?? Promise.resolve(message)
      if (wait.timeout === 0) throw this.#timedOut()
      return this.#line.wait(attempt, wait, () => this.#timedOut())
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * The next message; blocks this thread until there is one. Throws what `receive` rejects with.
   */
  receiveSync(options?: ReceiveSyncOptions): M {
    const given = checkOptions<ReceiveSyncOptions>(options, RECEIVE_SYNC_OPTIONS)
    const timeout = checkSyncWait(given)
    let spin = checkTime('options.spin', given.spin, this.#how.spin)
    const message = block(timeout, (milliseconds) => {
      if (milliseconds > 0) {
        this.#ring?.tell()
        channels.waitSync(this.#handle, milliseconds, Math.min(spin, milliseconds))
        spin = Math.max(0, spin - milliseconds)
      }
      return this.tryReceive()
    })
    if (message === undefined) throw this.#timedOut()
    return message
  }

  /**
   * The next message if there is one now.
   *
   * Throws `ERR_MMFILE_SEALED` when nothing can come any more, `ERR_MMFILE_PEER_GONE`, `ERR_MMFILE_EVICTED`,
   * `ERR_MMFILE_CLOSED`.
   */
  tryReceive(): M | undefined {
    const attempt = () => this.#next()
    return this.#line.length > 0 ? this.#served(attempt) : attempt()
  }

  /**
   * The messages that are there now, up to `max` of them. It never waits.
   *
   * Throws what `tryReceive` throws, if there are none.
   *
   * @param max at least 1
   */
  tryReceiveAll(max: number): M[] {
    checkWhole('max', max, 1)
    const attempt = () => {
      const messages = this.several(max, this.#handle, this.#how, this.#origin)
      if (messages.length === 0) this.#checkPeer()
      return messages
    }
    return this.#line.length > 0 ? (this.#served(attempt) ?? []) : attempt()
  }

  /** How many messages there are that it has not received; of a member: that its group has not acknowledged. */
  get lag(): number {
    this.#ring?.tell()
    return channels.lag(this.#handle)
  }

  /** How many messages were overwritten or passed over before it came to them: 0, unless it is lossy. */
  get missed(): number {
    return channels.missed(this.#handle)
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Present and future messages until the channel is sealed. Each step releases the message before. Timers and I/O
   * get their turn at least every 10 ms.
   */
  [Symbol.asyncIterator](): AsyncGenerator<M, void, undefined> {
    const wait = this.#how.wait
    return new Steps<M>({
      next: () => this.#next(),
      wait: (attempt, begun) => {
        const call = attempt as () => IteratorResult<M, void> | undefined
        return this.#line.wait(call, wait, () => this.#timedOut(), 0, begun)
      },
      check: () => throwIfAborted(wait.signal),
      timesOut: wait.timeout === 0 ? () => this.#timedOut() : undefined,
      attempt: (attempt) => (this.#line.length > 0 ? this.#served(attempt) : attempt()),
    })
  }

  /**
   * Ends it: pending calls and loops reject with `ERR_MMFILE_CLOSED`, everything is released, and what a member has
   * not acknowledged goes back. Doing it again changes nothing.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave()
    operations.close(this.#handle)
    this.#ring?.close()
    this.#line.close(() => closed(this.#origin.subject))
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #next(): M | undefined {
    const message = this.next(this.#handle, this.#how, this.#origin)
    if (message === undefined) this.#checkPeer()
    return message
  }

  /** Lets those who wait go first. */
  #served<R>(attempt: () => R): R | undefined {
    this.#line.serve()
    return this.#line.length > 0 ? undefined : attempt()
  }

  /** Throws if a peer that it requires is gone. */
  #checkPeer(): void {
    if (this.#how.requirePeer === 0) return
    this.#ring?.tell()
    channels.waitSync(this.#handle, 0, 0)
  }

  #waitOf(options: WaitOptions | undefined): Wait {
    if (options === undefined) return this.#how.wait
    const given = checkOptions<WaitOptions>(options, WAIT_OPTIONS)
    const own = this.#how.wait
    return checkWait({
      timeout: given.timeout ?? (Number.isFinite(own.timeout) ? own.timeout : undefined),
      signal: given.signal ?? own.signal,
      ref: given.ref ?? own.ref,
    })
  }

  #timedOut(): MmFileError {
    return timedOut(this.#origin.subject, 'waiting for a message')
  }
}

/** How long the event loop is kept while a receiver spins, in milliseconds: not much longer than it is without. */
const SPIN_AT_A_TIME = 0.01

/** A reader of every message. */
export class Reader<V> extends Receiver<Message<V>> {
  readonly #lossy: boolean
  readonly #views: RingReader | undefined

  /** @internal */
  constructor(handle: number, origin: Origin, how: Receiving, lossy: boolean) {
    const direct = how.as === 'view' && !lossy && !checksViews
    const memory = direct ? origin.memory() : undefined
    const ring = memory === undefined ? undefined : new RingReader(handle, memory)
    super(handle, origin, how, 'Reader', ring)
    this.#lossy = lossy
    this.#views = ring
  }

  /** The messages as a stream of objects: what `value` is of each. It ends when the channel is sealed. */
  createReadStream(options?: ChannelReadStreamOptions): Readable {
    return readStream(this as Reader<unknown>, options)
  }

  /** @internal */
  protected override next(handle: number, how: Receiving, origin: Origin): Message<V> | undefined {
    const ring = this.#views
    if (ring !== undefined) return this.#direct(ring, 1, handle)[0]
    if (this.#lossy) return lossyNext(handle, how, origin) as Message<V> | undefined
    if (how.as !== 'view') return copiedNext(handle, how, origin) as Message<V> | undefined
    if (channels.receive(handle, 1, row) === 0) return undefined
    const keeper = new Keeper(new Lease(handle, [row[3] as number]))
    const value = bytesAt(row, 0, handle, origin)
    return new Message(row[0] as number, value, keeper) as Message<unknown> as Message<V>
  }

  /** @internal */
  protected override several(
    max: number,
    handle: number,
    how: Receiving,
    origin: Origin,
  ): Message<V>[] {
    const ring = this.#views
    if (ring !== undefined) return this.#direct(ring, max, handle)
    const messages: Message<unknown>[] = []
    if (how.as === 'view' && !this.#lossy) {
      const fields = new Float64Array(FIELDS * Math.min(max, BATCH))
      while (messages.length < max) {
        const asked = Math.min(max - messages.length, BATCH)
        const count = atLeast(messages, () => channels.receive(handle, asked, fields))
        if (count === 0) break
        const keys = Array.from({ length: count }, (_, at) => fields[at * FIELDS + 3] as number)
        const keeper = new Keeper(new Lease(handle, keys))
        for (let at = 0; at < count; at += 1) {
          const value = bytesAt(fields, at * FIELDS, handle, origin)
          messages.push(new Message(fields[at * FIELDS] as number, value, keeper, at))
        }
      }
      return messages as Message<V>[]
    }
    while (messages.length < max) {
      const message = atLeast(messages, () => this.next(handle, how, origin))
      if (!message) break
      messages.push(message)
    }
    return messages as Message<V>[]
  }

  /** Messages without a call to the native code, unless there are none. */
  #direct(ring: RingReader, max: number, handle: number): Message<V>[] {
    if (this.closed) channels.receive(handle, 1, row) // which throws
    const messages: Message<V>[] = []
    const first = ring.end
    let keeper: Keeper | undefined
    const lease = new RingLease(ring, first)
    const count = ring.receive(max, (index, at, value) => {
      keeper ??= new Keeper(lease)
      messages.push(new Message(index, value as V, keeper, at - first))
    })
    if (count >= 0) {
      lease.count = count
      return messages
    }
    // It was evicted, or what is there is the end or damaged: the native code says so.
    ring.tell()
    if (channels.receive(handle, 1, row) > 0) ring.tell()
    return []
  }
}

/** What went wrong behind messages that were received already, the next call says. */
function atLeast<R>(messages: readonly unknown[], receive: () => R): R | 0 {
  try {
    return receive()
  } catch (error) {
    if (messages.length > 0) return 0
    throw error
  }
}

function bytesAt(fields: Float64Array, at: number, handle: number, origin: Origin): Uint8Array {
  const offset = fields[at + 1] as number
  const length = fields[at + 2] as number
  if (!checksViews) {
    try {
      return origin.window.view(offset, length)
    } catch (error) {
      if (!MmFileError.is(error, 'ERR_MMFILE_UNSUPPORTED')) throw error
      sayCopies()
    }
  }
  const bytes = Buffer.allocUnsafeSlow(length)
  channels.copy(handle, fields.subarray(at, at + FIELDS), bytes)
  return bytes
}

let saidCopies = false

function sayCopies(): void {
  if (saidCopies) return
  saidCopies = true
  process.emitWarning('this runtime allows no external buffers: views of messages are copies', {
    code: 'MMFILE_VIEWS_ARE_COPIES',
  })
}

function decoded(
  bytes: Buffer,
  length: number,
  { coder, subject }: Origin,
  index: number,
): unknown {
  try {
    return coder.decode(bytes, length)
  } catch (error) {
    return new Undecodable(notDecoded(subject, index, coder, error))
  }
}

function copiedNext(handle: number, how: Receiving, origin: Origin): Message<unknown> | undefined {
  const found = channels.take(
    handle,
    row,
    how.as === 'bytes' || origin.coder.keeps ? small : scratch,
  )
  if (found === 0) return undefined
  const index = row[0] as number
  const key = row[3] as number
  const value = payloadOf(found, handle, how, origin)
  if (found === 1) channels.release(handle, key)
  return new Message(index, value)
}

/** The value of the message that was taken just now. */
function payloadOf(found: number, handle: number, how: Receiving, origin: Origin): unknown {
  const index = row[0] as number
  const length = row[2] as number
  const bytes = how.as === 'bytes'
  const own = bytes || origin.coder.keeps
  let from: Buffer = scratch
  if (found === 1) {
    from = Buffer.allocUnsafeSlow(length)
    channels.copy(handle, row, from)
  } else if (own) {
    from = Buffer.allocUnsafe(length)
    scratch.copy(from, 0, 0, length)
  }
  return bytes ? from : decoded(from, length, origin, index)
}

const index = new Float64Array(1)

function lossyNext(handle: number, how: Receiving, origin: Origin): Message<unknown> | undefined {
  const bytes = channels.receiveCopy(handle, index)
  if (bytes === undefined) return undefined
  return copyOf(bytes, index[0] as number, how.as, origin)
}

/** A message whose bytes are a copy already. */
export function copyOf(
  bytes: Buffer,
  index: number,
  as: MessageForm,
  origin: Origin,
): Message<unknown> {
  return new Message(index, as === 'value' ? decoded(bytes, bytes.length, origin, index) : bytes)
}

/** A member of a group: each message goes to one of them. */
export class Member<V> extends Receiver<Job<V>> {
  readonly #jobs: Jobs
  /** The name of the group. */
  readonly group: string

  /** @internal */
  constructor(handle: number, origin: Origin, how: Receiving, group: string) {
    super(handle, origin, how, 'Member')
    this.group = group
    this.#jobs = { subject: origin.subject, open: 0, delays: new Set() }
  }

  override close(): void {
    if (this.closed) return
    super.close()
    endJobs(this.#jobs)
  }

  /** @internal */
  protected override next(handle: number, how: Receiving, origin: Origin): Job<V> | undefined {
    let found = 1
    if (how.as === 'view') {
      if (channels.receive(handle, 1, row) === 0) return undefined
    } else {
      found = channels.take(handle, row, how.as === 'bytes' || origin.coder.keeps ? small : scratch)
      if (found === 0) return undefined
    }
    return this.#job(row, 0, found, handle, how, origin)
  }

  /** @internal */
  protected override several(
    max: number,
    handle: number,
    how: Receiving,
    origin: Origin,
  ): Job<V>[] {
    const taken = new Float64Array(FIELDS * Math.min(max, BATCH))
    const jobs: Job<V>[] = []
    while (jobs.length < max) {
      const asked = Math.min(max - jobs.length, BATCH)
      const count = atLeast(jobs, () => channels.receive(handle, asked, taken))
      for (let at = 0; at < count; at += 1) {
        row.set(taken.subarray(at * FIELDS, (at + 1) * FIELDS))
        jobs.push(this.#job(row, 0, 1, handle, how, origin))
      }
      if (count < asked) break
    }
    return jobs
  }

  #job(
    fields: Float64Array,
    at: number,
    found: number,
    handle: number,
    how: Receiving,
    origin: Origin,
  ): Job<V> {
    const index = fields[at] as number
    const claim = { handle, key: fields[at + 3] as number }
    const attempt = fields[at + 4] as number
    const value =
      how.as === 'view'
        ? bytesAt(fields, at, handle, origin)
        : payloadOf(found, handle, how, origin)
    return new Job(index, value as V, attempt, claim, this.#jobs)
  }
}
