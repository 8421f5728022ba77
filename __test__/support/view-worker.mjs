// The other thread of some programs in views.mjs.

import { parentPort, workerData } from 'node:worker_threads'
import { deflate } from 'node:zlib'
import { MmFile } from 'mmfile'

let kept

function text() {
  return Buffer.from(kept.buffer, kept.byteOffset, kept.length).toString('utf16le')
}

if (workerData === 'make') {
  kept = MmFile.createNew(1 << 20)
  kept.append('from the worker')
  const { buffer, byteOffset, length } = kept.view(0)
  try {
    parentPort.postMessage({ buffer, byteOffset, length }, [buffer])
  } catch {
    parentPort.postMessage({ buffer, byteOffset, length }) // a copy, then
  }
} else if (workerData === 'hold') {
  kept = Array.from({ length: 5 }, () => {
    const file = MmFile.createNew(1 << 16)
    file.append('x')
    return {
      file,
      view: file.view(0),
      reader: MmFile.openExisting(file.id, { access: 'read' }).view(0),
    }
  })
  parentPort.postMessage('ready')
} else if (workerData === 'compress') {
  const size = 8 << 20
  kept = MmFile.createNew(size)
  kept.append(Uint8Array.from({ length: size - 4 }, (_, at) => (Math.imul(at, 40503) >>> 9) & 63))
  deflate(kept.view(0), { level: 9, chunkSize: 2 * size }, () => {})
  parentPort.postMessage('compressing')
}

parentPort.on('message', (message) => {
  if (typeof message === 'object') {
    kept = message
    parentPort.postMessage(text())
  } else if (message === 'again') parentPort.postMessage(text())
  else if (message === 'exit') process.exit()
  else if (message === 'gc') {
    kept = undefined
    globalThis.gc()
    parentPort.close()
  } else parentPort.close()
})
