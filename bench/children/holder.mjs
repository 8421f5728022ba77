// Takes a lock and holds it until it is killed.

import { say, serve } from '../lib/child.mjs'
import { lockOf } from '../lib/locks.mjs'

const [name] = process.argv.slice(2)
const module = name === 'mmfile' ? undefined : await import(name)

/** Blocks the thread for good. */
function holdStill() {
  say({ held: true })
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

serve(async ({ place }) => {
  const lock = lockOf(name, module).open(place)
  if (lock.hold) lock.hold(holdStill)
  lock.acquire()
  holdStill()
})
