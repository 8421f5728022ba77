// Sends its share of messages to a file or a channel to which others send as well.

import { createRequire } from 'node:module'
import { now, say, serve } from '../lib/child.mjs'

const { Channel, MmFile } = createRequire(import.meta.url)('../../dist/index.js')
const SIZE = 64
const PATIENCE = 30_000

serve(({ id, gate, writer, count, channel }) => {
  const target = channel ? Channel.openExisting(id) : MmFile.openExisting(id)
  const started = MmFile.openExisting(gate)
  const value = Buffer.alloc(SIZE, writer + 1)
  const send = channel
    ? () => target.trySend(value) ?? target.sendSync(value, { timeout: PATIENCE })
    : () => target.append(value)
  say({ ready: true })
  // All begin together.
  started.waitForSync(0, { timeout: PATIENCE, spin: 0.2 })
  const begun = now()
  for (let number = 0; number < count; number += 1) {
    value.writeUInt32LE(writer, 0)
    value.writeUInt32LE(number, 4)
    value.writeUInt32LE(number, SIZE - 4)
    send()
  }
  say({ started: begun, ended: now() })
  started.close()
  target.close()
})
