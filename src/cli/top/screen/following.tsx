import { Box, Text } from 'ink'
import type { Line } from '../follow.js'
import type { TopRow } from '../sample.js'

/** The new contents of a file or a channel, the newest at the bottom. */
export function Following({
  row,
  lines,
  problem,
  height,
}: {
  row: TopRow
  lines: readonly Line[]
  problem: string
  height: number
}) {
  const shown = lines.slice(-Math.max(1, height - 3 - (problem === '' ? 0 : 1)))
  return (
    <Box flexDirection="column" height={height} borderStyle="round" paddingX={1} overflow="hidden">
      <Text bold wrap="truncate-middle">{`follows ${row.kind} ${row.id}`}</Text>
      {shown.length === 0 && problem === '' && <Text dimColor>nothing yet</Text>}
      {shown.map(({ index, bytes, begins }) => (
        <Text key={index} wrap="truncate">
          <Text dimColor>{`${index}  ${bytes} bytes  `}</Text>
          {begins}
        </Text>
      ))}
      {problem !== '' && (
        <Text color="red" wrap="truncate">
          {problem}
        </Text>
      )}
    </Box>
  )
}
