// Programs that wait for segments, or append what others wait for.

import { pbkdf2 } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { MmFile } from 'mmfile'
import { descriptors } from './files.mjs'
import { block, hear, pause, play, say } from './program.mjs'

const threads = () => (process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0)

/** How often a thread of this process has slept and gone on. The runtime's own threads do not. */
const wakeUps = () =>
  readdirSync('/proc/self/task').reduce((sum, task) => {
    const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8')
    return sum + Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)[1])
  }, 0)

await play({
  /** Appends so many milliseconds after it was told to, again and again. */
  appendLater(id) {
    const file = MmFile.openExisting(id)
    say('ready')
    for (let line = hear(); line !== ''; line = hear()) {
      block(Number(line))
      file.append(`${file.length}`)
    }
  },

  sealLater(id) {
    const file = MmFile.openExisting(id)
    say('ready')
    block(Number(hear()))
    file.seal()
  },

  /** Waits for one segment, says when, and has to end by itself. */
  async waitOnce(id, index, timeout) {
    const file = MmFile.openExisting(id)
    const options = timeout ? { timeout: Number(timeout) } : undefined
    const wait = file.waitFor(Number(index), options)
    say('waiting')
    try {
      await wait
      say(file.read(Number(index)))
    } catch (error) {
      say(error.code)
    }
  },

  /** Has an open file, waits that are over, and nothing that is pending. */
  async nothingPending() {
    const file = MmFile.createNew(4096)
    file.append('x')
    await file.waitFor(0)
    await file.waitFor(5, { timeout: 5 }).catch(() => {})
    const controller = new AbortController()
    const wait = file.waitFor(5, { signal: controller.signal })
    controller.abort()
    await wait.catch(() => {})
    const next = file.waitFor(1)
    file.append('y')
    await next
    say('done')
  },

  /** A wait that never ends keeps the process, until it is aborted. */
  async abortLater(id) {
    const file = MmFile.openExisting(id)
    const controller = new AbortController()
    file.waitFor(9, { signal: controller.signal }).catch((error) => say(error.name))
    const timer = setTimeout(() => controller.abort(), 30)
    timer.unref() // the wait keeps the event loop going, not the timer
    say('waiting')
  },

  /** A thousand waits on one handle, and how many threads they take. */
  async thousand(id) {
    const file = MmFile.openExisting(id)
    const before = threads()
    let resolved = 0
    const waits = Array.from({ length: 1000 }, (_, at) =>
      file.waitFor(at % 100).then(() => {
        resolved += 1
      }),
    )
    say({ extra: threads() - before })
    await Promise.all(waits)
    file.close()
    say({ resolved, left: threads() - before })
  },

  /** Waits on many files, with one more thread each perhaps, all of which end. */
  async manyFiles(count) {
    const before = threads()
    const open = descriptors()
    const files = Array.from({ length: Number(count) }, () => MmFile.createNew(4096))
    const waits = files.map((file) => file.waitFor(0))
    const during = threads() - before
    for (const { id } of files) {
      const other = MmFile.openExisting(id)
      other.append('x')
      other.close()
    }
    await Promise.all(waits)
    const rejected = files.map((file) => file.waitFor(5).catch((error) => error.code))
    for (const file of files) file.close()
    const codes = new Set(await Promise.all(rejected))
    await pause(20) // the event loop lets go of a descriptor in its next turn
    const left = threads() - before
    say({ during, codes: [...codes], left, descriptors: descriptors() - open })
  },

  /** Waits while libuv's pool has no thread to spare. */
  async blockedPool(id) {
    let blocked = true
    const works = Array.from(
      { length: 3 },
      () =>
        new Promise((resolve) => {
          pbkdf2('x', 'y', 600_000, 64, 'sha512', resolve)
        }),
    )
    Promise.all(works).then(() => {
      blocked = false
    })
    const file = MmFile.openExisting(id)
    const wait = file.waitFor(0)
    say('waiting')
    await wait
    say({ blocked })
    process.exit()
  },

  /** The cost of a hundred pending waits on ten handles: wake-ups a second, and per cent of a processor. */
  async cost(id, milliseconds) {
    const files = Array.from({ length: 10 }, () => MmFile.openExisting(id))
    const { signal } = new AbortController()
    for (let at = 0; at < 100; at += 1) {
      files[at % 10].waitFor(10 + at, at % 2 ? { signal } : { timeout: 1e6 }).catch(() => {})
    }
    await pause(600) // sleeps get longer, up to a limit
    const before = process.cpuUsage()
    const woken = process.platform === 'linux' ? wakeUps() : 0
    await pause(Number(milliseconds))
    const rate =
      process.platform === 'linux' ? ((wakeUps() - woken) / milliseconds) * 1000 : undefined
    const { user, system } = process.cpuUsage(before)
    say({ rate, percent: (user + system) / 10 / milliseconds })
    process.exit()
  },

  /** How often a second the process wakes up, after waits of two kinds have taken turns many times. */
  async alternate(id, count, milliseconds) {
    const file = MmFile.openExisting(id)
    const pending = []
    for (let at = 0; at < Number(count); at += 1) {
      const abort = new AbortController()
      const options = { signal: abort.signal, requirePeer: at % 2 === 0 }
      const wait = file.waitFor(9 + (at % 3), options).catch((error) => error.name)
      if (at % 5) await pause(0)
      abort.abort()
      if ((await wait) !== 'AbortError') throw new Error('a wait ended')
    }
    pending.push(file.waitFor(9), file.waitFor(9, { requirePeer: true }))
    await pause(600) // sleeps get longer, up to a limit
    const before = wakeUps()
    const started = performance.now()
    await pause(Number(milliseconds))
    say({ rate: ((wakeUps() - before) * 1000) / (performance.now() - started) })
    process.exit()
  },

  /** Answers every segment with one more. */
  async pong(id, count) {
    const file = MmFile.openExisting(id)
    say('ready')
    for (let index = 0; index < 2 * Number(count); index += 2) {
      await file.waitFor(index)
      file.append(file.readBytes(index))
    }
    say('done')
  },

  /** Appends what the monotonic clock of the machine says, now and then. */
  async clock(id, count) {
    const file = MmFile.openExisting(id)
    for (let at = 0; at < Number(count); at += 1) {
      // Of any length, and now and then several at once.
      if (at % 4) block((at * 7) % 11)
      file.append(`${process.hrtime.bigint()}`)
    }
    say('done')
  },

  /** Lets go of everything but the promise of a wait. */
  async onlyPromise() {
    const file = MmFile.createNew(4096)
    const wait = (() => MmFile.openExisting(file.id).waitFor(0))()
    for (let round = 0; round < 6; round += 1) {
      globalThis.gc()
      await pause(2)
    }
    file.append('x')
    say((await wait) === undefined ? 'resolved' : 'else')
  },

  /** Appends inside of its lock, and keeps that. */
  inside(id) {
    const file = MmFile.openExisting(id)
    file.withLockSync(() => {
      file.append('from inside')
      say('held')
      hear()
    })
    say('released')
  },
})
