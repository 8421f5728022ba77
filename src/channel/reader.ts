import type { Readable } from 'node:stream'
import { checksViews, Keeper, Lease, Message, readable } from './messages.js'
import { channels } from './native.js'
import {
  atLeast,
  BATCH,
  bytesAt,
  copies,
  copyOf,
  FIELDS,
  type Origin,
  payloadOf,
  row,
  take,
} from './payload.js'
import type { Receiving } from './receive-options.js'
import { Receiver } from './receiving.js'
import { RingReader } from './ring.js'
import { readStream } from './streams.js'
import type { ChannelReadStreamOptions } from './types.js'

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

  /**
   * The `value` of each message as a Node.js stream in object mode. It ends when the channel is sealed; an error of
   * `receive` destroys it.
   *
   * @param options `highWaterMark`: how many messages are read ahead; `signal`
   * @example
   * await pipeline(reader.createReadStream(), createWriteStream('copy'))
   */
  createReadStream(options?: ChannelReadStreamOptions): Readable {
    return readStream(this as Reader<unknown>, options)
  }

  /** @internal */
  protected override next(handle: number, how: Receiving, origin: Origin): Message<V> | undefined {
    const ring = this.#views
    if (ring !== undefined) return ring.look(false) ? this.#directNext(ring, handle) : undefined
    if (this.#lossy) return lossyNext(handle, how, origin) as Message<V> | undefined
    if (how.as !== 'view') return copiedNext(handle, how, origin) as Message<V> | undefined
    if (channels.receive(handle, 1, row) === 0) return undefined
    const keeper = Keeper.of(new Lease(handle, [row[3] as number])).keep(1)
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
    const messages: Message<unknown>[] = []
    if (ring !== undefined) {
      if (ring.look(true)) this.#direct(ring, max, handle, messages as Message<Uint8Array>[])
      return messages as Message<V>[]
    }
    if (how.as === 'view' && !this.#lossy) {
      const fields = new Float64Array(FIELDS * Math.min(max, BATCH))
      while (messages.length < max) {
        const asked = Math.min(max - messages.length, BATCH)
        const count = atLeast(messages, () => channels.receive(handle, asked, fields))
        if (count === 0) break
        const keys = Array.from({ length: count }, (_, at) => fields[at * FIELDS + 3] as number)
        const keeper = Keeper.of(new Lease(handle, keys)).keep(count)
        for (let at = 0; at < count; at += 1) {
          const value = bytesAt(fields, at * FIELDS, handle, origin)
          messages.push(new Message(fields[at * FIELDS] as number, value, keeper, at))
        }
      }
      return messages as Message<V>[]
    }
    return copies(max, handle, () => this.next(handle, how, origin))
  }

  /** Receives messages without a call to the native code, unless there are none. */
  #direct(ring: RingReader, max: number, handle: number, messages: Message<Uint8Array>[]): void {
    if (ring.receive(max, messages) >= 0) return
    // It was evicted, or is at the end or at damage: the native code reports it.
    ring.tell()
    if (channels.receive(handle, 1, row) > 0) ring.tell()
  }

  /** One of them. */
  #directNext(ring: RingReader, handle: number): Message<V> | undefined {
    this.#direct(ring, 1, handle, single as Message<Uint8Array>[])
    const message = single[0]
    single[0] = undefined
    return message as Message<unknown> as Message<V> | undefined
  }
}

/** An array for one message, used again and again. */
const single: [Message<Uint8Array> | undefined] = [undefined]

function copiedNext(handle: number, how: Receiving, origin: Origin): Message<unknown> | undefined {
  const found = take(handle, how, origin)
  if (found === 0) return undefined
  const index = row[0] as number
  const key = row[3] as number
  let value: unknown
  try {
    value = payloadOf(found, handle, how, origin)
  } catch (error) {
    channels.setPlace(handle, key, index) // it is still the next one
    throw error
  }
  if (found === 1) channels.release(handle, key)
  return readable(new Message(index, value))
}

function lossyNext(handle: number, how: Receiving, origin: Origin): Message<unknown> | undefined {
  const bytes = channels.receiveCopy(handle, row)
  if (bytes === undefined) return undefined
  row[2] = bytes.length
  return copyOf(bytes, row[0] as number, how.as, origin)
}
