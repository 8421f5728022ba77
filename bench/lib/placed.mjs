// Round trips of small messages between processes whose processors are chosen.

import { Link } from './link.mjs'
import { onProcessors } from './placement.mjs'
import { alternate } from './statistics.mjs'

export const SIZE = 64
const TOGETHER = 8

/**
 * Microseconds of round trips over these transports, by their names: this process runs on the first of the `chosen`
 * processors, the others on the second. `others` are more sides.
 */
export async function placed(context, names, chosen, others = {}) {
  const { quick, turns, peers } = context
  const count = quick ? 2000 : 4000
  const links = []
  const sides = {}
  try {
    for (const name of names) {
      const link = new Link(name, SIZE, peers)
      links.push(link)
      try {
        await link.trips(8, { all: true })
        sides[name] = () => link.trips(count, { together: TOGETHER })
      } catch (error) {
        context.leaveOut(name, 'placed round trips', error)
      }
    }
    Object.assign(sides, others)
    const pids = links.map(({ pid }) => pid)
    return await onProcessors(chosen, pids, async () => {
      for (const side of Object.values(sides)) await side()
      return await alternate(turns, sides)
    })
  } finally {
    for (const link of links) await link.close()
  }
}
