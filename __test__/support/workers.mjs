// Programs of several threads. This file is the worker's script as well.

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { MmFile } from 'mmfile'
import { left, resources } from './files.mjs'
import { block, failure, pause, play, say } from './program.mjs'

function work(job, data) {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { job, ...data } })
  worker.next = async () => (await once(worker, 'message'))[0]
  return worker
}

const tell = (message) => parentPort.postMessage(message)
const heard = async () => (await once(parentPort, 'message'))[0]

/** The tasks of a worker. */
const jobs = {
  async append({ id, who, count }) {
    const file = MmFile.openExisting(id)
    tell('ready')
    await heard()
    tell(Array.from({ length: count }, (_, step) => file.append(`${who}:${step}`)))
  },

  async hold({ id }) {
    const file = MmFile.openExisting(id)
    const guard = file.tryLock()
    file.append('from the worker')
    tell('held')
    await heard()
    guard.release()
    tell('released')
  },

  async echo({ id, count }) {
    const file = MmFile.openExisting(id)
    for (let index = 0; index < 2 * count; index += 2) {
      if (index % 4) await file.waitFor(index)
      else file.waitForSync(index)
      file.append(`echo of ${file.read(index)}`)
    }
  },

  async create({ how }) {
    globalThis.file = MmFile.createNew(4096)
    globalThis.file.append('from the worker')
    globalThis.file.waitFor(5).catch(() => {})
    tell(globalThis.file.id)
    await heard()
    if (how === 'exit') process.exit()
    if (how === 'throw') throw new Error('thrown')
    parentPort.close()
    if (how === 'end') globalThis.file.close()
  },

  waiting({ id }) {
    const file = MmFile.openExisting(id)
    for (let at = 0; at < 50; at += 1) file.waitFor(1e6 + at, { timeout: at % 2 ? 1e6 : undefined })
    tell('ready')
  },

  waitingSync({ id }) {
    const file = MmFile.openExisting(id)
    tell('ready')
    file.waitForSync(1e6, { spin: 0.1 })
  },

  waitingForLock({ id }) {
    const file = MmFile.openExisting(id)
    tell('ready')
    file.withLockSync(() => {}, { timeout: Infinity })
  },

  waitingInAppend({ id }) {
    const file = MmFile.openExisting(id, { lockTimeout: Infinity })
    tell('ready')
    file.append('at last')
  },

  holding({ id }) {
    MmFile.openExisting(id).withLockSync(() => {
      tell('ready')
      block(600_000)
    })
  },

  async holdingAsync({ id }) {
    await MmFile.openExisting(id).withLock(async () => {
      tell('ready')
      await pause(600_000)
    })
  },

  appending({ id }) {
    const file = MmFile.openExisting(id)
    tell('ready')
    for (;;) file.append('x'.repeat(file.size > file.capacity - 2000 ? 1e6 : 10))
  },

  hoarding({ id }) {
    const file = MmFile.openExisting(id)
    const reader = MmFile.openExisting(id, { access: 'read' })
    globalThis.kept = [file.view(0), reader.view(0), file.tryLock(), file.waitFor(1e6)]
    tell('ready')
    setInterval(() => {}, 1000)
  },
}

function isOpenable(id) {
  try {
    MmFile.openExisting(id).close()
    return true
  } catch {
    return false
  }
}

const programs = {
  async append(workers, count) {
    const total = workers * count
    const file = MmFile.createNew(total * 40)
    const all = Array.from({ length: Number(workers) }, (_, who) =>
      work('append', { id: file.id, who, count: Number(count) }),
    )
    await Promise.all(all.map((worker) => worker.next()))
    for (const worker of all) worker.postMessage('go')
    const indexes = await Promise.all(all.map((worker) => worker.next()))
    const wrong = indexes.flatMap((list, who) =>
      list.filter((index, step) => file.read(index) !== `${who}:${step}`),
    )
    say({ total, length: file.length, wrong, distinct: new Set(indexes.flat()).size })
  },

  async exclude() {
    globalThis.kept = MmFile.createNew(4096)
    const { id } = globalThis.kept
    const file = MmFile.openExisting(id, { lockTimeout: 30 })
    const worker = work('hold', { id: file.id })
    await worker.next()
    say({
      tried: file.tryLock() ?? 'held',
      appended: failure(() => file.append('x')).code,
      withLock: failure(() => file.withLockSync(() => {}, { timeout: 30 })).code,
    })
    worker.postMessage('release')
    await worker.next()
    const guard = file.tryLock()
    const appended = file.append('from the main thread')
    say({ tried: guard.abandoned, appended, seen: [...file] })
    guard.release()
  },

  async waitForEachOther() {
    const count = 200
    const file = MmFile.createNew(1 << 16)
    const worker = work('echo', { id: file.id, count })
    const exit = once(worker, 'exit') // it may come before the last wait is over
    for (let index = 0; index < 2 * count; index += 2) {
      file.append(`${index}`)
      if (index % 6) await file.waitFor(index + 1)
      else file.waitForSync(index + 1)
      if (file.read(index + 1) !== `echo of ${index}`) throw new Error(file.read(index + 1))
    }
    await exit
    say('done')
  },

  /** Starts workers that do the same, and terminates them at a moment that differs. */
  async terminate(doing, times) {
    const file = MmFile.createNew(64 << 20)
    file.append('first')
    let longest = 0
    let abandoned = false
    for (let round = 0; round < Number(times); round += 1) {
      const others = doing.startsWith('holding') || doing === 'hoarding' ? 1 : 4
      const guard = doing === 'waitingForLock' ? file.tryLock() : undefined
      const brief = doing === 'waitingInAppend' ? file.tryLock() : undefined
      const workers = Array.from({ length: others }, () => work(doing, { id: file.id }))
      await Promise.all(workers.map((worker) => worker.next()))
      await pause(round * 3)
      const started = performance.now()
      const ended = Promise.all(workers.map((worker) => worker.terminate()))
      await pause(brief ? 20 : 0)
      brief?.release() // an operation cannot be interrupted
      await ended
      longest = Math.max(longest, performance.now() - started)
      guard?.release()
      file.withLockSync((lock) => {
        abandoned ||= lock.abandoned
      })
    }
    const before = file.length
    const texts = [...file].slice(1)
    const whole = texts.filter((text) => text === 'x'.repeat(10)).length
    say({
      longest,
      abandoned,
      length: file.length,
      appended: doing === 'appending' ? whole + 1 : before,
    })
  },

  async creatorEnds(ways) {
    for (const how of ways.split(',')) {
      const worker = work('create', { how })
      worker.on('error', () => {}) // what `throw` is for
      const file = MmFile.openExisting(await worker.next())
      const exit = new Promise((resolve) => worker.once('exit', resolve))
      if (how === 'terminate') worker.terminate()
      else worker.postMessage('end')
      await exit
      const openable = isOpenable(file.id)
      const read = file.read(0)
      file.close()
      say({ how, openable, read, left: left(file.id).length })
    }
  },

  async comeAndGo(times) {
    const file = MmFile.createNew(1 << 16)
    file.append('x')
    const once = async (doing) => {
      const worker = work(doing, { id: file.id })
      await worker.next()
      await worker.terminate()
    }
    await once('waiting') // so that what stays for good is there already
    await pause(100)
    const before = resources()
    for (let round = 0; round < Number(times); round += 1) {
      await once(['waiting', 'hoarding', 'holdingAsync'][round % 3])
    }
    await pause(100)
    const after = resources()
    say(Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]])))
  },
}

if (isMainThread) await play(programs)
else await jobs[workerData.job](workerData)
