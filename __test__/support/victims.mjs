// Programs that are killed, and the one that is not.

import { MmFile } from 'mmfile'
import { randoms } from './files.mjs'
import { block, hear, play, say } from './program.mjs'

await play({
  /** Takes the lock, appends, and never lets go. */
  hold(id) {
    const file = MmFile.openExisting(id)
    say('ready')
    const round = hear()
    file.withLockSync(() => {
      file.append(`inside ${round}`)
      say('held')
      block(600_000)
    })
  },

  /** Waits for the lock on request, and prints what it found. */
  survive(id) {
    const file = MmFile.openExisting(id)
    say('ready')
    while (hear() === 'take') {
      say('waiting')
      file.withLockSync(({ abandoned }) => {
        const at = Number(process.hrtime.bigint()) / 1e6
        say({ abandoned, recovered: file.recovered, at, index: file.append('survivor') })
      })
    }
  },

  /** Appends as fast as it can, and says so after each. */
  append() {
    say('ready')
    const file = MmFile.openExisting(hear())
    const random = randoms(process.pid)
    const largest = Buffer.alloc(100_000)
    say('begun')
    for (let index = 0; ; index += 1) {
      const size = 4 + (random(3) ? random(100) : random(largest.length - 4))
      const value = largest.subarray(0, size).fill(index & 255)
      value.writeUInt32LE(size, 0)
      if (file.size + 4 + size > file.capacity - 100) block(600_000)
      // One after the other, until another process has appended: then this one is dead.
      file.write(index, value)
      say({ index, size })
    }
  },

  /** Makes files and closes them, over and over. */
  create(data, mutex) {
    const prefixes = { data, mutex }
    say('ready')
    hear()
    for (let round = 0; ; round += 1) {
      const files = [1, 5000, 100_000].map((size) => MmFile.createNew(size, { prefixes }))
      if (round === 0) say('begun')
      files[2].append('x')
      MmFile.openExisting(files[1].id, { prefixes }).close()
      for (const file of files) file.close()
    }
  },

  read(id) {
    const file = MmFile.openExisting(id, { access: 'read' })
    file.view(0)
    say('reading')
    for (;;) file.read(0)
  },

  wait(id) {
    const file = MmFile.openExisting(id)
    file.waitFor(100)
    say('waiting')
    file.waitForSync(100)
  },

  have(id) {
    const file = MmFile.createOrOpen(id, 4096)
    file.append('x')
    say('have')
    hear()
  },
})
