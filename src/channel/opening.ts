import type { NativeChannel, NativeChannelOptions, Opening } from '../../binding.js'
import {
  checkAccess,
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
import { fail, invalidType, invalidValue } from '../shared/errors.js'
import { defaults, native, operations } from '../shared/native.js'
import type { Access } from '../shared/types.js'
import { builtIn, type Coder, checkEncoding } from './codec.js'
import type { CreateChannelOptions, OpenChannelOptions } from './types.js'

const HANDLE = ['encoding', 'lockTimeout', 'groups', 'onFull'] as const
const SHAPE = ['capacity', 'maxParticipants'] as const
const PLACE = ['directory', 'prefixes'] as const
const CREATE_ON_DISK = [...HANDLE, ...SHAPE] as const
const OPEN_ON_DISK = [...HANDLE, 'access'] as const
const CREATE_OR_OPEN = [...CREATE_ON_DISK, ...PLACE] as const
const CREATE_NEW = [...CREATE_OR_OPEN, 'id', 'lifetime'] as const
const OPEN_EXISTING = [...OPEN_ON_DISK, ...PLACE] as const
const ON_FULL = ['wait', 'drop-oldest'] as const

/** Bytes: at least four times the smallest message, and at most the range of 32-bit positions. */
const LEAST = 1
const MOST = 2 ** 34
const MOST_PARTICIPANTS = 65_535
const LONGEST_GROUP = 64

/** A channel that the native code has open for this thread. */
export interface OpenedChannel {
  readonly channel: NativeChannel
  readonly coder: Coder
  readonly access: Access
  readonly place: Place
}

/** Where channels of its kind are, for those that belong to it. */
export interface Place {
  readonly directory: string | undefined
  readonly prefix: string
}

type Given = Partial<CreateChannelOptions & OpenChannelOptions & { encoding?: unknown }>

/** Opens a channel of any encoding: the messages of an unknown codec are bytes. */
export const ANY_CODEC = Symbol('any codec')

export function createNew(options: object | undefined): OpenedChannel {
  const given = checked(options, CREATE_NEW)
  const id = given.id === undefined ? '' : checkId(given.id, 'options.id')
  const lastProcess = checkLastProcess(given.lifetime)
  return open('CreateNew', id, { ...given, access: undefined }, true, lastProcess)
}

export function openExisting(id: unknown, options: object | undefined): OpenedChannel {
  checkId(id)
  const given = checked(options, OPEN_EXISTING)
  return open('OpenExisting', id as string, given, false)
}

export function createOrOpen(id: unknown, options: object | undefined): OpenedChannel {
  checkId(id)
  const given = checked(options, CREATE_OR_OPEN)
  return open('CreateOrOpen', id as string, { ...given, access: undefined }, true, true)
}

export function createFile(path: unknown, options: object | undefined): OpenedChannel {
  const given = checked(options, CREATE_ON_DISK)
  return open('CreateFile', checkPath(path), onDisk(given), true)
}

export function createOrOpenFile(path: unknown, options: object | undefined): OpenedChannel {
  const given = checked(options, CREATE_ON_DISK)
  return open('CreateOrOpenFile', checkPath(path), onDisk(given), true)
}

export function openFile(path: unknown, options: object | undefined): OpenedChannel {
  const given = checked(options, OPEN_ON_DISK)
  return open('OpenFile', checkPath(path), { ...onDisk(given), access: given.access }, false)
}

function checked(options: object | undefined, known: readonly (keyof Given)[]): Given {
  return checkOptions<Given>(
    options as Given | undefined,
    known as readonly (keyof Given & string)[],
  )
}

function onDisk(given: Given): Given {
  return { ...given, access: undefined, directory: undefined, prefixes: undefined }
}

function open(
  how: keyof typeof Opening,
  id: string,
  given: Given,
  creates: boolean,
  lastProcess = false,
): OpenedChannel {
  const anything = given.encoding === ANY_CODEC
  const asked = anything ? undefined : checkEncoding(given.encoding)
  const coder = asked ?? (creates ? builtIn('bytes') : undefined)
  const observes = given.access === (OBSERVE as unknown)
  const access = observes ? 'read' : checkAccess(given.access)
  const directory = checkDirectory(given.directory)
  const prefixes = checkPrefixes(given.prefixes)
  const onFull =
    given.onFull === undefined
      ? undefined
      : checkOneOf('options.onFull', given.onFull, ON_FULL, 'wait')
  const settings: NativeChannelOptions = {
    id,
    capacity: checkWithin(
      'options.capacity',
      given.capacity,
      defaults.channelCapacity,
      LEAST,
      MOST,
    ),
    maxParticipants: checkWithin(
      'options.maxParticipants',
      given.maxParticipants,
      defaults.maxParticipants,
      1,
      MOST_PARTICIPANTS,
    ),
    groups: checkGroups(given.groups),
    lockTimeout: checkTime('options.lockTimeout', given.lockTimeout, defaults.lockTimeout),
    readOnly: access === 'read',
    observes,
    lastProcess,
    dataPrefix: prefixes.data,
    mutexPrefix: prefixes.mutex,
    channelPrefix: prefixes.channel,
    ...(coder && { encoding: coder.name }),
    ...(onFull === undefined && !creates ? {} : { dropsOldest: onFull === 'drop-oldest' }),
    ...(directory === undefined ? {} : { directory }),
  }
  const channel = native.openChannel(how as Opening, settings)
  const known = coder ?? builtIn(channel.encoding) ?? (anything ? builtIn('bytes') : undefined)
  if (known === undefined) {
    operations.close(channel.handle)
    const message = `its encoding is the codec '${channel.encoding}': pass that as options.encoding`
    throw fail('ERR_MMFILE_INCOMPATIBLE', `channel '${channel.id}'`, message)
  }
  return { channel, coder: known, access, place: { directory, prefix: prefixes.channel } }
}

function checkWithin(
  name: string,
  value: unknown,
  absent: number,
  least: number,
  most: number,
): number {
  if (value === undefined) return absent
  return checkWhole(name, value, least, most)
}

function checkGroups(value: unknown): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalidType('options.groups', 'an array of strings', value)
  return value.map((name, at) => checkGroup(name, `options.groups[${at}]`))
}

/** The name of a group. */
export function checkGroup(value: unknown, name = 'name'): string {
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
  if (value === '' || Buffer.byteLength(value) > LONGEST_GROUP || value.includes('\0')) {
    throw invalidValue(name, `must have 1 to ${LONGEST_GROUP} bytes, and none of them 0`, value)
  }
  return value
}
