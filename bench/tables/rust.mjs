// Messages from a program in Rust to another: mmfile-core's channel and iceoryx2, both sides looking in a loop.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { alternate, ratios } from '../lib/statistics.mjs'

const execute = promisify(execFile)
const NAMES = {
  channel: "mmfile-core's channel, exclusive writer",
  iceoryx2: 'iceoryx2, publish-subscribe',
}
/** What is measured: the goal, the heading of its column, and the program's arguments. */
const RUNS = [
  { goal: 'rust-trip', column: 'round trip, 64 B', args: ['trip', 64, 100_000, 'copy'] },
  { goal: 'rust-way', column: 'one way, 64 B', args: ['way', 64, 1_000_000, 'copy'] },
  {
    goal: 'rust-in-place',
    column: 'one way, 1 MiB in place',
    args: ['way', 1 << 20, 20_000, 'in-place'],
  },
]

export async function rust({ floor, report, turns }) {
  if (!floor) return report.note('Rust to Rust needs the floors in Rust')
  report.progress('Rust to Rust')
  const names = Object.keys(NAMES).filter((name) => name === 'channel' || floor.iceoryx2)
  const columns = []
  for (const { goal, args } of RUNS) {
    const side = (name) => async () => {
      const { stdout } = await execute(floor.program, ['pipe', name, ...args.map(String)])
      return Number(stdout)
    }
    const sides = Object.fromEntries(names.map((name) => [name, side(name)]))
    const figures = await alternate({ ...turns, seconds: turns.seconds / 2 }, sides)
    columns.push(figures)
    report.goal(goal, figures.iceoryx2 && ratios(figures.iceoryx2, figures.channel))
  }
  report.table({
    id: 'rust',
    title: 'Rust to Rust, busy waiting',
    unit: 'ns a round trip, or a message',
    columns: RUNS.map(({ column }) => column),
    rows: names.map((name) => ({
      label: NAMES[name],
      cells: columns.map((figures) => figures[name]),
    })),
  })
}
