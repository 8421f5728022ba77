// Programs that end, each in its own way.

import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { MmFile } from 'mmfile'
import { block, failure, hear, pause, play, say } from './program.mjs'

const ends = {
  end() {},
  exit: () => process.exit(),
  'exit 7': () => setImmediate(() => process.exit(7)),
  throw() {
    setImmediate(() => {
      throw new Error('uncaught')
    })
  },
  reject() {
    Promise.reject(new Error('unhandled'))
  },
  'throw in exit'() {
    process.on('exit', () => {
      throw new Error('uncaught')
    })
  },
  async 'SIGTERM handled'() {
    process.on('SIGTERM', () => process.exit(15))
    process.kill(process.pid, 'SIGTERM')
    await pause(60_000)
  },
  SIGTERM: () => die('SIGTERM'),
  SIGINT: () => die('SIGINT'),
  SIGKILL: () => die('SIGKILL'),
  abort: () => process.abort(),
}

function die(signal) {
  process.kill(process.pid, signal)
  block(60_000)
}

/** Makes a file, with the lock held if that is wanted, and keeps it. */
function make(lifetime, locked) {
  const file = MmFile.createNew(4096, { lifetime })
  file.append('from the creator')
  globalThis.kept = [file, locked ? file.tryLock() : undefined]
  return file.id
}

/** The same in a worker, which the main thread outlives. */
async function inWorker(how, lifetime, locked) {
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { how, lifetime, locked },
  })
  worker.on('error', () => {}) // it is meant to throw
  const exit = new Promise((resolve) => worker.once('exit', resolve))
  say(await new Promise((resolve) => worker.once('message', resolve)))
  hear()
  if (how === 'terminate') await worker.terminate()
  else worker.postMessage('end')
  await exit
}

if (!isMainThread) {
  const { how, lifetime, locked } = workerData
  parentPort.postMessage(make(lifetime, locked))
  parentPort.once('message', () => {
    parentPort.close()
    ends[how]()
  })
} else {
  await play({
    async create(how, lifetime, locked) {
      if (how.startsWith('worker')) return inWorker(how.split(' ')[1], lifetime, locked)
      say(make(lifetime, locked))
      hear()
      await ends[how]()
    },

    openAndEnd(id) {
      globalThis.kept = MmFile.openExisting(id)
      say('open')
      hear()
    },

    async busy() {
      const file = MmFile.createNew(4096)
      file.append('x')
      const others = Array.from({ length: 5 }, () => MmFile.openExisting(file.id))
      for (const other of others) {
        other.waitFor(7)
        other.waitFor(8, { timeout: 1e6 })
        globalThis.view = other.view(0)
      }
      await file.withLock(async () => {
        say('busy')
        await pause(5)
        process.exit(3)
      })
    },

    exitListener() {
      const file = MmFile.createNew(4096)
      process.on('exit', () => say(failure(() => file.append('goodbye'))))
      say(file.id)
      hear()
      process.exit()
    },

    earlyListener() {
      let file
      process.on('exit', () => {
        say(failure(() => file.append('goodbye')))
        say(file.read(0))
      })
      file = MmFile.createNew(4096)
    },
  })
}
