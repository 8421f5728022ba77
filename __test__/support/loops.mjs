// Programs whose event loop ends or does not.

import { MmFile, NamedMutex } from 'mmfile'
import { hear, play, say } from './program.mjs'

await play({
  /** Has every wait pending that there is, none of which keeps the process. */
  async unref(id) {
    const file = MmFile.openExisting(id)
    const other = MmFile.openExisting(id)
    const ref = false
    await other.lock()
    const fail = () => say('settled')
    for (const wait of [
      file.waitFor(9, { ref }),
      file.waitFor(8, { ref, timeout: 60_000 }),
      file.waitFor(7, { ref, signal: new AbortController().signal }),
      file.segments({ ref, from: 9 }).next(),
      file.lock({ ref, timeout: 60_000 }),
      NamedMutex.open(`loops-${process.pid}`)
        .lock({ ref })
        .then((guard) => guard.release()),
    ]) {
      wait.then(() => {}, fail)
    }
    file.createReadStream({ ref, from: 9 }).on('data', fail)
    say('pending')
  },

  /** Of several waits, one keeps the process until it is over. */
  mixed(id) {
    const file = MmFile.openExisting(id)
    file.waitFor(7, { ref: false })
    file.waitFor(1).then(() => say('came'))
    file.waitFor(8, { ref: false })
    file.waitFor(0, { ref: false })
    say('pending')
  },

  createOrOpenFile(path) {
    say('ready')
    hear()
    const file = MmFile.createOrOpenFile(path, 4096)
    say({ isCreator: file.isCreator, index: file.append('x') })
  },
})
