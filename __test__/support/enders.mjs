// Programs that end inside a section.

import { MmFile, NamedMutex } from 'mmfile'
import { play, say } from './program.mjs'

const ends = {
  throw() {
    throw new Error('boom')
  },
  exit: () => process.exit(0),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  reject: () => Promise.reject(new Error('boom')),
}

function endInside(locked, way) {
  return locked.withLockSync(() => {
    say({ inside: true })
    return ends[way]()
  })
}

await play({
  file: (id, way) => endInside(MmFile.openExisting(id), way),
  mutex: (name, way) => endInside(NamedMutex.open(name), way),
})
