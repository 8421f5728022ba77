// Round trips of processes that sleep, with both on one processor and with one on each: which of the
// two the scheduler chooses makes more of a difference than everything else.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Link } from '../lib/link.mjs'
import { place, processors } from '../lib/placement.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'
import { transports } from '../transports/index.mjs'

const execute = promisify(execFile)
const SIZE = 64
const NAMES = ['mmfileBlock', 'mmfileAsyncCopy', 'channelAsync', 'channelAsyncSpin', 'socket']
const CORE = 'mmfile-core alone, Rust to Rust, blocking'
const TOGETHER = 8

async function measure({ quick, turns, floor, peers }, [mine, theirs], all) {
  const links = NAMES.map((name) => new Link(name, SIZE, peers))
  const count = quick ? 2000 : 4000
  const sides = {}
  try {
    for (const [at, name] of NAMES.entries()) {
      await links[at].trips(8, { all: true })
      sides[name] = () => links[at].trips(count, { together: TOGETHER })
    }
    if (floor) {
      const args = ['trip', SIZE, count, 0, mine, theirs].map(String)
      sides.core = async () => Number((await execute(floor.program, args)).stdout) / 1000
    }
    place(process.pid, [mine])
    for (const link of links) place(link.pid, [theirs])
    for (const side of Object.values(sides)) await side()
    return await alternate(turns, sides)
  } finally {
    place(process.pid, all)
    for (const link of links) await link.close()
  }
}

export async function placement(context) {
  const { report, floor } = context
  const all = processors()
  if (all.length < 2) return report.note('placed round trips need taskset and two processors')
  report.progress('round trip, 64 B, by processors')
  const [first, second] = all
  const one = await measure(context, [first, first], all)
  const two = await measure(context, [first, second], all)
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
