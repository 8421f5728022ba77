import { inspect } from 'node:util'
import { checkOptions, checkWhole } from '../shared/arguments.js'
import { closed, fail } from '../shared/errors.js'
import { defaults, operations } from '../shared/native.js'
import { manage } from '../shared/open-files.js'
import type { SyncWaitOptions, WaitOptions } from '../shared/types.js'
import { checkSyncWait, checkWait, SYNC_WAIT_OPTIONS, WAIT_OPTIONS } from '../shared/waits.js'
import type { Coder } from './codec.js'
import { channels } from './native.js'
import type { RingWriter } from './ring.js'
import { Sender, Sends } from './sending.js'

/** Room for one message, to be filled over awaits. */
export class Reservation {
  /**
   * The room: shared memory with arbitrary contents at first. `commit` and disposal empty the array. Whatever writes
   * to it must have finished by then: a read that is cancelled late would write into later messages.
   */
  readonly bytes: Uint8Array
  readonly #byteLength: number
  readonly #subject: string
  #open: OpenReservation | undefined

  /** @internal */
  constructor(buffer: ArrayBuffer, byteLength: number, open: OpenReservation) {
    this.bytes = new Uint8Array(buffer)
    this.#byteLength = byteLength
    this.#subject = open.subject
    this.#open = open
  }

  /**
   * Sends the first `length` bytes.
   *
   * Throws `ERR_MMFILE_CLOSED` after a `commit` or disposal, `ERR_OUT_OF_RANGE` for more bytes than there are.
   *
   * @param length default: all bytes
   * @returns the message's index
   * @example
   * const index = room.commit(bytesRead)
   */
  commit(length?: number): number {
    const open = this.#open
    if (open === undefined || open.isOver()) {
      throw fail('ERR_MMFILE_CLOSED', this.#subject, 'the reservation is over: reserve again')
    }
    const all = this.#byteLength
    const kept = length === undefined ? all : checkWhole('length', length, 0, all)
    this.#open = undefined
    return open.commit(kept)
  }

  /**
   * Gives the room up at the end of a block, unless a message was sent: it leaves none.
   *
   * @example
   * using room = writer.reserveSync(1024)
   */
  [Symbol.dispose](): void {
    const open = this.#open
    this.#open = undefined
    if (open !== undefined && !open.isOver()) open.abort()
  }
}

/** The operations that a reservation needs of its writer, which it keeps from being garbage-collected. */
interface OpenReservation {
  readonly subject: string
  isOver(): boolean
  commit(length: number): number
  abort(): void
}

/** The only writer of a channel, until it closes or its process dies. */
export class ExclusiveWriter<T> extends Sender<T> {
  readonly #handle: number
  readonly #sends: Sends
  readonly #leave: () => void
  readonly #channel: object
  #closed = false

  /** @internal */
  constructor(
    handle: number,
    coder: Coder,
    subject: string,
    channel: object,
    adopt: (child: { close(): void }) => () => void,
    ring: RingWriter | undefined,
  ) {
    let own: Sends | undefined
    super((owner) => {
      own = new Sends(owner, handle, coder, subject, ring)
      return own
    })
    this.#sends = own as unknown as Sends
    this.#handle = handle
    this.#channel = channel
    this.#leave = adopt(this)
    manage(this, handle)
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Makes room for one message, as soon as there is some. It may be filled over awaits. There is one reservation at a
   * time: until it is committed or disposed of, every send and another `reserve` fail with `ERR_MMFILE_LOCK_HELD`.
   *
   * Rejects as `send` does.
   *
   * @param byteLength the most bytes that the message may have
   * @param options `timeout` in milliseconds, `signal`, `ref`
   * @example
   * using room = await writer.reserve(2 << 20)
   * const { bytesRead } = await device.read(room.bytes)
   * room.commit(bytesRead)
   */
  reserve(byteLength: number, options?: WaitOptions): Promise<Reservation> {
    try {
      checkWhole('byteLength', byteLength)
      const wait = checkWait(checkOptions<WaitOptions>(options, WAIT_OPTIONS))
      return this.#sends.soon(this.#attempt(byteLength), wait)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As `reserve`, and blocks this thread while it waits. Throws what `send` rejects with.
   *
   * @param byteLength the most bytes that the message may have
   * @param options `timeout` in milliseconds
   * @example
   * using room = writer.reserveSync(1024)
   */
  reserveSync(byteLength: number, options?: SyncWaitOptions): Reservation {
    checkWhole('byteLength', byteLength)
    const timeout = checkSyncWait(checkOptions<SyncWaitOptions>(options, SYNC_WAIT_OPTIONS))
    return this.#sends.blocking(this.#attempt(byteLength), timeout)
  }

  /**
   * As `reserve`, if there is room now; otherwise `undefined`. It never waits.
   *
   * @param byteLength the most bytes that the message may have
   * @example
   * using room = writer.tryReserve(1024)
   */
  tryReserve(byteLength: number): Reservation | undefined {
    checkWhole('byteLength', byteLength)
    return this.#sends.now(this.#attempt(byteLength))
  }

  /**
   * No more messages, of any writer. Doing it again changes nothing. Throws `ERR_MMFILE_TIMEOUT` (for the lock),
   * `ERR_MMFILE_CLOSED`.
   *
   * @example
   * writer.seal()
   */
  seal(): void {
    channels.seal(this.#sends.handle, defaults.lockTimeout)
  }

  /**
   * Lets others write again. Sends that wait reject with `ERR_MMFILE_CLOSED`. Doing it again changes nothing.
   *
   * @example
   * writer.close()
   */
  close(): void {
    if (this.#closed) return
    operations.close(this.#handle)
    this.#closed = true
    this.#leave()
    this.#sends.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * using writer = await channel.exclusiveWriter()
   */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * await using writer = await channel.exclusiveWriter()
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** The text that `console.log` prints. @internal */
  [inspect.custom](_depth: number, options: object): string {
    return `ExclusiveWriter ${inspect({ channel: this.#channel, closed: this.#closed }, options)}`
  }

  #attempt(byteLength: number) {
    const handle = this.#handle
    return {
      now: (): Reservation | undefined => {
        if (this.#closed) throw closed(this.#sends.subject)
        const buffer = channels.reserve(handle, byteLength)
        if (buffer === undefined) return undefined
        this.#sends.occupied = true
        return new Reservation(buffer, byteLength, {
          subject: this.#sends.subject,
          isOver: () => this.#closed,
          commit: (length) => {
            this.#sends.occupied = false
            return channels.commit(handle, length)
          },
          abort: () => {
            this.#sends.occupied = false
            channels.abort(handle)
          },
        })
      },
      byteLength: () => byteLength,
    }
  }
}
