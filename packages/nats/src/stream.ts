import {
  type Consumer,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import type { MsgHdrs, NatsConnection } from '@nats-io/nats-core'
import { BridgeError } from './errors.js'
import { Link } from './link.js'
import { type CopyOptions, connectionOf, type StreamPlace } from './options.js'
import { aborted, linked, pause } from './wait.js'

/** Headers of the messages. */
export const SEAL = 'Mmfile-Seal'
export const OBJECT = 'Mmfile-Object'
export const MESSAGE_ID = 'Nats-Msg-Id'

const STREAM_NOT_FOUND = 10059
const MESSAGE_NOT_FOUND = 10037
const STREAM_EXISTS = 10058
/** Another sequence or id than the expected one; a leader knows it before or after it has asked the others. */
const WRONG_SEQUENCE = [10071, 10164]
const WRONG_ID = 10070
/** A message of that id is on its way to the others. */
const DUPLICATE_IN_PROCESS = 10158
const OUT_OF_PLACE = [...WRONG_SEQUENCE, WRONG_ID, DUPLICATE_IN_PROCESS]

/** Names of errors. A connection that is closed is no longer tried, wherever it is found to be. */
const TRANSIENT = [
  'TimeoutError',
  'RequestError',
  'NoResponders',
  'JetStreamNotEnabled',
  'ConnectionError',
  'ClosedConnectionError',
  'DrainingConnectionError',
]

const FIRST_PAUSE = 50
const LONGEST_PAUSE = 2000

/** The code of the server's API that an error has. */
export function apiCode(error: unknown): number | undefined {
  const { name, code } = error as { name?: string; code?: unknown }
  const isApi = name === 'JetStreamApiError' || name === 'StreamNotFoundError'
  return isApi && typeof code === 'number' ? code : undefined
}

/** Whether a reply says that the stream's end is not where the pusher believes: it has to be read again. */
export function isOutOfPlace(error: unknown): boolean {
  return OUT_OF_PLACE.includes(apiCode(error) ?? 0)
}

/** Whether a reply says that the newest message has another id than the expected one. */
export function isWrongId(error: unknown): boolean {
  return apiCode(error) === WRONG_ID
}

/** Whether trying again may help: no connection, no leader, no reply. */
export function isTransient(error: unknown): boolean {
  const { name, cause, status } = error as { name?: string; cause?: unknown; status?: number }
  if ((cause as Error | undefined)?.name === 'PermissionViolationError') return false
  if (name === 'JetStreamApiError') return status === 503 || status === 408
  return TRANSIENT.includes(name ?? '')
}

/** Repeated failures for the same reason, until a request succeeds. */
export class Trouble {
  #since: number | undefined
  #pause = FIRST_PAUSE

  /** Milliseconds for which it has lasted. */
  get lasts(): number {
    const now = performance.now()
    this.#since ??= now
    return now - this.#since
  }

  /** Milliseconds to wait this time; longer the next. */
  pause(): number {
    const milliseconds = this.#pause
    this.#pause = Math.min(2 * milliseconds, LONGEST_PAUSE)
    return milliseconds
  }

  /** Something got through. */
  over(): void {
    this.#since = undefined
    this.#pause = FIRST_PAUSE
  }
}

/** A stream, with requests that are repeated until its server replies. */
export class Stream {
  readonly js: JetStreamClient
  readonly name: string
  readonly connection: NatsConnection
  readonly link: Link
  readonly #options: CopyOptions
  #manager: JetStreamManager | undefined

  constructor({ js, stream }: StreamPlace, options: CopyOptions) {
    this.js = js
    this.name = stream
    this.connection = connectionOf(js)
    this.link = new Link(this.connection)
    this.#options = options
  }

  async #api(): Promise<JetStreamManager> {
    this.#manager ??= await this.js.jetstreamManager(false)
    return this.#manager
  }

  /** The state of this stream or of another one; `undefined` if it does not exist. */
  info(name = this.name, subjects?: string): Promise<StreamInfo | undefined> {
    const details = subjects === undefined ? {} : { subjects_filter: subjects }
    return this.#unless(STREAM_NOT_FOUND, async () =>
      (await this.#api()).streams.info(name, details),
    )
  }

  /** Makes the stream, unless another process was faster. */
  async create(config: Partial<StreamConfig>): Promise<void> {
    await this.#unless(STREAM_EXISTS, async () =>
      (await this.#api()).streams.add({ ...config, name: this.name }),
    )
  }

  /** A message by its sequence, or `undefined` if it is gone. */
  async message(seq: number): Promise<StoredMsg | undefined> {
    const message = await this.#unless(MESSAGE_NOT_FOUND, async () =>
      (await this.#api()).streams.getMessage(this.name, { seq }),
    )
    return message ?? undefined
  }

  /** An ordered consumer from a sequence on, or `undefined` if there is no stream. */
  consumer(seq: number): Promise<Consumer | undefined> {
    return this.#unless(STREAM_NOT_FOUND, () =>
      this.js.consumers.get(this.name, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: seq,
      }),
    )
  }

  /** The server's reply, or `undefined` if it is an error with that code. */
  #unless<T>(code: number, ask: () => Promise<T>): Promise<T | undefined> {
    return this.persist(async () => {
      try {
        return await ask()
      } catch (error) {
        if (apiCode(error) === code) return undefined
        throw error
      }
    })
  }

  /** Tries something until it gets through. At the caller's signal it gives up with an `AbortError`. */
  async persist<T>(attempt: () => Promise<T>): Promise<T> {
    const trouble = new Trouble()
    for (;;) {
      try {
        this.goOn()
        return await this.link.unlessDown(attempt)
      } catch (error) {
        await this.retry(error, trouble, isTransient(error))
      }
    }
  }

  /** Throws an `AbortError` if the caller's signal has aborted. */
  goOn(): void {
    if (this.#options.signal?.aborted) throw aborted()
  }

  /** Waits before something is tried again; throws what makes no sense to try, or has lasted too long. */
  async retry(error: unknown, trouble: Trouble, transient = true): Promise<void> {
    if (this.connection.isClosed()) {
      const reason = await this.connection.closed()
      const why = reason instanceof Error ? ` (${reason.message})` : ''
      const message = `stream '${this.name}': the connection to NATS is closed${why}: open another one and call again`
      throw new BridgeError('ERR_MMFILE_CLOSED', message, { cause: reason ?? error })
    }
    const { timeout = Number.POSITIVE_INFINITY, signal, onRetry } = this.#options
    if (!transient || timeout === 0 || trouble.lasts >= timeout) throw error
    onRetry?.(error as Error)
    // The connection ends the pause when it is up again.
    const { signal: ends, abort, end } = linked(signal)
    const unlisten = this.link.listen((up) => up && abort())
    await pause(trouble.pause(), ends)
    unlisten()
    end()
  }

  end(): void {
    this.link.end()
  }
}

/** A header of a message, or `undefined`. */
export function header(headers: MsgHdrs | undefined, name: string): string | undefined {
  const value = headers?.get(name)
  return value === '' ? undefined : value
}
