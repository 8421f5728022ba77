import { setTimeout as sleep } from 'node:timers/promises'
import type { Kind } from '../../shared/types.js'
import { type Call, type Command, kindOf, OBJECT_OPTIONS, placeOf, UsageError } from '../command.js'
import { table, write } from '../output.js'
import { onSignal } from '../signals.js'
import { follow } from './follow.js'
import { type Sample, Sampler, type TopRow } from './sample.js'
import type { Screen, ScreenSource } from './screen-types.js'

/** Milliseconds over which the rates of a single sample are measured. */
const MEASURED = 250

export const top: Command = {
  name: 'top',
  operands: [],
  summary: 'Show what there is as it changes: how full, how fast, who has it, who lags',
  details: `In a terminal it is a live screen: the arrow keys select, 's' sorts, Return inspects, 'f' follows, 'q' ends it.
With --json, or where the output is no terminal, it prints once and ends. Looking changes nothing: it is no peer.`,
  example: 'mmfile top --json | jq .rows',
  options: {
    json: { type: 'boolean', summary: 'print one sample as JSON' },
    interval: { type: 'string', hint: 'SECONDS', summary: 'between two samples (default: 1)' },
    ...OBJECT_OPTIONS,
  },
  async run(call) {
    const [interval, kind] = [intervalOf(call), kindOf(call)]
    const sampler = new Sampler(placeOf(call))
    const isScreen = process.stdout.isTTY && process.stdin.isTTY && process.env.TERM !== 'dumb'
    if (!call.options.json && isScreen) {
      return showScreen({
        interval,
        sample: () => ofKind(sampler.take(), kind),
        follow: (row, most) => follow(row, placeOf(call), most),
      })
    }
    sampler.take()
    await sleep(MEASURED)
    const sample = ofKind(sampler.take(), kind)
    if (call.options.json) return write(`${JSON.stringify(sample, null, 2)}\n`)
    return write(`${table(HEAD, sample.rows.map(cells))}\n`)
  },
}

/** The drawing library is loaded where there is a screen to draw on, and nowhere else. */
async function showScreen(source: ScreenSource): Promise<void> {
  const first = source.sample()
  // The library knows no NO_COLOR.
  if (!process.stdout.hasColors()) process.env.FORCE_COLOR = '0'
  // Where these are set it draws nothing, although this is a terminal.
  delete process.env.CI
  delete process.env.CONTINUOUS_INTEGRATION
  const module: string = './screen.mjs'
  const { showScreen: show } = (await import(module)) as Screen
  const stop = new AbortController()
  const unlisten = onSignal((stopped) => stop.abort(stopped))
  try {
    await show(source, first, stop.signal)
  } finally {
    unlisten()
  }
  stop.signal.throwIfAborted()
}

/** Milliseconds. */
function intervalOf({ options: { interval } }: Call): number {
  if (interval === undefined) return 1000
  const seconds = Number(interval)
  if (seconds >= 0.1 && seconds <= 3600) return seconds * 1000
  throw new UsageError(`--interval is a number of seconds from 0.1 to 3600, not '${interval}'`)
}

function ofKind(sample: Sample, kind: Kind | undefined): Sample {
  if (kind === undefined) return sample
  return { ...sample, rows: sample.rows.filter((row) => row.kind === kind) }
}

const HEAD = ['ID', 'KIND', 'USED', 'LENGTH', 'RATE', 'PROCESSES', 'LOCK', 'LAG', 'STATE']

function cells(row: TopRow) {
  const { id, kind, used, length, rate, processes, lockHolder, lag, stale, sealed } = row
  return [
    id,
    kind,
    used === null ? '' : `${Math.round(used * 100)} %`,
    length,
    rate === null ? '' : `${Math.round(rate)}/s`,
    processes.map(({ pid }) => pid).join(' '),
    lockHolder ?? '',
    lag ?? '',
    [stale ? 'stale' : 'in use', ...(sealed ? ['sealed'] : [])].join(', '),
  ]
}
