import { fail } from '../shared/errors.js'
import type { Job } from './messages.js'
import type { Reader } from './reader.js'
import type { ByteChannel, Factory, RequestPlace, Served } from './request-channels.js'
import { bytesOf, type CallerState, described, pack, requestOf, stateOf } from './request-frames.js'
import type { RequestContext } from './types.js'

/** How often a request is handed out: after so many deaths of servers it is refused. */
export const MOST_ATTEMPTS = 3
/** Milliseconds that a server waits for a caller that has no room, or has to make some. */
const PATIENCE = 5000
/** How many callers a server keeps open. */
const MOST_CALLERS = 64

/** A caller, as a server knows it. */
interface Known {
  readonly channel: ByteChannel
  readonly reader: Reader<Buffer>
  state: CallerState
  replies: ByteChannel
}

/** The callers that a server has open. */
export class Callers {
  readonly #factory: Factory
  readonly #place: RequestPlace
  readonly #known = new Map<string, Known>()

  constructor(factory: Factory, place: RequestPlace) {
    this.#factory = factory
    this.#place = place
  }

  /** The current state of the caller with that id; `undefined` if the caller has gone. */
  find(id: string): Known | undefined {
    try {
      const known = this.#known.get(id) ?? this.#open(id)
      const news = known.reader.tryReceive()
      if (news !== undefined) this.#update(known, news.value)
      return known
    } catch {
      this.#forget(id) // it is closed or dead, or its state is damaged
      return undefined
    }
  }

  /** The same, once it has room for a larger reply; `undefined` if it does not make any. */
  async grown(id: string, known: Known, byteLength: number): Promise<Known | undefined> {
    try {
      while (known.replies.maxByteLength < byteLength) {
        const { value } = await known.reader.receive({ timeout: PATIENCE })
        this.#update(known, value)
      }
      return known
    } catch {
      this.#forget(id)
      return undefined
    }
  }

  close(): void {
    for (const id of [...this.#known.keys()]) this.#forget(id)
  }

  #open(id: string): Known {
    if (this.#known.size >= MOST_CALLERS) {
      const [oldest] = this.#known.keys()
      if (oldest !== undefined) this.#forget(oldest)
    }
    const channel = this.#factory.open(id, this.#place)
    const reader = channel.reader({ from: 'new', lossy: 'newest', requirePeer: 'creator' })
    const state = stateOf(channel.newest()?.value)
    const known = {
      channel,
      reader,
      state,
      replies: this.#factory.open(state.replies, this.#place),
    }
    this.#known.set(id, known)
    return known
  }

  #update(known: Known, value: Buffer): void {
    const state = stateOf(value)
    if (state.replies !== known.state.replies) {
      const replies = this.#factory.open(state.replies, this.#place)
      known.replies.close()
      known.replies = replies
    }
    known.state = state
  }

  #forget(id: string): void {
    const known = this.#known.get(id)
    if (known === undefined) return
    this.#known.delete(id)
    known.reader.close()
    known.replies.close()
    known.channel.close()
  }
}

/** A server's functions: its handler, and the callback for a handler that failed. */
export interface Serving {
  readonly handler: (value: unknown, context: RequestContext) => unknown
  readonly onError: ((error: unknown, context: RequestContext) => void) | undefined
}

/**
 * Handles one request, unless its caller has cancelled it, and acknowledges the job in every case. `end` ends the
 * serving with the error that `onError` threw.
 */
export async function handle(
  job: Job<Buffer>,
  { handler, onError }: Serving,
  callers: Callers,
  { coder, maxByteLength, subject }: Served,
  end: (error: unknown) => void,
): Promise<void> {
  const found = requestOf(job.value)
  if (found === undefined) return
  const { caller: id, request } = found.header
  const caller = callers.find(id)
  if (caller === undefined || caller.state.gone.includes(request)) return
  if (job.attempt > MOST_ATTEMPTS) return reply(callers, id, pack({ request, gone: true }))
  const context = { index: job.index, attempt: job.attempt }
  let answer: Buffer
  try {
    const value = coder.decode(found.payload, found.payload.length)
    const result = await handler(value, context)
    answer =
      result === undefined
        ? pack({ request, nothing: true })
        : pack({ request }, bytesOf(coder, 'the result of the handler', result))
    if (answer.length > maxByteLength) {
      const message = `the reply takes ${answer.length} bytes, and a message of ${subject} has ${maxByteLength}`
      throw fail('ERR_MMFILE_CAPACITY', undefined, message)
    }
  } catch (error) {
    answer = pack({ request, error: described(error) })
    try {
      onError?.(error, context)
    } catch (thrown) {
      end(thrown)
    }
  }
  await reply(callers, id, answer, request)
}

/** Replies. A reply that finds no room in time, or whose caller has gone, is dropped. */
async function reply(
  callers: Callers,
  id: string,
  answer: Buffer,
  request?: number,
): Promise<void> {
  let caller = callers.find(id)
  if (caller === undefined) return
  try {
    if (answer.length > caller.replies.maxByteLength) {
      caller.replies.trySend(pack({ request, needed: answer.length }))
      caller = await callers.grown(id, caller, answer.length)
      if (caller === undefined) return
    }
    await caller.replies.send(answer, { timeout: PATIENCE })
  } catch {
    // The caller has gone, or does not read replies: its own timeout tells it.
  }
}
