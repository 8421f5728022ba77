import type { NativeInfo, NativePlace } from '../../binding.js'
import {
  checkDirectory,
  checkId,
  checkOneOf,
  checkOptions,
  checkPrefix,
  checkPrefixes,
} from './arguments.js'
import { defaults, native } from './native.js'
import { toDate, toPeer } from './rows.js'
import type { ListOptions, ObjectInfo, Peer, RemoveOptions } from './types.js'

const KINDS = ['file', 'channel', 'mutex'] as const
const LIST_OPTIONS = ['directory', 'prefixes', 'prefix'] as const
const REMOVE_OPTIONS = [...LIST_OPTIONS, 'kind'] as const

/**
 * The files, channels and mutexes of this user in one folder, in no order. It opens none of them: a process that
 * lists is no peer and prolongs no life. It frees what a process left that was killed while it created
 * something under the same prefixes. It costs a few system calls for each object and one for each name
 * in the folder.
 *
 * Throws `ERR_MMFILE_NO_SPACE` if the process has no descriptors left, `ERR_MMFILE_ACCESS` if the folder
 * cannot be read, `ERR_MMFILE_UNSUPPORTED` if it does not exist, and for a directory on Windows.
 *
 * @param options `directory`, `prefixes`, and `prefix`, the prefix of mutexes
 * @example
 * for (const { id, kind, size } of list()) console.log(id, kind, size)
 */
export function list(options?: ListOptions): ObjectInfo[] {
  return native.list(placeOf(checkOptions(options, LIST_OPTIONS))).map(toInfo)
}

/**
 * Removes the files, channels and mutexes of this user that no live process has open, and returns their rows. It
 * throws and costs what `list` does.
 *
 * @param options `directory`, `prefixes`, and `prefix`, the prefix of mutexes
 * @returns a row for each that was removed
 * @example
 * console.log(`${sweep().length} removed`)
 */
export function sweep(options?: ListOptions): ObjectInfo[] {
  const place = placeOf(checkOptions(options, LIST_OPTIONS))
  const rows = native.sweep(place).map(toInfo)
  const { directory, channelPrefix } = place
  // The objects of a channel's requests are removed with it, and have no row.
  native.sweep({
    dataPrefix: NOTHING,
    mutexPrefix: `${NOTHING}lock-`,
    channelPrefix: requestPrefix(channelPrefix),
    ...(directory === undefined ? {} : { directory }),
  })
  return rows
}

/**
 * Removes the name of a file, a channel or a mutex: nothing can open it from now on, and the name is free, on Windows
 * as soon as the last process has closed it. A process that has it open can keep using it; the memory is freed after
 * the last of them.
 *
 * Throws `ERR_MMFILE_NOT_FOUND`; `ERR_MMFILE_ACCESS` if it is another user's, of another kind, or
 * something else stands at its name; `ERR_MMFILE_TIMEOUT` if other processes keep the name locked for ten
 * seconds; `ERR_MMFILE_UNSUPPORTED` if there is no such folder, and for a directory on Windows.
 *
 * @param id the file's or channel's id, or the mutex's name
 * @param options `kind`: what is removed, a file by default; `directory`, `prefixes`, `prefix`
 * @example
 * remove('jobs', { kind: 'channel' })
 */
export function remove(id: string, options?: RemoveOptions): void {
  const given: Partial<RemoveOptions> = checkOptions(options, REMOVE_OPTIONS)
  const kind = checkOneOf('options.kind', given.kind, KINDS, 'file')
  native.remove(checkId(id), kind, placeOf(given))
}

/**
 * The processes that have the mutex of that name open, and its holder. It joins nothing, and takes no
 * lock.
 *
 * Throws `ERR_MMFILE_NOT_FOUND` if no process has one open. @internal
 */
export function mutexPeers(name: string, place: ListOptions): Peer[] {
  return native.mutexPeers(name, placeOf(place)).map(toPeer)
}

/** A prefix that nothing has. */
const NOTHING = 'mmfile-nothing-'

/** The prefix of the channels that belong to those of a prefix. */
export function requestPrefix(prefix: string): string {
  return `rpc-${prefix}`.slice(0, 64)
}

function placeOf(given: ListOptions): NativePlace {
  const directory = checkDirectory(given.directory)
  const { prefixes } = given
  const { data, mutex, channel } = checkPrefixes(prefixes)
  // A program that gives prefixes touches nothing outside of them.
  const absent = prefixes === undefined ? defaults.mutexPrefix : undefined
  const prefix = checkPrefix('options.prefix', given.prefix, absent)
  return {
    dataPrefix: data,
    mutexPrefix: mutex,
    channelPrefix: prefixes === undefined || prefixes.channel !== undefined ? channel : NOTHING,
    ...(directory === undefined ? {} : { directory }),
    ...(prefix === undefined ? {} : { prefix }),
  }
}

function toInfo({ lastProcess, createdAt, ...info }: NativeInfo): ObjectInfo {
  return {
    ...info,
    lifetime: lastProcess ? 'last-process' : 'creator',
    createdAt: toDate(createdAt),
  }
}
