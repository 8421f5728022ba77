import { checkOneOf, checkWhole } from '../shared/arguments.js'
import { invalidType, invalidValue } from '../shared/errors.js'
import { checkWait, WAIT_OPTIONS, type Wait } from '../shared/waits.js'
import type { MessageForm, Position, ReceiveOptions } from './types.js'

const FORMS = ['value', 'bytes', 'view'] as const
const POSITIONS = { new: -1, oldest: -2, newest: -3 } as const
export const RECEIVE_SYNC_OPTIONS = ['timeout', 'spin'] as const
/** The names of the options that readers and members share. */
export const RECEIVE_OPTIONS = [...WAIT_OPTIONS, 'as', 'spin', 'requirePeer'] as const

/** How messages are received. */
export interface Receiving {
  readonly as: MessageForm
  readonly requirePeer: number
  readonly wait: Wait
}

export function checkReceiving(options: ReceiveOptions): Receiving {
  return {
    as: checkOneOf('options.as', options.as, FORMS, 'value'),
    requirePeer: checkChannelPeer(options.requirePeer),
    wait: checkWait(options),
  }
}

/** The sum of 1 for any peer, 2 for the creator and 4 for an exclusive writer. */
function checkChannelPeer(value: unknown): number {
  if (value === undefined || value === false) return 0
  if (value === true) return 1
  if (value === 'creator') return 2
  if (value === 'writer') return 4
  const name = 'options.requirePeer'
  if (typeof value !== 'string')
    throw invalidType(name, "of type boolean, 'creator' or 'writer'", value)
  throw invalidValue(name, "must be true, false, 'creator' or 'writer'", value)
}

/** Where a reader or a group begins, as the native code takes it. */
export function checkFrom(from: Position | undefined, absent: keyof typeof POSITIONS): number {
  if (from === undefined) return POSITIONS[absent]
  if (typeof from === 'number') return checkWhole('options.from', from)
  if (typeof from === 'string' && Object.hasOwn(POSITIONS, from)) return POSITIONS[from]
  if (typeof from === 'string') {
    throw invalidValue(
      'options.from',
      "must be one of: 'new', 'oldest', 'newest', or an index",
      from,
    )
  }
  throw invalidType('options.from', 'of type string or number', from)
}
