import { inspect } from 'node:util'
import { systemError } from './system-errors.js'

/** The stable codes of {@link MmFileError}. */
export type MmFileErrorCode =
  | 'ERR_MMFILE_NOT_FOUND'
  | 'ERR_MMFILE_EXISTS'
  | 'ERR_MMFILE_CLOSED'
  | 'ERR_MMFILE_READ_ONLY'
  | 'ERR_MMFILE_SEALED'
  | 'ERR_MMFILE_CAPACITY'
  | 'ERR_MMFILE_SEGMENT_ORDER'
  | 'ERR_MMFILE_SEGMENT_RANGE'
  | 'ERR_MMFILE_NOT_TEXT'
  | 'ERR_MMFILE_CORRUPT'
  | 'ERR_MMFILE_TIMEOUT'
  | 'ERR_MMFILE_LOCK_HELD'
  | 'ERR_MMFILE_PEER_GONE'
  | 'ERR_MMFILE_NO_SPACE'
  | 'ERR_MMFILE_ACCESS'
  | 'ERR_MMFILE_INCOMPATIBLE'
  | 'ERR_MMFILE_UNSUPPORTED'
  | 'ERR_MMFILE_LOAD'

/** What all copies of the package mark their errors with. */
const BRAND = Symbol.for('mmfile.MmFileError')

/** What an error knows beyond its message. */
export interface MmFileErrorFacts {
  needed?: number
  available?: number
  offset?: number
  errno?: number
  syscall?: string
  cause?: unknown
}

/** Everything that can go wrong, wrong arguments aside. A call that throws one has written nothing. */
export class MmFileError extends Error {
  /**
   * Whether a value is such an error, of one of these codes if there are any. It knows the errors of every
   * copy of the package, as `instanceof` does.
   */
  static is(error: unknown, ...codes: MmFileErrorCode[]): error is MmFileError {
    return error instanceof MmFileError && (codes.length === 0 || codes.includes(error.code))
  }

  /** An error of another copy of the package is one, too: npm may install two, and test runners reload. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value
  }

  /** What went wrong, for programs. */
  readonly code: MmFileErrorCode
  /** With `ERR_MMFILE_CAPACITY`: the bytes that the segments and their size words would take. */
  declare readonly needed?: number
  /** With `ERR_MMFILE_CAPACITY`: the bytes that are left. */
  declare readonly available?: number
  /** With `ERR_MMFILE_CORRUPT`: where, in bytes from the start of the data. */
  declare readonly offset?: number
  /** The operating system's error number, where it refused. Negative, as Node.js has it. */
  declare readonly errno?: number
  /** The system call that failed. */
  declare readonly syscall?: string

  constructor(code: MmFileErrorCode, message: string, facts: MmFileErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    const { cause: _, ...rest } = facts
    Object.assign(this, rest)
  }
}

Object.defineProperty(MmFileError.prototype, BRAND, { value: true })
Object.defineProperty(MmFileError.prototype, 'name', {
  value: 'MmFileError',
  configurable: true,
  writable: true,
})

/** Makes the error that the native code describes. */
export function fromNative(code: string, message: string, facts: MmFileErrorFacts): Error {
  switch (code) {
    case 'ERR_INVALID_ARG_VALUE':
      return withCode(new TypeError(capitalized(message)), code)
    case 'ERR_OUT_OF_RANGE':
      return withCode(new RangeError(capitalized(message)), code)
    default:
      return new MmFileError(code as MmFileErrorCode, message, withCause(facts))
  }
}

/** The error for an argument of the wrong type, as Node.js words it. */
export function invalidType(name: string, expected: string, value: unknown): TypeError {
  const message = `The "${name}" argument must be ${expected}. Received ${received(value)}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/** The error for an argument of the right type that is never right. */
export function invalidValue(name: string, expected: string, value: unknown): TypeError {
  const message = `The argument '${name}' ${expected}. Received ${inspect(value)}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/** The error for a number outside of its range. */
export function outOfRange(name: string, range: string, value: unknown): RangeError {
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`
  return withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/** The error for what was called after `close()`. */
export function closed(): MmFileError {
  return new MmFileError('ERR_MMFILE_CLOSED', 'the file is closed')
}

/** The error of an aborted wait, as the platform words it. */
export function abortError(reason: unknown): Error {
  const error = withCode(new Error('The operation was aborted', { cause: reason }), 'ABORT_ERR')
  error.name = 'AbortError'
  return error
}

function withCause(facts: MmFileErrorFacts): MmFileErrorFacts {
  if (!facts.errno) return facts
  const { name, errno } = systemError(facts.errno)
  const cause = Object.assign(new Error(`${facts.syscall}: ${name}`), {
    code: name,
    errno,
    syscall: facts.syscall,
  })
  return { ...facts, errno, cause }
}

/** Gives an error its code, and shows the code in its stack as Node's own errors do. */
function withCode<E extends Error>(error: E, code: string): E & { code: string } {
  const name = error.name
  error.name = `${name} [${code}]`
  void error.stack // made when it is first looked at, with the name of that moment
  Reflect.deleteProperty(error, 'name')
  return Object.assign(error, { code })
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** What a wrong argument is. Looking at it may run the program's code, whose errors are none of ours. */
function received(value: unknown): string {
  try {
    if (value === null || value === undefined) return String(value)
    if (typeof value === 'function') return `function ${named(value) ?? ''}`.trimEnd()
    if (typeof value === 'object') {
      const name = named(value.constructor)
      return name ? `an instance of ${name}` : inspect(value, { depth: -1, customInspect: false })
    }
    return `type ${typeof value} (${inspect(value).slice(0, 28)})`
  } catch {
    return `type ${typeof value}`
  }
}

/** The name of a function, which may be anything. */
function named(value: unknown): string | undefined {
  const name = (value as { name?: unknown } | undefined)?.name
  return typeof name === 'string' ? name : undefined
}
