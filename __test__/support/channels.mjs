// Helpers of nearly every test of channels.

import { Channel } from 'mmfile'
import { closing } from './files.mjs'

export { closing, folder, refuses, rejects, uniqueId } from './files.mjs'

/** A new channel that is closed when the test ends. */
export function channel(t, options = {}) {
  return closing(t, Channel.createNew(options))
}

/** Fills it until nothing more fits, with messages of that size: how many there are. */
export function fill(channel, byteLength = 100) {
  let count = 0
  while (channel.trySend(Buffer.alloc(byteLength, count)) !== undefined) count += 1
  return count
}

/** Lets everything that is collectable go. Its test runs with --expose-gc. */
export async function collect() {
  for (let round = 0; round < 5; round += 1) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
