import { Box, Text, useApp, useInput, useStdout } from 'ink'
import { useEffect, useReducer, useRef, useState } from 'react'
import type { Follower, Line } from '../follow.js'
import { keyOf } from '../key.js'
import type { Sample } from '../sample.js'
import type { ScreenSource } from '../screen-types.js'
import { Details } from './details.js'
import { Following } from './following.js'
import { NAMED, placeOf, pressed, START } from './keys.js'
import { sorted } from './order.js'
import { Table } from './table.js'

/** Milliseconds between two checks of what is followed. */
const FOLLOWED = 200
/** Lines of what was followed that are kept. */
const KEPT = 200

/** All there is, one row each; below it what the selected row is made of, or what comes into it. */
export function App({ source }: { source: ScreenSource }) {
  const { exit } = useApp()
  const { rows: height, columns: width } = useSize()
  const [sample, setSample] = useState<Sample>(() => source.sample())
  const [state, press] = useReducer(pressed, START)
  const { order, reversed, panel, paused } = state

  useEffect(() => {
    if (paused) return
    const timer = setInterval(() => setSample(source.sample()), source.interval)
    return () => clearInterval(timer)
  }, [source, paused])

  const rows = sorted(sample.rows, order, reversed)
  const at = placeOf(rows, state)
  const row = rows[at]
  const lines = useFollowed(source, panel === 'follow' ? row : undefined)

  useInput((input, key) => {
    if (input === 'q' || (key.escape && panel === 'none')) return exit()
    const page = Math.max(1, Math.floor(height / 2))
    const name = NAMED.find((one) => key[one])
    // Keys that are pressed fast come together.
    for (const one of name === undefined ? input : [name]) {
      if (one === 'q') return exit()
      press({ key: one, rows: sample.rows, page })
    }
  })

  const panelHeight = panel === 'none' || row === undefined ? 0 : Math.floor(height / 2) - 2
  // The last line stays free: a screen that is drawn to its end scrolls.
  return (
    <Box flexDirection="column" height={height - 1} width={width}>
      <Summary sample={sample} paused={paused} />
      <Table
        rows={rows}
        at={at}
        order={order}
        reversed={reversed}
        height={height - 4 - panelHeight}
        width={width}
      />
      {row !== undefined && panel === 'inspect' && <Details row={row} height={panelHeight} />}
      {row !== undefined && panel === 'follow' && (
        <Following row={row} lines={lines} height={panelHeight} />
      )}
      <Box flexGrow={1} />
      <Keys />
    </Box>
  )
}

function Summary({ sample, paused }: { sample: Sample; paused: boolean }) {
  const count = (kind: string) => sample.rows.filter((row) => row.kind === kind).length
  const processes = new Set(sample.rows.flatMap((row) => row.processes.map(({ pid }) => pid)))
  const parts = [
    plural(count('file'), 'file', 'files'),
    plural(count('channel'), 'channel', 'channels'),
    plural(count('mutex'), 'mutex', 'mutexes'),
    plural(processes.size, 'process', 'processes'),
  ]
  return (
    <Box justifyContent="space-between">
      <Text wrap="truncate">
        <Text bold color="cyan">
          mmfile top
        </Text>
        {`  ${parts.join(' · ')}`}
      </Text>
      <Text>{paused ? 'paused' : new Date(sample.at).toLocaleTimeString('en-GB')}</Text>
    </Box>
  )
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

const KEYS = [
  ['↑↓', 'select'],
  ['s', 'sort'],
  ['r', 'reverse'],
  ['Return', 'inspect'],
  ['f', 'follow'],
  ['Space', 'pause'],
  ['q', 'quit'],
]

function Keys() {
  return (
    <Text wrap="truncate">
      {KEYS.map(([key, what]) => (
        <Text key={key}>
          <Text bold>{key}</Text>
          <Text dimColor>{` ${what}   `}</Text>
        </Text>
      ))}
    </Text>
  )
}

/** The size of the terminal, as it is now. */
function useSize(): { rows: number; columns: number } {
  const { stdout } = useStdout()
  const sizeOf = () => ({ rows: stdout.rows || 24, columns: stdout.columns || 80 })
  const [size, setSize] = useState(sizeOf)
  useEffect(() => {
    const onResize = () => setSize(sizeOf())
    stdout.on('resize', onResize)
    return () => {
      stdout.off('resize', onResize)
    }
  })
  return size
}

/** What comes into a row's file or channel, the newest last. */
function useFollowed(
  source: ScreenSource,
  row: Sample['rows'][number] | undefined,
): readonly Line[] {
  const [lines, setLines] = useState<readonly Line[]>([])
  const target = row === undefined || row.kind === 'mutex' ? undefined : keyOf(row)
  const followed = useRef(row)
  followed.current = row
  useEffect(() => {
    setLines([])
    if (target === undefined || followed.current === undefined) return
    let follower: Follower
    try {
      follower = source.follow(followed.current, KEPT)
    } catch {
      return // It is gone: its row will be, too.
    }
    const look = () => {
      try {
        const more = follower.next(KEPT)
        if (more.length > 0) setLines((before) => [...before, ...more].slice(-KEPT))
      } catch {
        clearInterval(timer)
      }
    }
    const timer = setInterval(look, FOLLOWED)
    look()
    return () => {
      clearInterval(timer)
      follower.close()
    }
  }, [source, target])
  return lines
}
