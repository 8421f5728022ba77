// Round trips of processes that sleep, with both on one processor and with one on each: which of the
// two the scheduler chooses makes more of a difference than everything else.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { placed, SIZE } from '../lib/placed.mjs'
import { processors } from '../lib/placement.mjs'
import { ratios } from '../lib/statistics.mjs'
import { transports } from '../transports/index.mjs'

const execute = promisify(execFile)
const NAMES = [
  'mmfileBlock',
  'mmfileAsyncCopy',
  'channelBlock',
  'channelAsync',
  'channelAsyncSpin',
  'socket',
]
const CORE = 'mmfile-core alone, Rust to Rust, blocking'

function measure(context, [mine, theirs]) {
  const { quick, floor } = context
  const args = ['trip', SIZE, quick ? 2000 : 4000, 0, mine, theirs].map(String)
  const core = async () => Number((await execute(floor.program, args)).stdout) / 1000
  return placed(context, NAMES, [mine, theirs], floor ? { core } : {})
}

export async function placement(context) {
  const { report, floor } = context
  const [first, second] = processors()
  if (second === undefined) {
    return report.note('placed round trips need taskset and two processors')
  }
  report.progress('round trip, 64 B, by processors')
  const one = await measure(context, [first, first])
  const two = await measure(context, [first, second])
  report.table({
    id: 'placement',
    title: 'Round trip of 64 B, processes placed',
    unit: 'µs',
    columns: ['both on one processor', 'one on each'],
    rows: [...NAMES, ...(floor ? ['core'] : [])].map((name) => ({
      label: transports[name]?.label ?? CORE,
      cells: [one[name], two[name]],
    })),
  })
  for (const [id, figures] of Object.entries({ one, two })) {
    const goal = (kind, ours) => report.goal(`trip-${kind}-${id}`, ratios(figures.socket, ours))
    goal('block', figures.mmfileBlock)
    goal('async', figures.mmfileAsyncCopy)
    goal('channel', figures.channelAsync)
    // With one processor for both, what spins keeps the other from running.
    if (id === 'two') goal('channel-spin', figures.channelAsyncSpin)
  }
}
