// Programs that leave files behind.

import { list, MmFile } from 'mmfile'
import { hear, play, say } from './program.mjs'

await play({
  /** Makes a file and has it until it is killed. */
  create(data, mutex) {
    const keep = MmFile.createNew(1000, { prefixes: { data, mutex } })
    say(keep.id)
    hear()
  },

  /** Lists until it is killed. */
  listOn(data) {
    say('begun')
    for (;;) list({ prefixes: { data } })
  },
})
