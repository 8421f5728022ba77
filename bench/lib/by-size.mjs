// Measures the transports with messages of one size after the other: the columns of a table.

import { streams as transports } from '../transports/index.mjs'
import { Link } from './link.mjs'
import { hasMemory } from './machine.mjs'
import { onProcessors, processors } from './placement.mjs'
import { alternate } from './statistics.mjs'

const SIZES = [64, 1 << 10, 1 << 16, 1 << 20, 1 << 26]
const QUICK = [64, 1 << 20]
/** What a quick run leaves out: no goal is about them. */
const MORE = [
  'forkJson',
  'shmCopy',
  'mmfileInto',
  'mmfileCopy',
  'channelBlock',
  'channelAsync',
  'channelAsyncSpin',
]

/**
 * The names of the transports, the sizes in bytes, and of each size the rounds by names.
 *
 * `needs(size)` bytes have to be free; `prepare(link, name)` returns what a round is; `takes(name, size)` says which
 * sizes a transport takes, and `others(size)` has more sides than the transports. Those that are kept `apart` have a
 * processor each, where the system lets a program choose.
 */
export async function bySize(
  context,
  { title, leftOut, needs, prepare, takes = () => true, others = () => ({}), apart = false },
) {
  const { quick, report, has, peers, turns } = context
  const without = quick ? [...leftOut, ...MORE] : leftOut
  const names = Object.keys(transports).filter(
    (name) => !without.includes(name) && has(transports[name].peer),
  )
  const figures = {}
  const chosen = apart ? processors().slice(0, 2) : []
  for (const size of quick ? QUICK : SIZES) {
    const column = `${title}, ${report.size(size)}`
    if (!hasMemory(needs(size))) {
      report.note(`${column} was left out: too little memory`)
      continue
    }
    report.progress(column)
    const links = []
    const sides = {}
    try {
      for (const name of names) {
        if (transports[name].fits?.(size) === false || !takes(name, size)) continue
        const link = new Link(name, size, peers)
        links.push(link)
        try {
          sides[name] = await prepare(link, name)
        } catch (error) {
          context.leaveOut(name, column, error)
        }
      }
      const rounds = size > 1 << 20 ? Math.min(5, turns.rounds) : turns.rounds
      const measure = () => alternate({ ...turns, rounds }, { ...sides, ...others(size) })
      const pids = links.map(({ pid }) => pid)
      figures[size] = await (chosen.length < 2 ? measure() : onProcessors(chosen, pids, measure))
    } finally {
      for (const link of links) await link.close()
    }
  }
  return { names, sizes: Object.keys(figures).map(Number), figures }
}
