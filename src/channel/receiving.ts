import { checkOptions, checkTime, checkWhole } from '../shared/arguments.js'
import { doNotClone } from '../shared/clone.js'
import { closed, type MmFileError, timedOut } from '../shared/errors.js'
import { operations } from '../shared/native.js'
import { manage } from '../shared/open-files.js'
import { throwIfAborted } from '../shared/signals.js'
import type { WaitOptions } from '../shared/types.js'
import {
  block,
  checkSyncWait,
  checkWait,
  type Pending,
  takeTurn,
  WAIT_OPTIONS,
  type Wait,
} from '../shared/waits.js'
import { Line, type Source } from './line.js'
import type { Message } from './messages.js'
import { channels } from './native.js'
import type { Origin } from './payload.js'
import { RECEIVE_SYNC_OPTIONS, type Receiving } from './receive-options.js'
import type { RingReader } from './ring.js'
import { Steps } from './steps.js'
import type { ReceiveSyncOptions } from './types.js'

/** How long the event loop is kept while a receiver spins, in milliseconds: not much longer than it is without. */
const SPIN_AT_A_TIME = 0.01

/** Gets the pending call of a wait that begins. Returns a function that is called when the wait ends. */
type Begun<M> = (pending: Pending<M>) => (() => void) | undefined

/** As a receiver's `receive`, with the receiver's own options. If it has to wait, `begun` gets the pending call. */
export let receiveSoon: <M extends Message<unknown>>(
  receiver: Receiver<M>,
  begun: Begun<M>,
) => Promise<M>

/** The common part of readers and members. */
export abstract class Receiver<M extends Message<unknown>> {
  readonly #opened: number
  readonly #origin: Origin
  readonly #how: Receiving
  readonly #line: Line
  readonly #leave: () => void
  readonly #ring: RingReader | undefined
  /** How it waits for messages. @internal */
  readonly source: Required<Source>
  #closed = false

  /** @internal */
  constructor(
    handle: number,
    origin: Origin,
    how: Receiving,
    className: 'Reader' | 'Member',
    ring?: RingReader,
  ) {
    this.#opened = handle
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
    this.source = { watch, unwatch, poll }
    this.#line = new Line(this, this.source)
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
   * @param options `timeout` in milliseconds, `signal`, `ref`; defaults: the receiver's own options
   * @example
   * const { index, value } = await reader.receive({ timeout: 1000 })
   */
  receive(options?: WaitOptions): Promise<M> {
    try {
      return this.#soon(this.#waitOf(options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  static {
    receiveSoon = (receiver, begun) => receiver.#soon(receiver.#how.wait, begun)
  }

  #soon(wait: Wait, begun?: Begun<M>): Promise<M> {
    throwIfAborted(wait.signal)
    const attempt = () => this.#next()
    const message = this.#line.length > 0 ? this.#served(attempt) : attempt()
    if (message !== undefined) return takeTurn()?.then(() => message) ?? Promise.resolve(message)
    if (wait.timeout === 0) throw this.#timedOut()
    return this.#line.wait(attempt, wait, () => this.#timedOut(), 0, begun)
  }

  /**
   * The next message; blocks this thread until there is one. Throws what `receive` rejects with.
   *
   * @param options `timeout` and `spin` in milliseconds. Default: no end, and the receiver's `spin`
   * @example
   * const { value } = reader.receiveSync({ timeout: 1000, spin: 0.05 })
   */
  receiveSync(options?: ReceiveSyncOptions): M {
    const given = checkOptions<ReceiveSyncOptions>(options, RECEIVE_SYNC_OPTIONS)
    const timeout = checkSyncWait(given)
    let spin = checkTime('options.spin', given.spin, this.#how.wait.spin)
    const message = block(timeout, (milliseconds) => {
      if (milliseconds > 0) {
        const spins = Math.min(spin, milliseconds)
        if (this.#ring?.await(spins)) return this.tryReceive()
        this.#ring?.tell()
        channels.waitSync(this.#native(), milliseconds, spins)
        spin = Math.max(0, spin - milliseconds)
      }
      return this.tryReceive()
    })
    if (message === undefined) throw this.#timedOut()
    return message
  }

  /**
   * The next message if there is one now. It costs a fraction of a microsecond, and a copy unless it is a view. In a stream
   * of small messages, a reader of views that is close behind the writer pauses for up to 5 microseconds, which makes both
   * faster.
   *
   * Throws `ERR_MMFILE_SEALED` when nothing can come any more, `ERR_MMFILE_PEER_GONE`, `ERR_MMFILE_EVICTED`,
   * `ERR_MMFILE_CLOSED`.
   *
   * @returns the message, or `undefined`
   * @example
   * const message = reader.tryReceive()
   * if (message !== undefined) show(message.value)
   */
  tryReceive(): M | undefined {
    return this.#line.length > 0 ? this.#served(() => this.#next()) : this.#next()
  }

  /**
   * The messages that are there now, up to `max` of them. It never waits. Of copies it returns as many as have 16 MiB
   * together: call it again for the rest.
   *
   * Throws the errors of `tryReceive`, but only if there are no messages.
   *
   * @param max at least 1
   * @example
   * for (const { value } of reader.tryReceiveAll(100)) show(value)
   */
  tryReceiveAll(max: number): M[] {
    checkWhole('max', max, 1)
    return this.#line.length > 0
      ? (this.#served(() => this.#several(max)) ?? [])
      : this.#several(max)
  }

  /** How many messages there are that it has not received; of a member: that its group has not acknowledged. */
  get lag(): number {
    this.#ring?.tell()
    return channels.lag(this.#native())
  }

  /** How many messages were overwritten or passed over before it came to them: 0, unless it is lossy. */
  get missed(): number {
    return channels.missed(this.#native())
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Present and future messages until the channel is sealed. Each step releases the message before. Timers and I/O
   * get their turn at least every 10 ms.
   *
   * It throws what `receive` rejects with, but for `ERR_MMFILE_SEALED`; `ERR_MMFILE_TIMEOUT` after a pause longer than
   * the receiver's `timeout`.
   *
   * @example
   * for await (const { index, value } of reader) console.log(index, value)
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
   *
   * @example
   * reader.close()
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave()
    operations.close(this.#opened)
    this.#ring?.close()
    this.#line.close(() => closed(this.#origin.subject))
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * using reader = channel.reader()
   */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * await using reader = channel.reader()
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** The number that the native code has for it. */
  #native(): number {
    if (this.#closed) throw closed(this.#origin.subject)
    return this.#opened
  }

  #next(): M | undefined {
    const message = this.next(this.#native(), this.#how, this.#origin)
    if (message === undefined) this.#checkPeer()
    return message
  }

  #several(max: number): M[] {
    const messages = this.several(max, this.#native(), this.#how, this.#origin)
    if (messages.length === 0) this.#checkPeer()
    return messages
  }

  /** Lets the calls that wait go first. */
  #served<R>(attempt: () => R): R | undefined {
    this.#line.serve()
    return this.#line.length > 0 ? undefined : attempt()
  }

  /** Throws if a peer that it requires is gone. */
  #checkPeer(): void {
    if (this.#how.requirePeer === 0) return
    this.#ring?.tell()
    channels.waitSync(this.#native(), 0, 0)
  }

  #waitOf(options: WaitOptions | undefined): Wait {
    if (options === undefined) return this.#how.wait
    const given = checkOptions<WaitOptions>(options, WAIT_OPTIONS)
    const own = this.#how.wait
    return checkWait({
      timeout: given.timeout ?? (Number.isFinite(own.timeout) ? own.timeout : undefined),
      signal: given.signal ?? own.signal,
      ref: given.ref ?? own.ref,
      spin: own.spin,
    })
  }

  #timedOut(): MmFileError {
    return timedOut(this.#origin.subject, 'waiting for a message')
  }
}
