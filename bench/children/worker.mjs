// Takes jobs of a queue and acknowledges them, until it gets one that says that there are no more.

import { now, say, serve } from '../lib/child.mjs'
import { queues } from '../lib/queues.mjs'

const [name, peer] = process.argv.slice(2)
const module = peer ? await import(peer) : undefined

serve(async (where) => {
  const queue = await queues[name].open({ ...where, takes: true }, module)
  const numbers = []
  let ended = now()
  say({ ready: true })
  for (;;) {
    const { value, ack } = await queue.take()
    await ack()
    if (value.length === 1) break
    numbers.push(value.readUInt32LE(0))
    ended = now()
  }
  await queue.close()
  say({ ended, numbers })
})
