// Keeps files and a piece of shared memory open, for another process to open and close.

import { createRequire } from 'node:module'
import { say, serve } from '../lib/child.mjs'

const { Channel, MmFile } = createRequire(import.meta.url)('../../dist/index.js')
const [peer] = process.argv.slice(2)

/** What is open, so that it is not collected as garbage, which would close it. */
const kept = []

serve(async ({ size, count = 1 }) => {
  const file = MmFile.createNew(size)
  for (let more = 1; more < count; more += 1) kept.push(MmFile.createNew(size))
  const shm = peer ? (await import(peer)).default : undefined
  const memory = shm?.create(size, 'Buffer')
  const channel = Channel.createNew({ capacity: size })
  kept.push(file, memory, channel)
  say({ id: file.id, channel: channel.id, key: memory?.key })
})
