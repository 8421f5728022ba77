import {
  checkAccess,
  checkBoolean,
  checkDirectory,
  checkId,
  checkLastProcess,
  checkOneOf,
  checkOptions,
  checkPath,
  checkPrefixes,
  checkTime,
  checkWhole,
  OBSERVE,
} from '../shared/arguments.js'
import { defaults, operations } from '../shared/native.js'
import { numberOf, TEXT_ENCODINGS } from '../shared/text.js'
import type {
  Access,
  CommonOptions,
  CreateFileOptions,
  CreateOptions,
  CreateOrOpenOptions,
  OpenFileOptions,
  OpenOptions,
  TextEncodingName,
} from '../shared/types.js'

const ON_DISK = ['synchronized', 'lockTimeout', 'encoding'] as const
const OPEN_ON_DISK = [...ON_DISK, 'access'] as const
const IN_MEMORY = [...ON_DISK, 'directory', 'prefixes'] as const
const OPEN_IN_MEMORY = [...IN_MEMORY, 'access'] as const
const CREATE_IN_MEMORY = [...IN_MEMORY, 'id', 'lifetime'] as const

/** How a handle was opened. */
interface Settings {
  readonly synchronized: boolean
  readonly lockTimeout: number
  readonly access: Access
  readonly encoding: TextEncodingName
}

/** A file that the native code has open for this thread. */
export interface Opened extends Settings {
  /** The handle's number: the first argument of the operations. */
  readonly handle: number
  /** The id; the path of a file on disk. */
  readonly id: string
  readonly capacity: number
  readonly isCreator: boolean
  readonly onDisk: boolean
}

// The ways to open a file, as the native code numbers them.
const CREATE_NEW = 0
const OPEN_EXISTING = 1
const CREATE_OR_OPEN = 2
const CREATE_FILE = 3
const OPEN_FILE = 4
const CREATE_OR_OPEN_FILE = 5
// Its flags.
const SYNCHRONIZED = 1
const LAST_PROCESS = 2
const READ_ONLY = 4
const OBSERVES = 8
/** By how many bits the number of the encoding is shifted. */
const ENCODING = 4

export function createNew(capacity: number, options?: CreateOptions): Opened {
  checkWhole('capacity', capacity, 1)
  const given: Partial<CreateOptions> = checkOptions(options, CREATE_IN_MEMORY)
  const id = given.id === undefined ? '' : checkId(given.id, 'options.id')
  const flags = checkLastProcess(given.lifetime) ? LAST_PROCESS : 0
  return open(CREATE_NEW, id, capacity, flags, given, undefined)
}

export function openExisting(id: string, options?: OpenOptions): Opened {
  checkId(id)
  const given: Partial<OpenOptions> = checkOptions(options, OPEN_IN_MEMORY)
  return open(OPEN_EXISTING, id, 0, 0, given, given.access)
}

export function createOrOpen(id: string, capacity: number, options?: CreateOrOpenOptions): Opened {
  checkId(id)
  checkWhole('capacity', capacity, 1)
  return open(CREATE_OR_OPEN, id, capacity, 0, checkOptions(options, IN_MEMORY), undefined)
}

/** Makes a file on disk, or opens it if it `mayExist`. */
export function createFile(
  path: string | URL,
  capacity: number,
  options: CreateFileOptions | undefined,
  mayExist: boolean,
): Opened {
  const id = checkPath(path)
  checkWhole('capacity', capacity, 1)
  const how = mayExist ? CREATE_OR_OPEN_FILE : CREATE_FILE
  return open(how, id, capacity, 0, checkOptions(options, ON_DISK), undefined)
}

export function openFile(path: string | URL, options?: OpenFileOptions): Opened {
  const id = checkPath(path)
  const given: Partial<OpenFileOptions> = checkOptions(options, OPEN_ON_DISK)
  return open(OPEN_FILE, id, 0, 0, given, given.access)
}

/** The object that passes values to the native code and back; it is empty between two calls. */
const numbers = new Float64Array(4)

/** Checks what every way to open a file takes, and opens it. */
function open(
  how: number,
  given: string,
  least: number,
  flags: number,
  options: Partial<CommonOptions>,
  mode: Access | undefined,
): Opened {
  const synchronized = checkBoolean('options.synchronized', options.synchronized, true)
  const lockTimeout = checkTime('options.lockTimeout', options.lockTimeout, defaults.lockTimeout)
  const observes = mode === (OBSERVE as unknown)
  const access = observes ? 'read' : checkAccess(mode)
  const encoding = checkOneOf('options.encoding', options.encoding, TEXT_ENCODINGS, 'utf16le')
  const onDisk = how >= CREATE_FILE // it has a path instead of a place
  const place = onDisk ? undefined : placeOf(options)
  numbers[0] = how
  numbers[1] = least
  numbers[2] =
    flags |
    (synchronized ? SYNCHRONIZED : 0) |
    (access === 'read' ? READ_ONLY : 0) |
    (observes ? OBSERVES : 0) |
    (numberOf(encoding) << ENCODING)
  numbers[3] = lockTimeout
  const id = operations.open(given, numbers, place) ?? given
  return {
    handle: numbers[0] as number,
    id,
    capacity: numbers[1] as number,
    isCreator: numbers[2] === 1,
    onDisk,
    synchronized,
    lockTimeout,
    access,
    encoding,
  }
}

/** The folder and the prefixes; `undefined` where none is given. */
function placeOf({ directory, prefixes }: Partial<CommonOptions>) {
  if (directory === undefined && prefixes === undefined) return undefined
  const { data, mutex } = checkPrefixes(prefixes)
  return [checkDirectory(directory), data, mutex] as const
}
