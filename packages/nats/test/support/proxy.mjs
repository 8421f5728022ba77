// A proxy in front of a server that delays what goes through it, drops its connections, or lets nothing through them.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** A proxy on a separate port: random delays in milliseconds, up to the given one. */
export async function startProxy(t, server, { delay = 0 } = {}) {
  const open = new Set()
  const listener = createServer((near) => {
    const far = connect(server.port, '127.0.0.1')
    const pair = { near, far, silent: false }
    open.add(pair)
    const end = () => {
      open.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      // In order, each chunk so much later.
      let last = Promise.resolve()
      from.on('data', (chunk) => {
        const later = Math.random() * delay
        last = last.then(() => new Promise((resolve) => setTimeout(resolve, later)))
        last.then(() => to.destroyed || pair.silent || to.write(chunk))
      })
      from.on('error', end)
      from.on('close', end)
    }
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const { port } = listener.address()
  const drop = () => {
    for (const { near, far } of open) {
      near.destroy()
      far.destroy()
    }
  }
  const hush = () => {
    for (const pair of open) pair.silent = true
  }
  t.teardown(() => {
    drop()
    listener.close()
  })
  return { port, url: `nats://127.0.0.1:${port}`, drop, hush }
}
