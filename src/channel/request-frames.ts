import { fail } from '../shared/errors.js'
import type { Coder } from './codec.js'

/*
 * What requests, replies and the states of callers are as bytes.
 */

/** What a caller says of itself: where replies go, and which requests it has cancelled. */
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
}

export interface ReplyHeader {
  readonly request: number
  /** What the handler threw. */
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

/** A request; `undefined` if the bytes are none. */
export function requestOf(bytes: Buffer): Frame<RequestHeader> | undefined {
  const frame = unpack<RequestHeader>(bytes)
  const whole = typeof frame?.header.caller === 'string' && isWhole(frame.header.request)
  return whole ? frame : undefined
}

/** A reply; `undefined` if the bytes are none. */
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

function isDescribed(value: unknown): boolean {
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

/** What a handler on the other side threw. */
export function remoteError(subject: string, error: Described): Error {
  const cause = new Error(error.message)
  Object.defineProperty(cause, 'name', {
    value: error.name,
    configurable: true,
    writable: true,
  })
  if (error.stack !== undefined) cause.stack = error.stack
  const message = `the server's handler failed: ${error.name}: ${error.message}`
  return fail('ERR_MMFILE_REMOTE', subject, message, { cause })
}

/** Reads what a caller says of itself. */
export function stateOf(bytes: Buffer | undefined): CallerState {
  const state = JSON.parse((bytes ?? Buffer.alloc(0)).toString()) as CallerState
  if (typeof state.replies !== 'string' || !Array.isArray(state.gone))
    throw new TypeError('no state')
  return state
}

/** Bytes of each of an error's texts: all of them fit into a caller's first channel. */
const LONGEST = 4096

/** An error as it travels: what does not fit into the smallest channel is cut. */
export function described(error: unknown): Described {
  if (!(error instanceof Error)) return { name: 'Error', message: beginning(String(error)) }
  const { name, message, stack } = error
  return {
    name: beginning(String(name)),
    message: beginning(String(message)),
    stack: typeof stack === 'string' ? beginning(stack) : undefined,
  }
}

/** As much of a text as travels in so many bytes, whatever its characters take. */
function beginning(text: string): string {
  let kept = text.slice(0, LONGEST)
  while (Buffer.byteLength(JSON.stringify(kept)) > LONGEST) {
    kept = kept.slice(0, Math.floor(kept.length * 0.75))
  }
  return kept
}
