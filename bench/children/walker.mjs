// Opens a file of many segments and tells how much private memory knowing all of them takes.

import { createRequire } from 'node:module'
import { say, serve } from '../lib/child.mjs'
import { anonymous } from '../lib/memory.mjs'

const { MmFile } = createRequire(import.meta.url)('../../dist/index.js')

function walk(file) {
  const { length } = file
  for (let index = 0; index < length; index += 1) {
    if (file.byteLength(index) !== 8) throw new Error(`segment ${index} is not as it was written`)
  }
  return length
}

serve(async ({ id }) => {
  // Everything is compiled before it counts.
  const small = MmFile.createNew(12_000)
  for (let index = 0; index < 1000; index += 1) small.append(Buffer.from('8 bytes.'))
  for (let time = 0; time < 50; time += 1) walk(small)
  small.close()
  const before = await anonymous()
  const file = MmFile.openExisting(id)
  const length = walk(file)
  const after = await anonymous()
  say({ length, bytes: Math.max(0, after - before) })
  file.close()
})
