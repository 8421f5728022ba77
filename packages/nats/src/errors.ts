/** The codes of {@link BridgeError}: those of `MmFileError` where the meaning is the same. */
export type BridgeErrorCode =
  | 'ERR_MMFILE_NOT_FOUND'
  | 'ERR_MMFILE_CLOSED'
  | 'ERR_MMFILE_SEALED'
  | 'ERR_MMFILE_CAPACITY'
  | 'ERR_MMFILE_LOCK_HELD'
  | 'ERR_MMFILE_LOST'
  | 'ERR_MMFILE_INCOMPATIBLE'
  | 'ERR_MMFILE_UNSUPPORTED'

/** The properties of an error besides its message. */
interface Facts {
  index?: number
  oldest?: number
  needed?: number
  available?: number
  cause?: unknown
}

/** The mark that all copies of mmfile put on their errors, by which `MmFileError.is` recognises them. */
const BRAND = Symbol.for('mmfile.MmFileError')

/**
 * An error between a file or a channel and a stream. `MmFileError.is(error, code)` knows these errors, too.
 *
 * `ERR_MMFILE_LOCK_HELD`: another pusher has gone on with the stream. `ERR_MMFILE_LOST`: the messages that come next
 * are gone. `ERR_MMFILE_INCOMPATIBLE`: both sides have something at one index, and it is not the same.
 */
export class BridgeError extends Error {
  /** Tells programs what went wrong. */
  readonly code: BridgeErrorCode
  /** The index of the segment or message that it is about. */
  declare readonly index?: number
  /** With `ERR_MMFILE_LOST`: the oldest index that is left. */
  declare readonly oldest?: number
  /** With `ERR_MMFILE_CAPACITY`: the bytes that the message has. */
  declare readonly needed?: number
  /** With `ERR_MMFILE_CAPACITY`: the bytes that a message may have. */
  declare readonly available?: number

  constructor(code: BridgeErrorCode, message: string, { cause, ...facts }: Facts = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.assign(this, facts)
  }
}

Object.defineProperty(BridgeError.prototype, BRAND, { value: true })
Object.defineProperty(BridgeError.prototype, 'name', {
  value: 'BridgeError',
  configurable: true,
  writable: true,
})

/** The error for an argument of the wrong type, as Node.js words it. */
export function invalidType(name: string, expected: string): TypeError {
  const kind = name.includes('.') ? 'property' : 'argument'
  const error = new TypeError(`The "${name}" ${kind} must be ${expected}`)
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' })
}

/** The error for an argument of the right type that is never right. */
export function invalidValue(name: string, reason: string): TypeError {
  const error = new TypeError(`The property '${name}' ${reason}`)
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' })
}
