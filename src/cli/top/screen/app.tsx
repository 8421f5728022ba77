import { Box, Text, useApp, useInput, useStdout } from 'ink'
import { useEffect, useReducer, useRef, useState } from 'react'
import type { Follower, Line } from '../follow.js'
import { keyOf } from '../key.js'
import type { Sample } from '../sample.js'
import type { ScreenSource } from '../screen-types.js'
import { Details } from './details.js'
import { Following } from './following.js'
import { NAMED, placeOf, pressed, SAMPLED, START } from './keys.js'
import { sorted } from './order.js'
import { Table } from './table.js'

/** Milliseconds between two polls of the followed object. */
const FOLLOWED = 200
/** The number of followed lines that are kept. */
const KEPT = 200
/** Lines of a window that are neither the table's nor a panel's: the summary and the keys. */
const FRAME = 2
/** Lines of a table besides its rows: a blank one and the head. */
const TABLE = 2
/** Lines of a window that is too low for a table and a panel. */
const LOW = 16

/** All there is, one row each; below it what the selected row is made of, or what comes into it. */
export function App({ source, first }: { source: ScreenSource; first: Sample }) {
  const { exit } = useApp()
  const { rows: height, columns: width } = useSize()
  const [sample, setSample] = useState(first)
  const [problem, setProblem] = useState('')
  const [state, press] = useReducer(pressed, START)
  const { order, reversed, panel, paused } = state

  useEffect(() => {
    if (paused) return
    const take = () => {
      try {
        const next = source.sample()
        setSample(next)
        setProblem('')
        press({ key: SAMPLED, rows: next.rows, page: 0 })
      } catch (error) {
        // The folder may come back; the last state stays on the screen until then.
        setProblem((error as Error).message)
      }
    }
    const timer = setInterval(take, source.interval)
    return () => clearInterval(timer)
  }, [source, paused])

  const rows = sorted(sample.rows, order, reversed)
  const at = placeOf(rows, state)
  const row = rows[at]
  const followed = useFollowed(source, panel === 'follow' ? row : undefined)

  useInput((input, key) => {
    if (key.ctrl || (key.meta && !key.escape)) return // they have no meaning here
    if (input === 'q' || (key.escape && panel === 'none')) return exit()
    const page = Math.max(1, Math.floor(height / 2))
    const name = NAMED.find((one) => key[one])
    // Keys that are pressed fast come together.
    for (const one of name === undefined ? input : [name]) {
      if (one === 'q') return exit()
      press({ key: one, rows: sample.rows, page })
    }
  })

  // In a low window there is room for a table or for a panel. The last line stays free: a screen that is drawn to
  // its end scrolls.
  const room = height - 1 - FRAME
  const isLow = height < LOW
  const half = Math.floor(height / 2) - 2
  const beside = Math.max(half, room - TABLE - rows.length)
  const panelHeight = panel === 'none' || row === undefined ? 0 : isLow ? room : beside
  return (
    <Box flexDirection="column" height={height - 1} width={width}>
      <Summary sample={sample} paused={paused} problem={problem} />
      {(panelHeight === 0 || !isLow) && (
        <Table
          rows={rows}
          at={at}
          order={order}
          reversed={reversed}
          height={room - panelHeight}
          width={width}
        />
      )}
      {row !== undefined && panel === 'inspect' && <Details row={row} height={panelHeight} />}
      {row !== undefined && panel === 'follow' && (
        <Following row={row} {...followed} height={panelHeight} />
      )}
      <Box flexGrow={1} />
      <Keys />
    </Box>
  )
}

interface SummaryProps {
  sample: Sample
  paused: boolean
  /** Why there is no newer sample, or nothing. */
  problem: string
}

function Summary({ sample, paused, problem }: SummaryProps) {
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
        {problem === '' ? `  ${parts.join(' · ')}` : <Text color="red">{`  ${problem}`}</Text>}
      </Text>
      <Box flexShrink={0} marginLeft={1}>
        <Text>{paused ? 'paused' : new Date(sample.at).toLocaleTimeString('en-GB')}</Text>
      </Box>
    </Box>
  )
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The most important comes first: a narrow window has no room for the rest. */
const KEYS = [
  ['q', 'quit'],
  ['↑↓', 'select'],
  ['Return', 'inspect'],
  ['f', 'follow'],
  ['s', 'sort'],
  ['r', 'reverse'],
  ['Space', 'pause'],
]

function Keys() {
  return (
    <Text wrap="truncate">
      {KEYS.map(([key, what]) => (
        <Text key={key}>
          <Text bold>{key}</Text>
          <Text dimColor>{` ${what}  `}</Text>
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

interface Followed {
  lines: readonly Line[]
  /** Why no more can be read, or nothing. */
  problem: string
}

const NOTHING: Followed = { lines: [], problem: '' }

/** The new contents of a row's file or channel, the newest last. */
function useFollowed(source: ScreenSource, row: Sample['rows'][number] | undefined): Followed {
  const [followed, setFollowed] = useState(NOTHING)
  const target = row === undefined ? undefined : keyOf(row)
  const latest = useRef(row)
  latest.current = row
  useEffect(() => {
    setFollowed(NOTHING)
    if (target === undefined || latest.current === undefined) return
    const fail = (problem: string) => setFollowed(({ lines }) => ({ lines, problem }))
    if (latest.current.kind === 'mutex') return fail('a mutex has no contents')
    let follower: Follower
    try {
      follower = source.follow(latest.current, KEPT)
    } catch (error) {
      return fail((error as Error).message)
    }
    const look = () => {
      try {
        const more = follower.next(KEPT)
        if (more.length === 0) return
        setFollowed(({ lines }) => ({ lines: [...lines, ...more].slice(-KEPT), problem: '' }))
      } catch (error) {
        clearInterval(timer)
        fail((error as Error).message)
      }
    }
    const timer = setInterval(look, FOLLOWED)
    look()
    return () => {
      clearInterval(timer)
      follower.close()
    }
  }, [source, target])
  return followed
}
