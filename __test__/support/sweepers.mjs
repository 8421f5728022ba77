// Programs that leave files behind.

import { MmFile } from 'mmfile'
import { hear, play, say } from './program.mjs'

await play({
  /** Makes a file and has it until it is killed. */
  create(data, mutex) {
    const keep = MmFile.createNew(1000, { prefixes: { data, mutex } })
    say(keep.id)
    hear()
  },
})
