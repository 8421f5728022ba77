import type {
  JetStreamClient,
  JetStreamManager,
  StoredMsg,
  StreamConfig,
  StreamInfo,
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

/** Whether an answer says that the stream is not where the pusher believes: it has to be asked. */
export function isOutOfPlace(error: unknown): boolean {
  return OUT_OF_PLACE.includes(apiCode(error) ?? 0)
}

/** Whether trying again may help: no connection, no leader, no answer. */
export function isTransient(error: unknown): boolean {
  const { name, cause, status } = error as { name?: string; cause?: unknown; status?: number }
  if ((cause as Error | undefined)?.name === 'PermissionViolationError') return false
  if (name === 'JetStreamApiError') return status === 503 || status === 408
  return TRANSIENT.includes(name ?? '')
}

/** A stream, and how long its server may be out of reach. */
export class Stream {
  readonly js: JetStreamClient
  readonly name: string
  readonly connection: NatsConnection
  readonly link: Link
  readonly #options: CopyOptions
  #manager: JetStreamManager | undefined
  #troubleSince: number | undefined
  #pause = FIRST_PAUSE

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

  /** What the stream has, or `undefined` if there is none. */
  info(): Promise<StreamInfo | undefined> {
    return this.persist(async () => {
      try {
        return await (await this.#api()).streams.info(this.name)
      } catch (error) {
        if (apiCode(error) === STREAM_NOT_FOUND) return undefined
        throw error
      }
    })
  }

  /** Makes the stream, unless another process was faster. */
  create(config: Partial<StreamConfig>): Promise<void> {
    return this.persist(async () => {
      try {
        await (await this.#api()).streams.add({ ...config, name: this.name })
      } catch (error) {
        if (apiCode(error) !== STREAM_EXISTS) throw error
      }
    })
  }

  /** A message by its sequence, or `undefined` if it is gone. */
  message(seq: number): Promise<StoredMsg | undefined> {
    return this.persist(async () => {
      try {
        return (await (await this.#api()).streams.getMessage(this.name, { seq })) ?? undefined
      } catch (error) {
        if (apiCode(error) === MESSAGE_NOT_FOUND) return undefined
        throw error
      }
    })
  }

  /** Tries something until it gets through. At the caller's signal it gives up with an `AbortError`. */
  async persist<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        this.goOn()
        const result = await this.link.unlessDown(attempt)
        this.calm()
        return result
      } catch (error) {
        await this.trouble(error)
      }
    }
  }

  /** Throws an `AbortError` if the caller's signal has aborted. */
  goOn(): void {
    if (this.#options.signal?.aborted) throw aborted()
  }

  /** The server was reached: what comes later is another trouble. */
  calm(): void {
    this.#troubleSince = undefined
    this.#pause = FIRST_PAUSE
  }

  /** Waits before something is tried again; throws what makes no sense to try, or has lasted too long. */
  async trouble(error: unknown, transient = isTransient(error)): Promise<void> {
    if (this.connection.isClosed()) {
      const message = `stream '${this.name}': the connection to NATS is closed: open another one and call again`
      throw new BridgeError('ERR_MMFILE_CLOSED', message, { cause: error })
    }
    if (!transient) throw error
    const now = performance.now()
    this.#troubleSince ??= now
    const { timeout = Number.POSITIVE_INFINITY, signal, onRetry } = this.#options
    if (timeout === 0 || now - this.#troubleSince >= timeout) throw error
    onRetry?.(error as Error)
    await this.#pauseOrLink(signal)
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)
  }

  /** A pause, which the connection ends when it is up again. */
  async #pauseOrLink(signal: AbortSignal | undefined): Promise<void> {
    const { signal: ends, abort, end } = linked(signal)
    const unlisten = this.link.listen((up) => up && abort())
    await pause(this.#pause, ends)
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
