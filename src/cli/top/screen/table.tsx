import { Box, Text } from 'ink'
import type { ReactNode } from 'react'
import { keyOf } from '../key.js'
import type { TopRow } from '../sample.js'
import { bar, bytes, rate } from './format.js'
import { ORDERS } from './order.js'

interface Column {
  name: string
  /** Of ORDERS, to show what the rows are sorted by. */
  order?: string
  width: number
  /** Columns with a greater one go first where there is little room. */
  rank: number
  toTheRight?: boolean
  cell(row: TopRow): ReactNode
}

/** It gets what room the others leave. */
const PROCESSES = 'PROCESSES'

const COLUMNS: readonly Column[] = [
  { name: 'KIND', order: 'kind', width: 7, rank: 1, cell: (row) => row.kind },
  { name: 'USED', order: 'used', width: 16, rank: 0, cell: used },
  {
    name: 'SIZE',
    width: 10,
    rank: 4,
    toTheRight: true,
    cell: (row) => (row.used === null ? '' : bytes(row.size)),
  },
  {
    name: 'RATE',
    order: 'rate',
    width: 9,
    rank: 2,
    toTheRight: true,
    cell: (row) => rate(row.rate),
  },
  {
    name: 'BYTES/S',
    width: 9,
    rank: 6,
    toTheRight: true,
    cell: (row) => (row.byteRate === null ? '' : bytes(row.byteRate)),
  },
  { name: PROCESSES, order: 'processes', width: 13, rank: 3, cell: processes },
  { name: 'LOCK', width: 7, rank: 3, cell: lock },
  { name: 'LAG', order: 'lag', width: 7, rank: 2, toTheRight: true, cell: (row) => lag(row.lag) },
]

const SHORTEST_ID = 12

interface TableProps {
  rows: readonly TopRow[]
  at: number
  order: number
  reversed: boolean
  height: number
  width: number
}

export function Table({ rows, at, order, reversed, height, width }: TableProps) {
  const columns = fitting(width)
  const taken = columns.reduce((sum, column) => sum + column.width + 1, 0)
  const longest = rows.reduce((most, { id }) => Math.max(most, id.length), SHORTEST_ID)
  const idWidth = Math.max(SHORTEST_ID, Math.min(longest, width - taken - 2))
  const spare = Math.max(0, width - taken - idWidth - 2)
  const widthOf = ({ name, width: own }: Column) => (name === PROCESSES ? own + spare : own)
  const sortedBy = ORDERS[order]?.name
  const arrow = reversed ? '▲' : '▼'
  const head = (name: string, own: string | undefined) =>
    own !== undefined && own === sortedBy ? `${name} ${arrow}` : name
  const visible = Math.max(1, height - 2)
  const first = Math.min(Math.max(0, at - visible + 1), Math.max(0, rows.length - visible))
  const idHead = sortedBy === 'created' ? `ID, age ${arrow}` : head('ID', 'id')
  return (
    <Box flexDirection="column" marginTop={1}>
      <Box columnGap={1}>
        <Cell width={idWidth + 1} bold>{` ${idHead}`}</Cell>
        {columns.map((column) => (
          <Cell key={column.name} width={widthOf(column)} toTheRight={column.toTheRight} bold>
            {head(column.name, column.order)}
          </Cell>
        ))}
      </Box>
      {rows.length === 0 && (
        <Text dimColor> There is nothing: no file, no channel and no mutex.</Text>
      )}
      {rows.slice(first, first + visible).map((row, index) => (
        <Box key={keyOf(row)} columnGap={1}>
          <Cell width={idWidth + 1} inverse={first + index === at} dim={row.stale}>
            {`${first + index === at ? '▸' : ' '}${row.id}`}
          </Cell>
          {columns.map((column) => (
            <Cell
              key={column.name}
              width={widthOf(column)}
              toTheRight={column.toTheRight}
              dim={row.stale}
            >
              {column.cell(row)}
            </Cell>
          ))}
        </Box>
      ))}
    </Box>
  )
}

interface CellProps {
  width: number
  toTheRight?: boolean | undefined
  bold?: boolean
  inverse?: boolean
  dim?: boolean
  children: ReactNode
}

function Cell({
  width,
  toTheRight = false,
  bold = false,
  inverse = false,
  dim = false,
  children,
}: CellProps) {
  return (
    <Box width={width} flexShrink={0} justifyContent={toTheRight ? 'flex-end' : 'flex-start'}>
      <Text wrap="truncate-middle" bold={bold} inverse={inverse} dimColor={dim}>
        {children}
      </Text>
    </Box>
  )
}

/** The columns that there is room for. */
function fitting(width: number): Column[] {
  const columns = [...COLUMNS]
  const needed = () => SHORTEST_ID + 2 + columns.reduce((sum, one) => sum + one.width + 1, 0)
  while (columns.length > 1 && needed() > width) {
    const least = columns.reduce((a, b) => (b.rank > a.rank ? b : a))
    columns.splice(columns.indexOf(least), 1)
  }
  return columns
}

function used(row: TopRow): ReactNode {
  if (row.used === null) return row.stale ? 'stale' : ''
  const colour = row.used > 0.9 ? 'red' : row.used > 0.7 ? 'yellow' : 'green'
  const percent = `${Math.round(row.used * 100)} %`.padStart(5)
  return (
    <>
      <Text color={colour}>{bar(row.used, 10)}</Text>
      {percent}
    </>
  )
}

function processes(row: TopRow): ReactNode {
  if (row.problem !== null) return <Text color="red">{row.problem.replace('ERR_MMFILE_', '')}</Text>
  if (row.stale) return 'stale'
  return row.processes.map(({ pid }) => pid).join(' ')
}

function lock({ lockHolder }: TopRow): ReactNode {
  return lockHolder === null ? '' : <Text color="yellow">{lockHolder}</Text>
}

function lag(value: number | null): ReactNode {
  if (value === null) return ''
  const text = value.toLocaleString('en')
  return value > 0 ? <Text color="yellow">{text}</Text> : text
}
