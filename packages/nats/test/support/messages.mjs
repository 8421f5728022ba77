// Messages that can be told apart.

import { createHash } from 'node:crypto'

/** A message of 0 to some 200 bytes, which its number decides. */
export function messageOf(n, seed = '') {
  if (n % 17 === 0) return Buffer.alloc(0)
  const digest = createHash('sha1').update(`${seed}${n}`).digest('hex')
  return Buffer.from(`${n} ${seed} ${digest.repeat(n % 5)}`)
}

/** The faults in segments or messages that should be those of the numbers 0 to `count`. */
export function faults(items, count, seed = '') {
  const wrong = []
  for (let n = 0; n < Math.max(count, items.length); n += 1) {
    const ok = items[n] !== undefined && Buffer.compare(items[n], messageOf(n, seed)) === 0
    if (!ok) wrong.push(n)
    if (wrong.length > 5) break
  }
  return wrong
}
