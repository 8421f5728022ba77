// Creates large files, one after the other, from when it hears a size until it hears 0.

import { createRequire } from 'node:module'
import { say, serve } from '../lib/child.mjs'

const { MmFile } = createRequire(import.meta.url)('../../dist/index.js')

let wanted = 0
let stopped = Promise.resolve()

serve(async ({ size }) => {
  wanted = size
  if (size === 0) await stopped
  else stopped = createUntilStopped()
  say({})
})

async function createUntilStopped() {
  while (wanted > 0) {
    MmFile.createNew(wanted).close()
    await new Promise(setImmediate) // hears whether to stop
  }
}
