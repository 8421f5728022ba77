import { keyOf } from '../key.js'
import type { TopRow } from '../sample.js'
import { ORDERS, sorted } from './order.js'

/** The view that the user has chosen. */
export interface State {
  /** The place in ORDERS. */
  order: number
  reversed: boolean
  /** The key of the selected row: the first row, until the user selects one. */
  selected: string | undefined
  /** Where that was, for the row that takes its place when it is gone. */
  place: number
  panel: 'none' | 'inspect' | 'follow'
  paused: boolean
}

export const START: State = {
  order: 0,
  reversed: false,
  selected: undefined,
  place: 0,
  panel: 'none',
  paused: false,
}

/** Keys without a character, by their names in the drawing library. */
export const NAMED = ['upArrow', 'downArrow', 'pageUp', 'pageDown', 'return', 'escape'] as const

/** The "key" of a new sample. */
export const SAMPLED = 'sampled'

export interface Press {
  /** A character, one of NAMED, or SAMPLED. */
  key: string
  rows: readonly TopRow[]
  /** How many rows a page has. */
  page: number
}

/** Where the selected row is among the rows as they are sorted, or the one that is where it was. */
export function placeOf(rows: readonly TopRow[], { selected, place }: State): number {
  const found = rows.findIndex((row) => keyOf(row) === selected)
  return found >= 0 ? found : Math.max(0, Math.min(place, rows.length - 1))
}

/** The effect of a key. */
export function pressed(state: State, { key, rows: unsorted, page }: Press): State {
  const { order, reversed, panel, paused } = state
  const rows = sorted(unsorted, order, reversed)
  const at = placeOf(rows, state)
  const to = (wanted: number): State => {
    const place = Math.min(Math.max(wanted, 0), rows.length - 1)
    const row = rows[place]
    return row === undefined ? state : { ...state, selected: keyOf(row), place }
  }
  const by = (step: number): State => ({
    ...state,
    order: (order + step + ORDERS.length) % ORDERS.length,
  })
  // The row that a panel shows stays selected when the rows move.
  const toggle = (one: State['panel']): State => ({
    ...to(at),
    panel: panel === one ? 'none' : one,
  })
  const settled = (): State => {
    if (state.selected === undefined) return state
    const next = to(at)
    return next.selected === state.selected ? next : { ...next, panel: 'none' }
  }
  switch (key) {
    case 'upArrow':
    case 'k':
      return to(at - 1)
    case 'downArrow':
    case 'j':
      return to(at + 1)
    case 'pageUp':
      return to(at - page)
    case 'pageDown':
      return to(at + page)
    case 'g':
      return to(0)
    case 'G':
      return to(rows.length - 1)
    case 's':
      return by(1)
    case 'S':
      return by(-1)
    case 'r':
      return { ...state, reversed: !reversed }
    case 'return':
    case 'i':
      return toggle('inspect')
    case 'f':
      return toggle('follow')
    case 'escape':
      return { ...state, panel: 'none' }
    case SAMPLED:
      return settled()
    case ' ':
      return { ...state, paused: !paused }
    default:
      return state
  }
}
