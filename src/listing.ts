import { checkOptions, checkPrefixes } from './arguments.js'
import { native } from './native.js'
import type { FileInfo, ListOptions } from './types.js'

/** The files of this user on this machine. It opens none of them. */
export function list(options?: ListOptions): FileInfo[] {
  const { data, mutex } = checkPrefixes(checkOptions(options).prefixes)
  return native.list(data, mutex).map(({ lastProcess, createdAt, ...info }) => ({
    ...info,
    lifetime: lastProcess ? 'last-process' : 'creator',
    created: new Date(createdAt),
  }))
}

/** Removes the files that no live process has open, and answers their ids. */
export function sweep(options?: ListOptions): string[] {
  const { data, mutex } = checkPrefixes(checkOptions(options).prefixes)
  return native.sweep(data, mutex)
}
