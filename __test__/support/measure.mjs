// The resources that a process uses.

import { readFileSync } from 'node:fs'
import { descriptors } from './files.mjs'
import { pause } from './program.mjs'

export async function measure() {
  // A view's memory, with its descriptor, goes when the collector has told that the view is gone.
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc?.()
    await pause(25)
  }
  return {
    resident: process.memoryUsage.rss() / (1 << 20),
    descriptors: descriptors(),
    threads: Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]),
  }
}
