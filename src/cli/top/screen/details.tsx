import { Box, Text } from 'ink'
import type { TopRow } from '../sample.js'
import { bytes } from './format.js'

/** The details of a row: its processes, and the participants of a channel. */
export function Details({ row, height }: { row: TopRow; height: number }) {
  const all = [...factsOf(row), ...row.processes.map(describeProcess), ...participantsOf(row)]
  const room = Math.max(0, height - 3)
  const left = all.length - room + 1
  const lines = left > 1 ? [...all.slice(0, Math.max(0, room - 1)), `… and ${left} more`] : all
  return (
    <Box flexDirection="column" height={height} borderStyle="round" paddingX={1} overflow="hidden">
      <Text bold wrap="truncate-middle">{`${row.kind} ${row.id}`}</Text>
      {lines.slice(0, room).map((line) => (
        <Text key={line} wrap="truncate">
          {line}
        </Text>
      ))}
    </Box>
  )
}

function factsOf(row: TopRow): string[] {
  const { capacity, size, length, lifetime, createdAt, creatorPid, sealed, stale, kind } = row
  const things = `${kind === 'channel' ? 'message' : 'segment'}${length === 1 ? '' : 's'}`
  const room =
    kind === 'mutex'
      ? []
      : [
          `${bytes(size)} of ${bytes(capacity)}, ${length.toLocaleString('en')} ${things}${sealed ? ', sealed' : ''}`,
        ]
  return [
    ...room,
    `created ${createdAt.slice(0, 19).replace('T', ' ')} UTC by process ${creatorPid}, lifetime ${lifetime}${stale ? ', stale: mmfile sweep removes it' : ''}`,
  ]
}

function describeProcess({
  pid,
  access,
  isCreator,
  holdsLock,
}: TopRow['processes'][number]): string {
  const more = [...(isCreator ? ['its creator'] : []), ...(holdsLock ? ['holds the lock'] : [])]
  return `process ${pid}  ${[access, ...more].join(', ')}`
}

/** Those that lag most come first, since the window may be too small for all. */
function participantsOf({ participants }: TopRow): string[] {
  const worst = [...participants].sort((a, b) => b.lag - a.lag)
  return worst.map(({ id, role, group, pid, nextIndex, lag }) => {
    const who = [
      role,
      ...(group === undefined ? [] : [group]),
      ...(pid === undefined ? [] : [`process ${pid}`]),
    ]
    return `${who.join(' ').padEnd(30)}  next ${nextIndex.toLocaleString('en')}, lag ${lag.toLocaleString('en')}  (participant ${id})`
  })
}
