import type { NativeFile, NativeOptions } from '../../index.js'
import {
  checkBoolean,
  checkDirectory,
  checkId,
  checkOneOf,
  checkOptions,
  checkPath,
  checkPrefixes,
  checkTime,
  checkWhole,
} from '../shared/arguments.js'
import { defaults } from '../shared/defaults.js'
import { native } from '../shared/native.js'
import type {
  Access,
  CommonOptions,
  CreateFileOptions,
  CreateOptions,
  CreateOrOpenOptions,
  OpenFileOptions,
  OpenOptions,
} from '../shared/types.js'

const ACCESSES = ['read-write', 'read'] as const
const LIFETIMES = ['creator', 'last-process'] as const

/** How a handle was opened. */
export interface Settings {
  readonly synchronized: boolean
  readonly lockTimeout: number
  readonly access: Access
}

/** A file that the native code has open for this thread. */
export interface Opened {
  readonly file: NativeFile
  readonly settings: Settings
}

export function createNew(capacity: number, options?: CreateOptions): Opened {
  checkWhole('capacity', capacity, 1)
  const given: Partial<CreateOptions> = checkOptions(options)
  const id = given.id === undefined ? '' : checkId(given.id)
  const lifetime = checkOneOf('options.lifetime', given.lifetime, LIFETIMES, 'creator')
  const lastProcess = lifetime === 'last-process'
  return open(native.createNew, { id, capacity, lastProcess }, withoutAccess(given))
}

export function openExisting(id: string, options?: OpenOptions): Opened {
  checkId(id)
  return open(native.openExisting, { id }, checkOptions(options))
}

export function createOrOpen(id: string, capacity: number, options?: CreateOrOpenOptions): Opened {
  checkId(id)
  checkWhole('capacity', capacity, 1)
  return open(native.createOrOpen, { id, capacity }, withoutAccess(checkOptions(options)))
}

export function createFile(
  path: string | URL,
  capacity: number,
  options?: CreateFileOptions,
): Opened {
  const id = checkPath(path)
  checkWhole('capacity', capacity, 1)
  return open(native.createFile, { id, capacity }, onDisk(checkOptions(options)))
}

export function openFile(path: string | URL, options?: OpenFileOptions): Opened {
  const id = checkPath(path)
  const given: Partial<OpenFileOptions> = checkOptions(options)
  return open(native.openFile, { id }, { ...onDisk(given), access: given.access })
}

/** A file that is created can be written to, and a file on disk has a path instead of a place. */
function withoutAccess(given: Partial<CreateOrOpenOptions>): CommonOptions {
  const { synchronized, lockTimeout, directory, prefixes } = given
  return { synchronized, lockTimeout, directory, prefixes }
}

function onDisk({ synchronized, lockTimeout }: Partial<CreateFileOptions>): CommonOptions {
  return { synchronized, lockTimeout }
}

/** Checks what every way to open a file takes, and opens it. */
function open(
  how: (options: NativeOptions) => NativeFile,
  what: Partial<NativeOptions> & { id: string },
  given: CommonOptions & { access?: Access | undefined },
): Opened {
  const settings = {
    synchronized: checkBoolean('options.synchronized', given.synchronized, true),
    lockTimeout: checkTime('options.lockTimeout', given.lockTimeout, defaults.lockTimeout),
    access: checkOneOf('options.access', given.access, ACCESSES, 'read-write'),
  }
  const directory = checkDirectory(given.directory)
  const prefixes = checkPrefixes(given.prefixes)
  const file = how({
    capacity: 0,
    lastProcess: false,
    ...what,
    synchronized: settings.synchronized,
    lockTimeout: settings.lockTimeout,
    readOnly: settings.access === 'read',
    ...(directory === undefined ? {} : { directory }),
    dataPrefix: prefixes.data,
    mutexPrefix: prefixes.mutex,
  })
  return { file, settings }
}
