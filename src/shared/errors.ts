import { dirname } from 'node:path'
import { inspect } from 'node:util'
import type { Participant } from '../channel/types.js'
import { participantOf } from './rows.js'
import { systemError } from './system-errors.js'

/** The stable codes of {@link MmFileError}. */
export type MmFileErrorCode =
  | 'ERR_MMFILE_NOT_FOUND'
  | 'ERR_MMFILE_EXISTS'
  | 'ERR_MMFILE_CLOSED'
  | 'ERR_MMFILE_READ_ONLY'
  | 'ERR_MMFILE_SEALED'
  | 'ERR_MMFILE_CAPACITY'
  | 'ERR_MMFILE_FULL'
  | 'ERR_MMFILE_SEGMENT_ORDER'
  | 'ERR_MMFILE_SEGMENT_RANGE'
  | 'ERR_MMFILE_NOT_TEXT'
  | 'ERR_MMFILE_CORRUPT'
  | 'ERR_MMFILE_TIMEOUT'
  | 'ERR_MMFILE_LOCK_HELD'
  | 'ERR_MMFILE_PEER_GONE'
  | 'ERR_MMFILE_LOST'
  | 'ERR_MMFILE_EVICTED'
  | 'ERR_MMFILE_REMOTE'
  | 'ERR_MMFILE_NO_SPACE'
  | 'ERR_MMFILE_ACCESS'
  | 'ERR_MMFILE_INCOMPATIBLE'
  | 'ERR_MMFILE_UNSUPPORTED'
  | 'ERR_MMFILE_LOAD'

/** The properties that errors of these codes always have. */
interface KnownFacts {
  ERR_MMFILE_CAPACITY: { readonly needed: number; readonly available: number }
  ERR_MMFILE_LOST: { readonly oldest: number }
  ERR_MMFILE_REMOTE: { readonly cause: RemoteError }
}

/**
 * The error that a handler of requests threw in another process. It also has the original's own enumerable properties
 * that JSON can represent, such as `path` of an error of `node:fs`, and its `cause`. Together they have 14 KiB: long
 * texts are cut.
 */
export interface RemoteError extends Error {
  /** The code of the error, if it has one: `'ENOENT'`. */
  readonly code?: string | number
  /** Other properties of the original error. */
  readonly [property: string]: unknown
}

/** An error of that code, with the properties that such an error always has. */
export type MmFileErrorOf<Code extends MmFileErrorCode> = Code extends unknown
  ? MmFileError & { readonly code: Code } & (Code extends keyof KnownFacts
        ? KnownFacts[Code]
        : unknown)
  : never

/** The mark that all copies of the package put on their errors. */
const BRAND = Symbol.for('mmfile.MmFileError')

/** The properties of an error besides its message. */
export interface MmFileErrorFacts {
  needed?: number
  available?: number
  offset?: number
  pid?: number
  oldest?: number
  slowest?: Participant
  errno?: number
  syscall?: string
  cause?: unknown
}

/** The native code's description of an error. */
interface NativeFacts extends MmFileErrorFacts {
  /** The object that it concerns, if the message does not name it. */
  subject?: string
  /** Of a wrong argument. */
  argument?: string
  reason?: string
  /** Of who leaves no room. */
  number?: number
  role?: Participant['role']
  group?: string
  nextIndex?: number
  lag?: number
  since?: number
}

let make: (code: MmFileErrorCode, message: string, facts?: MmFileErrorFacts) => MmFileError

/**
 * Everything that goes wrong, wrong arguments aside. A call that throws one has written nothing. Tell them
 * apart by `code`.
 *
 * @example
 * try {
 *   file.append('the result')
 * } catch (error) {
 *   if (!MmFileError.is(error, 'ERR_MMFILE_CAPACITY')) throw error
 *   console.log(`${error.needed} bytes are too many for ${error.available}`)
 * }
 */
export class MmFileError extends Error {
  static {
    make = (code, message, facts) => atCall(() => new MmFileError(code, message, facts))
  }

  /**
   * Whether a value is such an error, of one of these codes if there are any. It knows the errors of every
   * copy of the package, as `instanceof` does.
   *
   * @param error any value
   * @param codes the codes to accept; any code if there are none
   * @example
   * if (!MmFileError.is(error, 'ERR_MMFILE_TIMEOUT')) throw error
   */
  static is<Code extends MmFileErrorCode = MmFileErrorCode>(
    error: unknown,
    ...codes: Code[]
  ): error is MmFileErrorOf<Code> {
    const all: MmFileErrorCode[] = codes
    return error instanceof MmFileError && (all.length === 0 || all.includes(error.code))
  }

  /** An error of another copy of the package is one, too: npm may install two, and test runners reload. @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value
  }

  /** Tells programs what went wrong. */
  readonly code: MmFileErrorCode
  /** With `ERR_MMFILE_CAPACITY`: the bytes that the segments and their size words would take. */
  declare readonly needed?: number
  /** With `ERR_MMFILE_CAPACITY`: the bytes that are left; of a channel, those that one message may have. */
  declare readonly available?: number
  /** With `ERR_MMFILE_CORRUPT`: where, in bytes from the start of the data. */
  declare readonly offset?: number
  /** With `ERR_MMFILE_LOCK_HELD`, and `ERR_MMFILE_TIMEOUT` for a lock: the process that holds it, where that is known. */
  declare readonly pid?: number
  /** With `ERR_MMFILE_FULL`: the reader, member or group that leaves no room, as in `participants()`. */
  declare readonly slowest?: Participant
  /** With `ERR_MMFILE_LOST`: the oldest index that is left. */
  declare readonly oldest?: number
  /** The operating system's error number, where it refused. Negative, as Node.js has it. */
  declare readonly errno?: number
  /** The system call that failed. */
  declare readonly syscall?: string

  private constructor(code: MmFileErrorCode, message: string, facts: MmFileErrorFacts = {}) {
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

/** Makes an error about something: `file 'id'` or the like. The message may already contain the subject. */
export function fail(
  code: MmFileErrorCode,
  subject: string | undefined,
  message: string,
  facts?: MmFileErrorFacts,
): MmFileError {
  if (subject === undefined || message.includes(subject)) return make(code, message, facts)
  const name = /'.*'/s.exec(subject)?.[0]
  const says = name !== undefined && message.includes(name)
  const named = says ? message.replace(name, () => subject) : `${subject}: ${message}`
  return make(code, named, facts)
}

/** Makes the error that the native code describes. */
export function fromNative(code: string, message: string, given: NativeFacts): Error {
  const { subject, argument, reason, ...others } = given
  if (code === 'ERR_MMFILE_FULL') {
    const { number, role, pid, group, nextIndex = 0, lag = 0, since = 0 } = others
    const known = number !== undefined && role !== undefined
    const slowest = known && participantOf({ number, role, pid, group, nextIndex, lag, since })
    return fail(code, subject, message, slowest ? { slowest } : {})
  }
  const facts: MmFileErrorFacts = others
  switch (code) {
    case 'ERR_INVALID_ARG_VALUE':
      return withCode(() => new TypeError(`The ${kindOf(argument)} '${argument}' ${reason}.`), code)
    case 'ERR_OUT_OF_RANGE':
      return outOfRange(
        "target's bytes from the offset on",
        `>= ${facts.needed}, the size of the segment`,
        facts.available,
      )
    default:
      return fail(code as MmFileErrorCode, subject, message, withCause(facts))
  }
}

/** How Node.js messages name an argument: as a property of an options object, or as an argument. */
function kindOf(name: string | undefined): string {
  return name?.includes('.') ? 'property' : 'argument'
}

/** The error for an argument of the wrong type, as Node.js words it. */
export function invalidType(name: string, expected: string, value: unknown): TypeError {
  const message = `The "${name}" ${kindOf(name)} must be ${expected}. Received ${received(value)}`
  return withCode(() => new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/** The error for an argument of the right type that is never right. */
export function invalidValue(name: string, expected: string, value: unknown): TypeError {
  const message = `The ${kindOf(name)} '${name}' ${expected}. Received ${shortened(value, 128)}`
  return withCode(() => new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/** The error for a number outside of its range. */
export function outOfRange(name: string, range: string, value: unknown): RangeError {
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`
  return withCode(() => new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/** The error for what was called after `close()`. */
export function closed(subject: string): MmFileError {
  return fail('ERR_MMFILE_CLOSED', subject, 'the handle is closed: open it again')
}

/** The error of a wait that took too long. */
export function timedOut(subject: string, what: string, facts?: MmFileErrorFacts): MmFileError {
  const message = `timed out ${what}: try again, or allow more time`
  return fail('ERR_MMFILE_TIMEOUT', subject, message, facts)
}

/** The error of a wait for a lock that took too long, and the process that holds the lock where that is known. */
export function lockTimedOut(subject: string, pid: number | undefined): MmFileError {
  if (pid === undefined) return timedOut(subject, 'waiting for the lock')
  return timedOut(subject, `waiting for the lock, which process ${pid} holds`, { pid })
}

/** The error of an aborted wait, as the platform words it. */
export function abortError(reason: unknown): Error {
  const create = (): Error => new Error('The operation was aborted', { cause: reason })
  const error = withCode(create, 'ABORT_ERR')
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

/** Makes an error with a code, and shows the code in its stack as Node's own errors do. */
function withCode<E extends Error>(create: () => E, code: string): E & { code: string } {
  const error = atCall(() => {
    const error = create()
    error.name = `${error.name} [${code}]`
    return error // its stack is made when it is first read, with the name of that moment
  })
  Reflect.deleteProperty(error, 'name')
  return Object.assign(error, { code })
}

/** The folder of the package's own code. */
const HOME = dirname(__dirname)
/** More frames than the package has between a program's call and an error. */
const OWN_FRAMES = 10

/**
 * Makes an error whose stack begins at the public method that the program called, without internal functions. An
 * error that no call of the program makes, but a timer or another process, begins where the package heard of it.
 */
function atCall<E extends Error>(create: () => E): E {
  const limit: unknown = Error.stackTraceLimit
  const isNumber = typeof limit === 'number'
  // It cannot be set where the program has frozen it.
  const isRaised = isNumber && Reflect.set(Error, 'stackTraceLimit', limit + OWN_FRAMES)
  let error: E
  try {
    error = create()
  } finally {
    if (isRaised) Error.stackTraceLimit = limit
  }
  const { stack, message } = error
  if (typeof stack !== 'string' || !isNumber) return error
  const end = stack.indexOf('\n    at ', stack.indexOf(message) + message.length)
  if (end === -1) return error
  const frames = stack.slice(end + 1).split('\n')
  const isOwn = (frame: string): boolean => frame.includes(HOME)
  const others = frames.findIndex((frame) => !isOwn(frame) && !frame.endsWith('(<anonymous>)'))
  const first = frames
    .slice(0, others === -1 ? 0 : others)
    .map(isOwn)
    .lastIndexOf(true)
  const shown = frames.slice(Math.max(0, first), Math.max(0, first) + limit)
  error.stack = [stack.slice(0, end), ...shown].join('\n')
  return error
}

/** Describes a wrong argument. Reading it may run the program's code, whose errors are ignored. */
function received(value: unknown): string {
  try {
    if (value === null || value === undefined) return String(value)
    if (typeof value === 'function') return `function ${named(value) ?? ''}`.trimEnd()
    if (typeof value === 'object') {
      const name = named(value.constructor)
      return name ? `an instance of ${name}` : inspect(value, { depth: -1, customInspect: false })
    }
    return `type ${typeof value} (${shortened(value, 28)})`
  } catch {
    return `type ${typeof value}`
  }
}

/** A value as Node.js shows it in errors, where that is not too long. */
function shortened(value: unknown, longest: number): string {
  let text: string
  try {
    text = inspect(value, { depth: 0 })
  } catch {
    text = typeof value
  }
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text
}

/** The name of a function, which may be anything. */
function named(value: unknown): string | undefined {
  const name = (value as { name?: unknown } | undefined)?.name
  return typeof name === 'string' ? name : undefined
}
