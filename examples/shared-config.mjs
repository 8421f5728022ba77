// Shared configuration: the newest value, replaced as a whole, and watched by all workers.
//
//   node shared-config.mjs

import cluster from 'node:cluster'
import { once } from 'node:events'
import { Channel, MmFileError } from 'mmfile'

const config = Channel.createOrOpen('app-config', {
  encoding: 'json',
  capacity: 1 << 16,
  onFull: 'drop-oldest', // only the newest counts: a send waits for no reader
})

/** Compare and set: the second process starts again from the first one's value. */
function update(change) {
  for (;;) {
    const old = config.newest()
    const next = change(old?.value)
    try {
      config.sendSync(next, { expectedIndex: old ? old.index + 1 : 0 })
      return next
    } catch (error) {
      if (!MmFileError.is(error, 'ERR_MMFILE_SEGMENT_ORDER')) throw error
    }
  }
}

if (cluster.isPrimary) {
  update((old) => old ?? { greeting: 'hello', workers: 0 })
  const workers = Array.from({ length: 4 }, () => cluster.fork())
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  console.log('workers', config.newest().value.workers) // none of the four updates was lost
  update((old) => ({ ...old, greeting: 'good morning' }))
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
} else {
  const changes = config.reader({ from: 'newest', lossy: 'newest' })
  update((old) => ({ ...old, workers: old.workers + 1 }))
  process.send('ready')
  for await (const { value } of changes) {
    if (value.greeting === 'hello') continue
    console.log(`worker ${cluster.worker.id} says ${value.greeting}`)
    break
  }
  process.disconnect()
}
config.close()
