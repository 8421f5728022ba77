import type { NativePeer } from '../../binding.js'
import type { Participant } from '../channel/types.js'
import type { Peer } from './types.js'

/*
 * Rows of the native code, as the program gets them.
 */

/** The latest time that a Date can have; a damaged control block may say a later one. */
const LATEST = 8.64e15

/** An open handle, as `peers()` shows it. */
export function toPeer({ readOnly, since, isSelf, ...peer }: NativePeer): Peer {
  return {
    ...peer,
    access: readOnly ? 'read' : 'read-write',
    since: toDate(since),
    self: isSelf,
  }
}

/** A time that another process wrote. */
export function toDate(milliseconds: number): Date {
  return new Date(Math.min(milliseconds, LATEST))
}

/** A participant, as programs see it. */
export function participantOf(row: {
  number: number
  pid?: number | undefined
  role: string
  group?: string | undefined
  nextIndex: number
  lag: number
  since: number
}): Participant {
  const { number, pid, role, group, nextIndex, lag, since } = row
  return {
    id: String(number),
    pid,
    role: role as Participant['role'],
    group,
    nextIndex,
    lag,
    since: toDate(since),
  }
}
