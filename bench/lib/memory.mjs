// What a process takes for itself. It needs --expose-gc.

import { readFileSync } from 'node:fs'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Bytes of this process that are backed by nothing, neither by a file nor by shared memory, when the garbage is gone. */
export async function anonymous() {
  for (let time = 0; time < 3; time += 1) {
    globalThis.gc()
    // Finalizers of collected objects run in a later turn.
    await turn()
  }
  const [, kilobytes] = /^Anonymous:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))
  return Number(kilobytes) * 1024
}
