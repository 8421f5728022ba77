import { checkId, checkOptions, checkPrefixes } from './arguments.js'
import { native } from './native.js'
import type { FileInfo, ListOptions } from './types.js'

/** The latest time that a Date can have; a damaged control block may say a later one. */
const LATEST = 8.64e15

/** The files of this user on this machine. It opens none of them. */
export function list(options?: ListOptions): FileInfo[] {
  const { data, mutex } = checkPrefixes(checkOptions(options).prefixes)
  return native.list(data, mutex).map(({ lastProcess, createdAt, ...info }) => ({
    ...info,
    lifetime: lastProcess ? 'last-process' : 'creator',
    created: new Date(Math.min(createdAt, LATEST)),
  }))
}

/** Removes the files that no live process has open, and answers their ids. */
export function sweep(options?: ListOptions): string[] {
  const { data, mutex } = checkPrefixes(checkOptions(options).prefixes)
  return native.sweep(data, mutex)
}

/**
 * Takes a file's id away: nothing can open it from now on, and the id is free. Whoever has it open goes
 * on using it; the memory is freed after the last of them.
 *
 * Throws `ERR_MMFILE_NOT_FOUND`, `ERR_MMFILE_ACCESS` if it is another user's or no
 * file at all.
 */
export function remove(id: string, options?: ListOptions): void {
  const { data, mutex } = checkPrefixes(checkOptions(options).prefixes)
  native.remove(checkId(id), data, mutex)
}
