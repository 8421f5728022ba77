import { fail, MmFileError } from '../shared/errors.js'
import type { ViewWindow } from '../shared/view-window.js'
import { type Coder, notDecoded } from './codec.js'
import { checksViews, Message, readable, Undecodable } from './messages.js'
import { channels } from './native.js'
import type { Receiving } from './receive-options.js'
import type { RingMemory } from './ring.js'
import type { MessageForm } from './types.js'

/** The parts of a channel's handle that its receivers use. */
export interface Origin {
  /** The channel, which stays open for them. */
  readonly channel: object
  readonly subject: string
  readonly coder: Coder
  readonly window: ViewWindow
  /** The channel's memory, where messages can be received without the native code. */
  memory(): RingMemory | undefined
  /** Has the channel close it. */
  adopt(child: { close(): void }): () => void
}

/** The fields of a row that the native code fills in. */
export const FIELDS = 5
export const row = new Float64Array(FIELDS)
/** Messages that are asked for at a time. */
export const BATCH = 256
/** A call that copies several messages ends once they have so many bytes. */
const COPIED_AT_A_TIME = 16 << 20
/** Where messages go that are decoded at once. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)
/** Below this size a buffer comes from Node's pool. */
const POOLED = Buffer.poolSize >>> 1
const small = scratch.subarray(0, POOLED)

/** An error after messages that were already received is reported by the next call. */
export function atLeast<R>(messages: readonly unknown[], receive: () => R): R | 0 {
  try {
    return receive()
  } catch (error) {
    if (messages.length > 0) return 0
    throw error
  }
}

/**
 * Receives the messages that are there, up to `max`; `next` copies their bytes. A copied message frees its room at
 * once, so writers may keep sending: the limits on count and bytes bound the call.
 */
export function copies<M>(max: number, handle: number, next: () => M | undefined): M[] {
  const most = Math.min(max, channels.lag(handle))
  const messages: M[] = []
  let bytes = 0
  do {
    const message = atLeast(messages, next)
    if (!message) break
    messages.push(message)
    bytes += row[2] as number
  } while (messages.length < most && bytes < COPIED_AT_A_TIME)
  return messages
}

export function bytesAt(
  fields: Float64Array,
  at: number,
  handle: number,
  origin: Origin,
): Uint8Array {
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
  const bytes = allocated(length, origin)
  channels.copy(handle, fields.subarray(at, at + FIELDS), bytes)
  return bytes
}

/** Memory for a copy, all of which is written before it is read. */
function allocated(length: number, { subject }: Origin): Buffer {
  try {
    return Buffer.allocUnsafeSlow(length)
  } catch (cause) {
    const message = `no memory for a copy of ${length} bytes: make room, or receive it as 'view'`
    throw fail('ERR_MMFILE_NO_SPACE', subject, message, { cause })
  }
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

/**
 * Takes the next message and fills in its row. Returns 0 if there is no message, 2 if its bytes are in the scratch
 * memory.
 */
export function take(handle: number, how: Receiving, { coder }: Origin): number {
  return channels.take(handle, row, how.as === 'bytes' || coder.keeps ? small : scratch)
}

/** The value of the message that was taken just now. */
export function payloadOf(found: number, handle: number, how: Receiving, origin: Origin): unknown {
  const index = row[0] as number
  const length = row[2] as number
  const bytes = how.as === 'bytes'
  const own = bytes || origin.coder.keeps
  let from: Buffer = scratch
  if (found === 1) {
    from = allocated(length, origin)
    channels.copy(handle, row, from)
  } else if (own) {
    from = Buffer.allocUnsafe(length)
    scratch.copy(from, 0, 0, length)
  }
  return bytes ? from : decoded(from, length, origin, index)
}

/** A message whose bytes are a copy already. */
export function copyOf(
  bytes: Buffer,
  index: number,
  as: MessageForm,
  origin: Origin,
): Message<unknown> {
  if (as !== 'value') return new Message(index, bytes)
  return readable(new Message(index, decoded(bytes, bytes.length, origin, index)))
}
