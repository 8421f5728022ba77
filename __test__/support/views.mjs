// Programs that do with views and their buffers what a program can do. Run with --expose-gc.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { deflate } from 'node:zlib'
import { Channel, MmFile } from 'mmfile'
import { mappings } from './files.mjs'
import { pause, play, say } from './program.mjs'

const compress = promisify(deflate)
const script = fileURLToPath(new URL('view-worker.mjs', import.meta.url))

/** Lets the engine collect what is not referred to, and run what has to run then. */
async function collect() {
  for (let round = 0; round < 6; round += 1) {
    globalThis.gc()
    await pause(2)
  }
}

function text(view) {
  return Buffer.from(view.buffer, view.byteOffset, view.length).toString('utf16le')
}

function isOpenable(id) {
  try {
    MmFile.openExisting(id).close()
    return true
  } catch {
    return false
  }
}

/** Runs `act`, ignoring that this version of Node.js may refuse to move such a buffer. */
function attempt(act) {
  try {
    return act()
  } catch (error) {
    if (error.name !== 'DataCloneError') throw error
  }
}

function nextMessage(worker) {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

/** Ends the side of a worker in one of several ways. */
async function end(worker, how) {
  if (how === 'terminate') await worker.terminate()
  else {
    const exit = new Promise((resolve) => worker.once('exit', resolve))
    worker.postMessage(how)
    await exit
  }
}

await play({
  async outlives() {
    let view = (() => {
      const file = MmFile.createNew(1 << 16)
      file.append('still here')
      return { id: file.id, view: file.view(0) }
    })()
    const { id } = view
    view = view.view
    await collect()
    const read = text(view)
    const closed = !isOpenable(id)
    const mapped = [mappings() > 0]
    await collect()
    const after = text(view)
    view = undefined
    await collect()
    mapped.push(mappings() > 0)
    say({ id, read, closed, after, mapped })
  },

  async leaks() {
    const make = () => {
      const file = MmFile.createNew(1 << 16)
      file.append('x')
      return { file, view: file.view(0) }
    }
    for (let round = 0; round < 1000; round += 1) make().file.close()
    await collect()
    const closed = mappings()
    for (let round = 0; round < 300; round += 1) make()
    await collect()
    const dropped = mappings()
    for (let round = 0; round < 100; round += 1) {
      const { file, view } = make()
      attempt(() => structuredClone(view.buffer, { transfer: [view.buffer] }))
      file.close()
    }
    await collect()
    say({ closed, dropped, moved: mappings() })
  },

  async toWorker(how) {
    const worker = new Worker(script)
    const file = MmFile.createNew(1 << 20)
    file.append('moved')
    const view = file.view(0)
    const { buffer, byteOffset, length } = view
    const asked = { buffer, byteOffset, length }
    if (attempt(() => worker.postMessage(asked, [buffer]) ?? true) === undefined) {
      worker.postMessage(asked) // a copy, then
    }
    let answer = await nextMessage(worker)
    if (answer !== 'moved') throw new Error(answer)
    if (how === 'close') file.close()
    else await end(worker, how)
    await collect()
    if (how === 'close') {
      worker.postMessage('again')
      answer = await nextMessage(worker)
      if (answer !== 'moved') throw new Error(answer)
      await worker.terminate()
    } else if (file.read(0) !== 'moved' || text(file.view(0)) !== 'moved') {
      throw new Error('the file is gone')
    }
    await collect()
    say('ended')
  },

  async fromWorker(how) {
    const worker = new Worker(script, { workerData: 'make' })
    const { buffer, byteOffset, length } = await nextMessage(worker)
    const view = new Uint8Array(buffer, byteOffset, length)
    if (text(view) !== 'from the worker') throw new Error(text(view))
    await end(worker, how)
    await collect()
    if (text(view) !== 'from the worker') throw new Error(text(view))
    new Uint8Array(buffer).fill(1)
    say('ended')
  },

  async endWithViews() {
    for (let round = 0; round < 12; round += 1) {
      const workers = [0, 1, 2].map(() => new Worker(script, { workerData: 'hold' }))
      await Promise.all(workers.map(nextMessage))
      const ways = ['terminate', 'exit', 'close']
      await Promise.all(workers.map((worker, at) => end(worker, ways[(at + round) % 3])))
    }
    await collect()
    if (mappings() > 0) throw new Error(`${mappings()} mappings are left`)
    say('ended')
  },

  exitWithViews() {
    const file = MmFile.createNew(1 << 16)
    file.append('view')
    globalThis.view = file.view(0)
    const other = MmFile.openExisting(file.id, { access: 'read' })
    globalThis.other = other.view(0)
    process.on('exit', () => say(text(globalThis.view)))
  },

  /** Closes a file, or ends the worker that has it, while libuv's pool reads from a view of it. */
  async useInPool() {
    const size = 8 << 20
    const bytes = Uint8Array.from(
      { length: size - 4 },
      (_, at) => (Math.imul(at, 40503) >>> 9) & 63,
    )
    // One call into the pool does all of it: between two calls, zlib would check by itself.
    const settings = { level: 9, chunkSize: 2 * size }
    const expected = (await compress(bytes, settings)).length
    const file = MmFile.createNew(size)
    file.append(bytes)
    let done = 0
    const works = Array.from({ length: 8 }, async () => {
      const compressed = await compress(file.view(0), settings)
      done += 1
      return compressed.length
    })
    await pause(2)
    file.close()
    globalThis.gc()
    await pause(0)
    const early = done < works.length
    await collect()
    say({ early, same: (await Promise.all(works)).every((length) => length === expected) })
  },

  /** How many MiB of 64 leave the process with `close()`, while the program keeps its emptied view. */
  async resident(access) {
    const file = MmFile.createNew(64 << 20)
    file.append(new Uint8Array(1 << 20).fill(1))
    for (let at = 1; at < 63; at += 1) file.append(file.view(0))
    const reader = access === 'own' ? file : MmFile.openExisting(file.id, { access })
    const views = Array.from({ length: 63 }, (_, at) => reader.view(at))
    const read = views.reduce((sum, view) => sum + view.reduce((one, byte) => one + byte, 0), 0)
    globalThis.gc()
    const before = process.memoryUsage().rss
    file.close()
    reader.close()
    await pause(1000)
    globalThis.views = views
    say({ read, left: (before - process.memoryUsage().rss) / 2 ** 20 })
  },

  /** A channel with views of its messages and an open reservation is closed. */
  async residentChannel() {
    const channel = Channel.createNew({ capacity: 64 << 20 })
    const reader = channel.reader({ as: 'view' })
    for (let n = 0; n < 5; n += 1) channel.trySend(new Uint8Array(10 << 20).fill(1))
    const held = reader.tryReceiveAll(10)
    const sum = (sum, { value }) => sum + value.reduce((one, byte) => one + byte, 0)
    const read = held.reduce(sum, 0)
    const writer = await channel.exclusiveWriter()
    const room = writer.tryReserve(10 << 20)
    room.bytes.fill(1)
    globalThis.gc()
    const before = process.memoryUsage().rss
    channel.close()
    await pause(1000)
    globalThis.held = [held, room]
    const shown = held.map(({ value }) => value.length).concat(room.bytes.length)
    say({ read, shown, left: (before - process.memoryUsage().rss) / 2 ** 20 })
  },

  /** A socket is in the middle of sending a view when the file is closed. */
  async useInSocket() {
    const size = 8 << 20
    const file = MmFile.createNew(size)
    file.append(new Uint8Array(size - 4).fill(7))
    let [received, wrong] = [0, 0]
    const server = createServer((socket) => {
      socket.on('data', (bytes) => {
        received += bytes.length
        wrong += bytes.length - bytes.filter((byte) => byte === 7).length
      })
      socket.pause()
      setTimeout(() => socket.resume(), 100)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect(server.address().port, '127.0.0.1')
    await once(socket, 'connect')
    socket.end(file.view(0))
    const early = socket.writableLength > 0
    file.close()
    globalThis.gc()
    await once(socket, 'close')
    server.close()
    say({ early, missing: size - 4 - received, wrong })
  },

  /** The pool reads from a reader's view, which the program has written to, after the file was closed. */
  async useChanged() {
    const size = 8 << 20
    const file = MmFile.createNew(size)
    file.append(Uint8Array.from({ length: size - 4 }, (_, at) => (Math.imul(at, 40503) >>> 9) & 63))
    const reader = MmFile.openExisting(file.id, { access: 'read' })
    const view = reader.view(0)
    for (let at = 0; at < view.length; at += 20_000) view[at] = 255
    const settings = { level: 9, chunkSize: 2 * size }
    const expected = await compress(Uint8Array.from(view), settings)
    let done = false
    const work = compress(view, settings).finally(() => {
      done = true
    })
    await pause(2)
    reader.close()
    file.close()
    say({ early: !done, same: expected.equals(await work) })
  },

  /** Without ever calling the collector. */
  async reclaim(how) {
    let most = 0
    for (let round = 0; round < 100; round += 1) {
      const file = MmFile.createNew(16 << 20)
      if (how === 'filled') {
        file.appendWith(15 << 20, () => {})
      } else {
        file.append('x')
        globalThis.view = file.view(0)
      }
      file.close()
      await pause(0)
      most = Math.max(most, mappings())
    }
    say({ most })
  },

  async endWorkerInPool() {
    for (const how of ['terminate', 'exit', 'close']) {
      const worker = new Worker(script, { workerData: 'compress' })
      await nextMessage(worker)
      await end(worker, how)
    }
    say('ended')
  },
})
