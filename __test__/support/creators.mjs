// Programs that make and open files at the same time as others.

import { MmFile } from 'mmfile'
import { left } from './files.mjs'
import { hear, play, say } from './program.mjs'

/** All that an error says. */
function refusal(act) {
  try {
    return act()
  } catch (error) {
    const { code, message, errno, syscall, cause } = error
    return { code, message, errno, syscall, cause: { ...cause } }
  }
}

await play({
  /** Opens or creates the given object, appends, and closes when all have done so. */
  createOrOpen() {
    say('ready')
    for (;;) {
      const id = hear()
      if (id === '') return
      const file = MmFile.createOrOpen(id, 4096)
      say({ created: file.isCreator, index: file.append(`${process.pid}`) })
      hear()
      file.close()
      say('closed')
    }
  },

  /** Has a file open and closed again, over and over. */
  comeAndGo(id, times) {
    const failures = []
    let created = 0
    for (let round = 0; round < Number(times); round += 1) {
      try {
        const file = MmFile.createOrOpen(id, 1 << 20)
        if (file.isCreator) created += 1
        const index = file.append(`${process.pid}:${round}`)
        if (file.read(index) !== `${process.pid}:${round}`) failures.push('another content')
        file.close()
      } catch (error) {
        failures.push(error.message)
      }
    }
    say({ created, failures: failures.slice(0, 5) })
  },

  /** Uses up a small /dev/shm. */
  fillShm() {
    say(refusal(() => MmFile.createNew(2 << 20, { id: 'too-large' })))
    const file = MmFile.createNew(800_000, { id: 'fits' })
    file.append(new Uint8Array(799_996).fill(1))
    say(left('').sort())
    say(refusal(() => MmFile.createNew(400_000, { id: 'second' })))
    file.close()
  },

  /** Opens files until the system has no more descriptors, and closes one of them again. */
  exhaust() {
    const files = []
    const mutex = `exhaust-${process.pid}-`
    const make = () => files.push(MmFile.createNew(64, { prefixes: { mutex, data: `${mutex}d-` } }))
    const error = refusal(() => {
      for (;;) make()
    })
    const opened = files.length
    say({ opened, error })
    files.pop().close()
    make()
    const again = files.at(-1).append('x') === 0 ? 'works' : 'does not'
    files[0].close() // room to read the directory
    const names = left(mutex).length
    say({ again, names: names + 1 })
  },
})
