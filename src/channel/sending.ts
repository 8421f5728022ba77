import { checkFunction, checkOptions, checkWhole } from '../shared/arguments.js'
import { closed, fail, invalidType } from '../shared/errors.js'
import { filling } from '../shared/fill.js'
import { throwIfAborted } from '../shared/signals.js'
import type { Fill, SyncWaitOptions, WaitOptions } from '../shared/types.js'
import {
  block,
  checkSyncWait,
  checkWait,
  SYNC_WAIT_OPTIONS,
  takeTurn,
  WAIT_OPTIONS,
  type Wait,
} from '../shared/waits.js'
import { builtIn, byteLengthOf, type Coder, type Encoded, keep } from './codec.js'
import { Line } from './line.js'
import { channels } from './native.js'
import { bytesTogether, type RingWriter } from './ring.js'
import type { ExpectOptions, Sendable, SendOptions, SendSyncOptions } from './types.js'

/** How many sends of a handle may wait: more of them are not awaited, and would eat the memory. */
const MOST_WAITING = 1024

const EXPECT_OPTIONS = ['expectedIndex'] as const
const SEND_OPTIONS = [...WAIT_OPTIONS, 'expectedIndex'] as const
const SEND_SYNC_OPTIONS = [...SYNC_WAIT_OPTIONS, 'expectedIndex'] as const

/** Any index. */
const ANY = -1

/** Something to be sent: tried at once, and again when there is room. */
interface Attempt<T> {
  /** `undefined` if there is no room now. */
  now(): T | undefined
  /** Copies values that the program may change later. */
  keep?(): void
  /** The bytes that it needs, asked for when it has to wait. */
  byteLength(): number
}

/** The sends of a channel's handle or of its exclusive writer, in the order of the calls. */
export class Sends {
  readonly #handle: number
  readonly coder: Coder
  readonly subject: string
  readonly #line: Line
  #ring: RingWriter | undefined
  #closed = false
  /** Whether something is being filled in, until which nothing else is sent. */
  occupied = false

  constructor(owner: object, handle: number, coder: Coder, subject: string, ring?: RingWriter) {
    this.#ring = ring
    this.#handle = handle
    this.coder = coder
    this.subject = subject
    this.#line = new Line(owner, {
      watch: (size, keepsAlive, wake) => channels.watchRoom(handle, size, keepsAlive, wake),
      unwatch: () => channels.unwatchRoom(handle),
    })
  }

  /** The number that the native code has for it. */
  get handle(): number {
    if (this.#closed) throw closed(this.subject)
    return this.#handle
  }

  /** Bytes without the native code, where that can be; -1 where it cannot. */
  direct(value: unknown): number | undefined {
    const ring = this.#ring
    if (ring === undefined || this.occupied || !(value instanceof Uint8Array)) return -1
    return this.#line.length > 0 ? -1 : ring.trySend(value)
  }

  one(value: unknown, expected: number): Attempt<number> {
    let encoded = this.coder.encode('value', value)
    return {
      now: () => channels.trySend(this.handle, encoded, expected),
      keep: () => {
        encoded = keep(encoded)
      },
      byteLength: () => byteLengthOf(encoded, this.coder.text),
    }
  }

  all(values: Iterable<unknown>): Attempt<number> {
    let encoded = this.#encodeAll(values)
    return {
      now: () => channels.trySendAll(this.handle, encoded),
      keep: () => {
        encoded = encoded.map(keep)
      },
      byteLength: () => bytesTogether(encoded.map((one) => byteLengthOf(one, this.coder.text))),
    }
  }

  inPlace(byteLength: number, fill: Fill): Attempt<number> {
    checkWhole('byteLength', byteLength)
    checkFunction('fill', fill)
    const written = filling(byteLength, fill)
    const write = (buffer: ArrayBuffer): number => {
      this.occupied = true
      try {
        return written(buffer)
      } finally {
        this.occupied = false
      }
    }
    return {
      now: () => channels.trySendWith(this.handle, byteLength, write),
      byteLength: () => byteLength,
    }
  }

  /** Now, or `undefined`. */
  now<T>({ now }: Attempt<T>): T | undefined {
    this.#checkOccupied()
    return this.#waits() ? undefined : now()
  }

  /** As soon as there is room. */
  soon<T>(attempt: Attempt<T>, wait: Wait): Promise<T> {
    try {
      throwIfAborted(wait.signal)
      this.#checkOccupied()
      if (!this.#waits()) {
        const result = attempt.now()
        if (result !== undefined) return takeTurn()?.then(() => result) ?? Promise.resolve(result)
      }
      if (this.#line.length >= MOST_WAITING) {
        const message = `${MOST_WAITING} sends of this handle wait already: await send()`
        throw fail('ERR_MMFILE_FULL', this.subject, message)
      }
      const size = attempt.byteLength()
      if (wait.timeout === 0) throw this.#full(size)
      attempt.keep?.()
      return this.#line.wait(attempt.now, wait, () => this.#full(size), size)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The same, blocking. Sends that already wait go first. */
  blocking<T>(attempt: Attempt<T>, timeout: number): T {
    this.#checkOccupied()
    let size: number | undefined
    const result = block(timeout, (milliseconds) => {
      if (milliseconds > 0) {
        size ??= attempt.byteLength()
        this.#awaitRoom(size, milliseconds)
      }
      return this.#waits() ? undefined : attempt.now()
    })
    if (result !== undefined) return result
    throw this.#full(size ?? attempt.byteLength())
  }

  close(): void {
    this.#closed = true
    this.#ring = undefined // the memory stays for as long as the channel is open, and may be another writer's
    this.#line.close(() => closed(this.subject))
  }

  /** Nothing is sent while a message is filled in. */
  #checkOccupied(): void {
    if (!this.occupied) return
    const message = 'a message is being filled in: finish that first, by commit() or disposal'
    throw fail('ERR_MMFILE_LOCK_HELD', this.subject, message, { pid: process.pid })
  }

  /** Whether earlier sends wait, even now. */
  #waits(): boolean {
    if (this.#line.length > 0) this.#line.serve()
    return this.#line.length > 0
  }

  /** Sleeps until there may be room. */
  #awaitRoom(size: number, milliseconds: number): void {
    try {
      channels.roomSync(this.handle, this.#line.firstSize ?? size, milliseconds)
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_MMFILE_FULL') throw error
    }
  }

  /** The error that names the slowest reader. */
  #full(size: number): Error {
    try {
      channels.roomSync(this.handle, size, 0)
    } catch (error) {
      return error as Error
    }
    return fail('ERR_MMFILE_FULL', this.subject, 'full: wait until there is room')
  }

  #encodeAll(values: Iterable<unknown>): Encoded[] {
    const iterable = values as Iterable<unknown> | null | undefined
    if (typeof values === 'string' || typeof iterable?.[Symbol.iterator] !== 'function') {
      throw invalidType('values', 'an iterable of values', values)
    }
    // A codec may use the same bytes for every value.
    const codes = builtIn(this.coder.name) === undefined
    return Array.from(values, (value, at) => {
      const encoded = this.coder.encode(`values[${at}]`, value)
      return codes ? keep(encoded) : encoded
    })
  }
}

/** The methods with which a channel and its exclusive writer send. */
export abstract class Sender<T> {
  readonly #sends: Sends

  /** @internal */
  constructor(sends: (owner: object) => Sends) {
    this.#sends = sends(this)
  }

  /**
   * Sends one message as soon as there is room. The value is taken during the call, and may be changed afterwards.
   * The sends of a handle take effect in the order of the calls.
   *
   * Rejects with `ERR_MMFILE_FULL` when the time is over without room (`slowest` names the reader or group that needs
   * it), or at once if 1,024 sends of this handle wait already: await them. `ERR_MMFILE_CAPACITY`: more than
   * `maxByteLength`; `ERR_MMFILE_SEGMENT_ORDER`: it would not be `expectedIndex`; `ERR_MMFILE_LOCK_HELD`: another one
   * is the exclusive writer; `ERR_MMFILE_SEALED`, `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_TIMEOUT` (for the lock), an
   * `AbortError`.
   *
   * @param value what is sent, by the channel's `encoding`
   * @param options `timeout` in milliseconds, `signal`, `ref`, `expectedIndex`
   * @returns its index
   * @example
   * await channel.send({ n: 1 }, { timeout: 1000 })
   */
  send(value: Sendable<T>, options?: SendOptions): Promise<number> {
    try {
      const given = checkOptions<SendOptions>(options, SEND_OPTIONS)
      const wait = checkWait(given)
      return this.#sends.soon(this.#sends.one(value, checkExpected(given)), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As `send`, and blocks this thread while it waits. Throws what `send` rejects with.
   *
   * @param value what is sent, by the channel's `encoding`
   * @param options `timeout` in milliseconds, `expectedIndex`
   * @returns its index
   * @example
   * channel.sendSync({ n: 1 }, { timeout: 1000 })
   */
  sendSync(value: Sendable<T>, options?: SendSyncOptions): number {
    const given = checkOptions<SendSyncOptions>(options, SEND_SYNC_OPTIONS)
    const timeout = checkSyncWait(given)
    return this.#sends.blocking(this.#sends.one(value, checkExpected(given)), timeout)
  }

  /**
   * Sends one message if there is room now, and no `send` of this handle waits. It costs about a microsecond, and a
   * copy of the bytes; the exclusive writer's takes no lock.
   *
   * Throws what `send` rejects with, but for `ERR_MMFILE_FULL`.
   *
   * @param value what is sent, by the channel's `encoding`
   * @param options `expectedIndex`: the only index that it may get
   * @returns its index, or `undefined`
   * @example
   * if (channel.trySend({ n: 1 }) === undefined) await channel.send({ n: 1 })
   */
  trySend(value: Sendable<T>, options?: ExpectOptions): number | undefined {
    if (options === undefined) {
      const index = this.#sends.direct(value)
      return index === -1 ? this.#sends.now(this.#sends.one(value, ANY)) : index
    }
    const expected = checkExpected(checkOptions<ExpectOptions>(options, EXPECT_OPTIONS))
    return this.#sends.now(this.#sends.one(value, expected))
  }

  /**
   * Sends several messages with consecutive indices, or none of them. Together they may take as much room as one: the
   * header of each counts.
   *
   * Rejects as `send` does.
   *
   * @param values what is sent; taken all before the first is written
   * @param options `timeout` in milliseconds, `signal`, `ref`
   * @returns the index of the first; of none, `nextIndex`
   * @example
   * const first = await channel.sendAll([{ n: 1 }, { n: 2 }])
   */
  sendAll(values: Iterable<Sendable<T>>, options?: WaitOptions): Promise<number> {
    try {
      const wait = checkWait(checkOptions<WaitOptions>(options, WAIT_OPTIONS))
      return this.#sends.soon(this.#sends.all(values), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As `sendAll`, and blocks this thread while it waits. Throws what `send` rejects with.
   *
   * @param values what is sent; taken all before the first is written
   * @param options `timeout` in milliseconds
   * @returns the index of the first; of none, `nextIndex`
   * @example
   * const first = channel.sendAllSync([{ n: 1 }, { n: 2 }])
   */
  sendAllSync(values: Iterable<Sendable<T>>, options?: SyncWaitOptions): number {
    const timeout = checkSyncWait(checkOptions<SyncWaitOptions>(options, SYNC_WAIT_OPTIONS))
    return this.#sends.blocking(this.#sends.all(values), timeout)
  }

  /**
   * As `sendAll`, if there is room for all of them now. Throws what `trySend` throws.
   *
   * @param values what is sent; taken all before the first is written
   * @returns the index of the first, or `undefined`
   * @example
   * const first = channel.trySendAll([{ n: 1 }, { n: 2 }])
   */
  trySendAll(values: Iterable<Sendable<T>>): number | undefined {
    return this.#sends.now(this.#sends.all(values))
  }

  /**
   * Sends a message that a function writes in place, which saves a copy. The bytes are sent as they are, whatever the
   * encoding. `fill` is called at most once, when there is room; the target has arbitrary contents at first and is
   * emptied afterwards. If `fill` throws, the promise rejects with that error and nothing was sent.
   *
   * Rejects as `send` does.
   *
   * @param byteLength the most bytes that it may have
   * @param fill writes them; a number that it returns is the length to keep
   * @param options `timeout` in milliseconds, `signal`, `ref`
   * @returns its index
   * @example
   * await channel.sendWith(4, (target) => new DataView(target.buffer).setUint32(0, 42))
   */
  sendWith(byteLength: number, fill: Fill, options?: WaitOptions): Promise<number> {
    try {
      const wait = checkWait(checkOptions<WaitOptions>(options, WAIT_OPTIONS))
      return this.#sends.soon(this.#sends.inPlace(byteLength, fill), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As `sendWith`, and blocks this thread while it waits. Throws what `fill` throws and `send` rejects with.
   *
   * @param byteLength the most bytes that it may have
   * @param fill writes them; a number that it returns is the length to keep
   * @param options `timeout` in milliseconds
   * @returns its index
   * @example
   * channel.sendWithSync(1024, (target) => encoder.encodeInto(text, target).written)
   */
  sendWithSync(byteLength: number, fill: Fill, options?: SyncWaitOptions): number {
    const timeout = checkSyncWait(checkOptions<SyncWaitOptions>(options, SYNC_WAIT_OPTIONS))
    return this.#sends.blocking(this.#sends.inPlace(byteLength, fill), timeout)
  }

  /**
   * As `sendWith`, if there is room now; `fill` is not called otherwise. Throws what `fill` and `trySend` throw.
   *
   * @param byteLength the most bytes that it may have
   * @param fill writes them; a number that it returns is the length to keep
   * @returns its index, or `undefined`
   * @example
   * const index = channel.trySendWith(frame.byteLength, (target) => target.set(frame))
   */
  trySendWith(byteLength: number, fill: Fill): number | undefined {
    return this.#sends.now(this.#sends.inPlace(byteLength, fill))
  }
}

function checkExpected({ expectedIndex }: ExpectOptions): number {
  return expectedIndex === undefined ? ANY : checkWhole('options.expectedIndex', expectedIndex)
}
