// Round trips of small messages between processes whose processors are chosen.

import { Link } from './link.mjs'
import { place, processors } from './placement.mjs'
import { alternate } from './statistics.mjs'

export const SIZE = 64
const TOGETHER = 8

/**
 * Microseconds of round trips over these transports, by their names: this process runs on the processor `mine`, the
 * others on `theirs`. `others` are more sides.
 */
export async function placed(context, names, [mine, theirs], others = {}) {
  const { quick, turns, peers } = context
  const all = processors()
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
    place(process.pid, [mine])
    for (const link of links) place(link.pid, [theirs])
    for (const side of Object.values(sides)) await side()
    return await alternate(turns, sides)
  } finally {
    place(process.pid, all)
    for (const link of links) await link.close()
  }
}
