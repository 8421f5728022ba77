// Programs that have something open which the command shows.

import * as mmfile from 'mmfile'
import { hear, play, say } from './program.mjs'

await play({
  guest(id, className) {
    const { [className]: Opener } = mmfile
    const onDisk = /[\\/]/.test(id)
    globalThis.one = onDisk ? Opener.openFile(id) : Opener.openExisting(id)
    say('here')
    hear()
  },

  maker(id) {
    globalThis.one = mmfile.MmFile.createOrOpen(id, 100)
    say('made')
    hear()
  },
})
