import type { TopRow } from '../sample.js'

interface Order {
  name: string
  /** The number to compare; greater ones come first. */
  by(row: TopRow): number | string
}

/** The sort orders of the rows; the key 's' switches to the next one. */
export const ORDERS: readonly Order[] = [
  { name: 'created', by: (row) => Date.parse(row.createdAt) },
  { name: 'id', by: (row) => row.id },
  { name: 'kind', by: (row) => row.kind },
  { name: 'used', by: (row) => row.used ?? -1 },
  { name: 'rate', by: (row) => row.rate ?? -1 },
  { name: 'processes', by: (row) => row.processes.length },
  { name: 'lag', by: (row) => row.lag ?? -1 },
]

export function sorted(rows: readonly TopRow[], order: number, reversed: boolean): TopRow[] {
  const by = ORDERS[order]?.by ?? (() => 0)
  const direction = reversed ? -1 : 1
  return [...rows].sort((a, b) => direction * compare(by(a), by(b)) || compare(a.id, b.id))
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a
  return String(a).localeCompare(String(b))
}
