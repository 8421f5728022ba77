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
  never: () => new Promise(() => {}),
  unheard() {
    process.removeAllListeners('exit')
    process.exit(0)
  },
  throwInExit() {
    process.prependListener('exit', () => ends.throw())
    process.exit(0)
  },
  exitInExit() {
    process.prependListener('exit', () => process.exit(0))
    process.exit(0)
  },
  throwAgain() {
    process.on('uncaughtException', () => ends.throw())
    ends.throw()
  },
}

function endInside(locked, way) {
  const isAsync = way === 'reject' || way === 'never'
  return locked[isAsync ? 'withLock' : 'withLockSync'](() => {
    say({ inside: true })
    return ends[way]()
  })
}

/** Ends while it has the lock by `lock()`. */
async function endHolding(locked, way) {
  globalThis.guard = await locked.lock()
  say({ inside: true })
  if (way !== 'never') await ends[way]()
}

const open = {
  file: (id) => MmFile.openExisting(id),
  mutex: (name) => NamedMutex.open(name),
}

await play({
  hold: (kind, id, way) => endHolding(open[kind](id), way),
  within: (kind, id, way) => endInside(open[kind](id), way),
})
