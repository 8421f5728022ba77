import { keyOf } from '../key.js'
import type { TopRow } from '../sample.js'
import { ORDERS, sorted } from './order.js'

/** What the user has chosen to see. */
export interface State {
  /** The place in ORDERS. */
  order: number
  reversed: boolean
  /** The key of the selected row; the first one is, where there is no such row. */
  selected: string | undefined
  panel: 'none' | 'inspect' | 'follow'
  paused: boolean
}

export const START: State = {
  order: 0,
  reversed: false,
  selected: undefined,
  panel: 'none',
  paused: false,
}

/** Keys without a character, by what the drawing library calls them. */
export const NAMED = ['upArrow', 'downArrow', 'pageUp', 'pageDown', 'return', 'escape'] as const

export interface Press {
  /** A character, or one of NAMED. */
  key: string
  rows: readonly TopRow[]
  /** How many rows a page has. */
  page: number
}

/** Where the selected row is among the rows as they are sorted. */
export function placeOf(rows: readonly TopRow[], { selected }: State): number {
  return Math.max(
    0,
    rows.findIndex((row) => keyOf(row) === selected),
  )
}

/** What comes of a key. */
export function pressed(state: State, { key, rows: unsorted, page }: Press): State {
  const { order, reversed, panel, paused } = state
  const rows = sorted(unsorted, order, reversed)
  const at = placeOf(rows, state)
  const to = (place: number): State => {
    const row = rows[Math.min(Math.max(place, 0), rows.length - 1)]
    return row === undefined ? state : { ...state, selected: keyOf(row) }
  }
  const by = (step: number): State => ({
    ...state,
    order: (order + step + ORDERS.length) % ORDERS.length,
  })
  const toggle = (one: State['panel']): State => ({
    ...state,
    panel: panel === one ? 'none' : one,
  })
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
    case ' ':
      return { ...state, paused: !paused }
    default:
      return state
  }
}
