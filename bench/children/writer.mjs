// Appends its share of messages to a file that others append to as well.

import { createRequire } from 'node:module'
import { now, say, serve } from '../lib/child.mjs'

const { MmFile } = createRequire(import.meta.url)('../../dist/index.js')
const SIZE = 64

serve(({ id, writer, count }) => {
  const file = MmFile.openExisting(id)
  const value = Buffer.alloc(SIZE, writer + 1)
  say({ ready: true })
  // All begin together, with the first segment.
  file.waitForSync(0, { timeout: 30_000, spin: 0.2 })
  const started = now()
  for (let number = 0; number < count; number += 1) {
    value.writeUInt32LE(writer, 0)
    value.writeUInt32LE(number, 4)
    value.writeUInt32LE(number, SIZE - 4)
    file.append(value)
  }
  say({ started, ended: now() })
  file.close()
})
