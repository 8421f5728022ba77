import type { JetStreamClient, StreamConfig } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { invalidType, invalidValue } from './errors.js'

/** How far a copy has come. */
export interface Progress {
  /** The index of the next segment or message that is copied. */
  readonly nextIndex: number
  /** How many were copied by this call. */
  readonly messages: number
  /** How many bytes they have. */
  readonly bytes: number
  /** How many there are that are not copied yet, as far as is known. */
  readonly lag: number
  /** Whether the source is sealed, and everything in it is copied. */
  readonly sealed: boolean
}

/** The stream that a copy goes to or comes from. */
export interface StreamPlace {
  /** A JetStream client of a connection, which stays the caller's. */
  readonly js: JetStreamClient
  /** The name of the stream. */
  readonly stream: string
}

/** The options of `push` and `pull`, besides the stream. */
export interface CopyOptions {
  /** Ends the copy in an orderly way: it waits for messages on their way, and the promise fulfils. */
  readonly signal?: AbortSignal | undefined
  /** Told what was copied: at most ten times a second, and at the end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Told why the server cannot be reached, or has not what it should have, whenever that is tried again. */
  readonly onRetry?: ((error: Error) => void) | undefined
  /**
   * Milliseconds for which nothing may get through before the promise rejects with the reason: no server in reach, a
   * stream that is full, or, for `pull`, no stream. Default: without end. 0 tries once.
   */
  readonly timeout?: number | undefined
  /** Whether messages that are larger than the server allows go through the object store. Default `true`. */
  readonly objects?: boolean | undefined
}

/** Options of `push`. */
export interface PushOptions extends StreamPlace, CopyOptions {
  /** The subject of the messages. Default: the stream's name. */
  readonly subject?: string | undefined
  /**
   * The configuration of a stream that `push` creates: replicas, limits and the like. An existing stream is not
   * changed.
   */
  readonly config?: Partial<StreamConfig> | undefined
  /**
   * The group in a channel that keeps messages until the stream has them, also while nothing pushes. Default: `push:`
   * and the stream's name.
   */
  readonly group?: string | undefined
}

/** Options of `pull`. */
export interface PullOptions extends CopyOptions {}

/** The connection of a client: its types do not show it, and its sister packages use it. */
export function connectionOf(js: JetStreamClient): NatsConnection {
  const { nc } = js as unknown as { nc?: NatsConnection }
  if (typeof nc?.isClosed !== 'function')
    throw invalidType(
      'options.js',
      "a JetStream client: jetstream(connection) of '@nats-io/jetstream'",
    )
  return nc
}

/** Checks what both directions take. */
export function checkPlace(place: StreamPlace): void {
  if (typeof place !== 'object' || place === null) throw invalidType('options', 'an object')
  connectionOf(place.js)
  const { stream } = place
  if (typeof stream !== 'string') throw invalidType('options.stream', 'a string')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what the server refuses
  if (!/^[^\s.*>/\\\x00-\x1f\x7f]+$/.test(stream))
    throw invalidValue('options.stream', `is no name of a stream: '${stream}'`)
}

/** Checks that something can be published there: there is no wildcard in it. */
export function checkSubject(subject: unknown): void {
  if (typeof subject !== 'string') throw invalidType('options.subject', 'a string')
  const isWrong = (token: string) => token === '' || token === '*' || token === '>'
  if (/\s/.test(subject) || subject.split('.').some(isWrong))
    throw invalidValue('options.subject', `is no subject to publish to: '${subject}'`)
}

export function checkCopy({ signal, onProgress, onRetry, timeout, objects }: CopyOptions): void {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidType('options.signal', 'an instance of AbortSignal')
  for (const [name, value] of Object.entries({ onProgress, onRetry }))
    if (value !== undefined && typeof value !== 'function')
      throw invalidType(`options.${name}`, 'a function')
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0))
    throw invalidType('options.timeout', 'a number of milliseconds that is not negative')
  if (objects !== undefined && typeof objects !== 'boolean')
    throw invalidType('options.objects', 'a boolean')
}
