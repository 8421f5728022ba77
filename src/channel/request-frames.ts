import { inspect } from 'node:util'
import { fail } from '../shared/errors.js'
import type { Coder } from './codec.js'

/*
 * How requests, replies and the states of callers are encoded as bytes.
 */

/** The state that a caller publishes: where replies go, and which requests it has cancelled. */
export interface CallerState {
  readonly replies: string
  readonly gone: readonly number[]
}

export interface RequestHeader {
  readonly caller: string
  readonly request: number
}

/** An error as it travels. */
interface Described {
  readonly name: string
  readonly message: string
  readonly stack?: string | undefined
  /** Its other properties: `code` and own properties, as far as JSON can represent them. */
  readonly properties?: Readonly<Record<string, unknown>> | undefined
  readonly cause?: { readonly error: Described } | { readonly value: unknown } | undefined
}

export interface ReplyHeader {
  readonly request: number
  /** The value that the handler threw. */
  readonly error?: Described
  /** Whether servers died with it too often. */
  readonly gone?: boolean
  /** Whether the handler returned nothing. */
  readonly nothing?: boolean
  /** The bytes that a channel of the caller's must be able to carry. */
  readonly needed?: number
}

/** A header, and what comes behind it. */
export function pack(header: object, payload?: Uint8Array): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const head = Buffer.allocUnsafe(4)
  head.writeUInt32LE(text.length)
  return Buffer.concat(payload === undefined ? [head, text] : [head, text, payload])
}

interface Frame<H> {
  readonly header: H
  readonly payload: Buffer
}

/** The header and the payload; `undefined` if the bytes are no frame. */
function unpack<H>(bytes: Buffer): Frame<H> | undefined {
  try {
    const end = 4 + bytes.readUInt32LE(0)
    const header = JSON.parse(bytes.toString('utf8', 4, end)) as H | null
    if (typeof header !== 'object' || header === null) return undefined
    return { header, payload: bytes.subarray(end) }
  } catch {
    return undefined
  }
}

/** Decodes a request; `undefined` if the bytes are not a request. */
export function requestOf(bytes: Buffer): Frame<RequestHeader> | undefined {
  const frame = unpack<RequestHeader>(bytes)
  const whole = typeof frame?.header.caller === 'string' && isWhole(frame.header.request)
  return whole ? frame : undefined
}

/** Decodes a reply; `undefined` if the bytes are not a reply. */
export function replyOf(bytes: Buffer): Frame<ReplyHeader> | undefined {
  const frame = unpack<ReplyHeader>(bytes)
  if (frame === undefined) return undefined
  const { request, error, needed } = frame.header
  const whole =
    isWhole(request) &&
    (error === undefined || isDescribed(error)) &&
    (needed === undefined || isWhole(needed))
  return whole ? frame : undefined
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value)
}

/** How many causes of causes are made of a reply, which may be anything. */
const DEEPEST = 16

function isDescribed(value: unknown): value is Described {
  const { name, message, stack } = Object(value) as Record<string, unknown>
  const texts = typeof name === 'string' && typeof message === 'string'
  return texts && (stack === undefined || typeof stack === 'string')
}

/** A value's bytes. */
export function bytesOf(coder: Coder, name: string, value: unknown): Uint8Array {
  const encoded = coder.encode(name, value)
  if (typeof encoded === 'string') return Buffer.from(encoded, coder.text)
  if (ArrayBuffer.isView(encoded)) {
    return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  }
  return new Uint8Array(encoded)
}

/** The error of a handler in the other process. */
export function remoteError(subject: string, error: Described): Error {
  const message = `the server's handler failed: ${error.name}: ${error.message}`
  return fail('ERR_MMFILE_REMOTE', subject, message, { cause: revived(error, DEEPEST) })
}

/** Rebuilds the described error. Its contents come from the other process and are not verified. */
function revived({ name, message, stack, properties, cause }: Described, deep: number): Error {
  const error = new Error(message)
  const define = (key: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true })
  }
  define('name', name, false)
  if (stack !== undefined) define('stack', stack, false)
  for (const [key, value] of Object.entries(Object(properties))) {
    if (!OWN_FIELDS.includes(key)) define(key, value, true)
  }
  if (typeof cause !== 'object' || cause === null) return error
  if ('value' in cause) define('cause', cause.value, false)
  else if (isDescribed(cause.error) && deep > 0) {
    define('cause', revived(cause.error, deep - 1), false)
  }
  return error
}

/** Reads what a caller says of itself. */
export function stateOf(bytes: Buffer | undefined): CallerState {
  const state = JSON.parse((bytes ?? Buffer.alloc(0)).toString()) as CallerState
  if (typeof state.replies !== 'string' || !Array.isArray(state.gone))
    throw new TypeError('no state')
  return state
}

/** Bytes of an error as it travels: they fit into a caller's first channel. */
const MOST_OF_ERROR = 14 * 1024
/** An error in fewer bytes than that would be meaningless: such a cause is left out. */
const LEAST_OF_ERROR = 256
/** The properties that are sent of every error. */
const OWN_FIELDS: readonly string[] = ['name', 'message', 'stack', 'cause']

/**
 * Encodes a thrown value in at most `size` bytes: a quarter each for message and stack, an eighth for other
 * properties, five sixteenths for the cause. Texts are cut, other properties are left out. It never throws, even
 * if getters do.
 */
export function described(thrown: unknown, most = MOST_OF_ERROR): Described {
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'Error', message: beginning(attempt(() => String(thrown)) ?? '', most / 4) }
  }
  const field = (key: string): unknown => attempt(() => (thrown as Record<string, unknown>)[key])
  const [name, message, stack] = ['name', 'message', 'stack'].map(field)
  return {
    name: beginning(typeof name === 'string' ? name : 'Error', most / 16),
    message: beginning(
      typeof message === 'string' ? message : (attempt(() => inspect(thrown, { depth: 1 })) ?? ''),
      most / 4,
    ),
    stack: typeof stack === 'string' ? beginning(stack, most / 4) : undefined,
    properties: propertiesOf(thrown, field, most / 8),
    cause: causeOf(field('cause'), (most * 5) / 16),
  }
}

/** `code`, also of a class, and the own enumerable properties that JSON has, as far as they fit. */
function propertiesOf(
  thrown: object,
  field: (key: string) => unknown,
  most: number,
): Record<string, unknown> | undefined {
  const keys = new Set(['code', ...(attempt(() => Object.keys(thrown)) ?? [])])
  const kept: [string, unknown][] = []
  let left = most
  for (const key of keys) {
    if (OWN_FIELDS.includes(key)) continue
    const value = field(key)
    const text = jsonOf(value)
    if (text === undefined) continue
    const length = Buffer.byteLength(text) + Buffer.byteLength(JSON.stringify(key)) + 2
    if (length > left) continue
    left -= length
    kept.push([key, JSON.parse(text)])
  }
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

function causeOf(cause: unknown, most: number): Described['cause'] {
  if (cause === undefined || most < LEAST_OF_ERROR) return undefined
  if (attempt(() => cause instanceof Error) === true) return { error: described(cause, most) }
  const text = jsonOf(cause)
  if (text === undefined || Buffer.byteLength(text) > most) return undefined
  return { value: JSON.parse(text) }
}

/** A value as JSON; `undefined` if JSON cannot represent it. */
function jsonOf(value: unknown): string | undefined {
  return attempt(() => JSON.stringify(value) as string | undefined)
}

/** The result of the program's code, or `undefined` if it throws. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** The longest beginning of a text that fits into so many bytes when it is encoded. */
function beginning(text: string, most: number): string {
  const fits = (length: number): boolean =>
    Buffer.byteLength(JSON.stringify(text.slice(0, length))) <= most
  let [kept, beyond] = [0, Math.min(text.length, Math.floor(most)) + 1]
  while (beyond - kept > 1) {
    const middle = Math.floor((kept + beyond) / 2)
    if (fits(middle)) kept = middle
    else beyond = middle
  }
  return text.slice(0, kept)
}
