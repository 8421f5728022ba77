// Programs that end while they write a segment in place.

import { fileURLToPath } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { MmFile } from 'mmfile'
import { hear, play, say } from './program.mjs'

if (!isMainThread) {
  const { id, inside } = workerData
  MmFile.openExisting(id).appendWith(100, (target) => {
    target.fill(1)
    Atomics.store(inside, 0, 1)
    Atomics.notify(inside, 0)
    for (;;) target.fill(2)
  })
} else {
  await play({
    fill(id, how) {
      MmFile.openExisting(id).appendWith(1000, (target) => {
        target.fill(1)
        say('inside')
        hear()
        if (how === 'exits') process.exit()
        throw new Error('its own')
      })
    },

    async terminate() {
      const file = MmFile.createNew(4096)
      file.append('before')
      const inside = new Int32Array(new SharedArrayBuffer(4))
      const worker = new Worker(fileURLToPath(import.meta.url), {
        workerData: { id: file.id, inside },
      })
      await Atomics.waitAsync(inside, 0, 0).value
      await worker.terminate()
      say({ length: file.length, next: file.append('after') })
    },
  })
}
