// Sends to a channel, and tells how much memory it takes then.

import { createRequire } from 'node:module'
import { say, serve } from '../lib/child.mjs'
import { anonymous } from '../lib/memory.mjs'

const { Channel } = createRequire(import.meta.url)('../../dist/index.js')
const PATIENCE = 30_000
const value = Buffer.alloc(64)

let channel

serve(async ({ id, count }) => {
  channel ??= Channel.openExisting(id)
  for (let sent = 0; sent < count; sent += 1) {
    if (channel.trySend(value) === undefined) channel.sendSync(value, { timeout: PATIENCE })
  }
  say({ bytes: await anonymous() })
})
