// A program that scribbles over shared memory while it uses it.

import { fork } from 'node:child_process'
import { on, once } from 'node:events'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { list, MmFile } from 'mmfile'
import { controlOffset, objectOf, randoms } from './files.mjs'
import { pause, play, say } from './program.mjs'

const known = [
  'CORRUPT',
  'TIMEOUT',
  'SEALED',
  'READ_ONLY',
  'CAPACITY',
  'SEGMENT_RANGE',
  'SEGMENT_ORDER',
  'NOT_TEXT',
  'LOCK_HELD',
  'NO_SPACE',
  'INCOMPATIBLE',
  'ACCESS',
  'NOT_FOUND',
].map((code) => `ERR_MMFILE_${code}`)

/**
 * Stands in memory that this process has given up, and never in a file: where it is read, it leaked. Odd, since the
 * sizes of texts are even.
 */
const MARK = 0xef

const acts = [
  (file) => file.length,
  (file) => file.size,
  (file) => file.sealed,
  (file, random) => file.read(random(30)),
  (file, random) => file.readBytes(random(30)),
  (file, random) => file.byteLength(random(30)),
  (file, random) => {
    const target = Buffer.alloc(10_000, MARK)
    return target.subarray(0, file.readInto(random(30), target))
  },
  (file, random) => Buffer.from(file.view(random(30))),
  (file, random) => file.append('x'.repeat(random(50))),
  (file, random) => file.append(new Uint8Array(random(50))),
  (file, random) => file.appendAll(['a', new Uint8Array(random(20)), '']),
  (file, random) => file.write(random(30), 'written'),
  (file) => [...file].length,
  (file) => file.peers().length,
  (file, random) => file.waitForSync(random(30), { timeout: 1 }),
  (file) => file.tryLock()?.release(),
  (file) => file.withLockSync(() => file.append('inside'), { timeout: 5 }),
  (file, random) => random(20) === 0 && file.seal(),
]

/** The operations that read a segment. */
const reading = acts.slice(3, 8)

/** Numbers that are worth a try in the place of any other. */
const words = [0, 1, 2, 4, 255, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffffe, 4096]

/** The offsets of the parts of the control block. */
const parts = {
  control: [0x18, 0x148],
  lock: [0x80, 0xc0],
  table: [0x400, 0x600],
  everything: [0, 0x1000],
}

/** The values that the worker writes by turns until it is stopped. */
const resizing = `
  const { workerData } = require('node:worker_threads')
  const { openSync, writeSync } = require('node:fs')
  const { path, at, sizes, stop } = workerData
  const object = openSync(path, 'r+')
  const words = sizes.map((size) => Buffer.from(Uint32Array.of(size).buffer))
  while (Atomics.load(stop, 0) === 0) {
    for (const word of words) writeSync(object, word, 0, 4, at)
  }
`

/** One file of `race`: everything in it follows from the seed but what the other process does when. */
async function raceOnce(seed, answered, told) {
  const random = randoms(seed)
  const capacity = 60 + random(9000)
  const file = MmFile.createNew(capacity, { lockTimeout: 1000 })
  const starts = []
  const append = (value) => {
    starts.push(file.size)
    file.append(value)
  }
  append(new Uint8Array(1 + random(40)).fill(0x41)) // so that what follows is at any address
  for (let more = random(2) ? 2 : random(20); more > 0 && file.size < capacity / 2; more -= 1) {
    append('A'.repeat(random(capacity / 10)))
  }
  const writes = script(random, capacity, starts)
  /** Acts take an index below 30: here one that is written over, one of the others, or the next one. */
  const choose = (below) => {
    if (below !== 30) return random(below)
    return writes[random(6)]?.index ?? random(starts.length + 1)
  }
  const open = (options) => MmFile.openExisting(file.id, { lockTimeout: 3, ...options })
  const handles = [open(), open({ access: 'read' }), open({ synchronized: false })]
  await answered({ id: file.id, capacity, writes })

  const judge = (act, ...args) => {
    told.operations += 1
    const begun = performance.now()
    try {
      mark(told.operations)
      const result = act(...args)
      told.results += 1
      if (isMarked(result)) told.strange.push(`seed ${seed}: other memory's bytes from ${act}`)
    } catch (error) {
      fail(error)
    }
    const took = Math.round(performance.now() - begun)
    if (took > 5000) told.strange.push(`seed ${seed}: ${took} ms for ${act}`)
    told.longest = Math.max(told.longest, took)
  }
  const fail = (error) => {
    told.codes[error.code] = (told.codes[error.code] ?? 0) + 1
    if (!known.includes(error.code)) told.strange.push(`seed ${seed}: ${error.stack}`)
  }
  for (let step = 0; step < 40; step += 1) {
    const handle = handles[random(handles.length)]
    const act = random(2) ? reading[random(reading.length)] : acts[random(acts.length)]
    // Fast operations run more often: the other process has to hit the middle of one.
    const until = performance.now() + 1
    do judge(act, handle, choose)
    while (performance.now() < until)
    if (random(20) === 0) judge(() => open().close())
    if (random(10) === 0) judge(() => inspect(handle))
    if (random(10) === 0) judge(() => list().length)
  }
  const [handle] = handles
  const segments = handle.segments({ as: random(2) ? 'bytes' : 'view', from: random(5) })
  const stream = handle.createReadStream({ from: random(5) }).on('error', fail)
  const ends = Promise.allSettled([
    ...handles.map((one) => one.waitFor(29, { timeout: 2 })),
    ...Array.from({ length: 4 }, () => segments.next()),
  ])
  await pause(3)
  segments.return()
  stream.destroy()
  for (const { reason } of await ends) if (reason) fail(reason)
  await answered(null)
  for (const one of [...handles, file]) one.close()
}

/** Leaves the mark where the next buffer may be made. */
function mark(operation) {
  Buffer.allocUnsafe([64, 1000, 3000, 9000][operation % 4]).fill(MARK)
}

function isMarked(result) {
  const bytes = typeof result === 'string' ? Buffer.from(result, 'utf16le') : result
  return Buffer.isBuffer(bytes) && bytes.includes(MARK)
}

/** The values that another process writes over a file repeatedly: mostly sizes that a segment could have. */
function script(random, capacity, starts) {
  const inData = random(4) > 0 // it is much faster at that
  return Array.from({ length: 1 + random(3) }, () => {
    const what = inData
      ? ['size', 'size', 'data'][random(3)]
      : ['control', 'lock', 'table'][random(3)]
    const [from, to] = parts[what] ?? [0, capacity]
    const index = what === 'size' ? random(starts.length) : undefined
    const at = starts[index] ?? from + random(to - from - 4)
    const some = what === 'size' ? random(capacity - at) : random(2 ** 31) & 0x7f7f7f7f
    const word = random(3) && (some & 0xff) !== MARK ? some : words[random(words.length)]
    return { inData, index, at, word }
  })
}

/** Writes until there is another file, or none; each word by turns with the one that was there before. */
async function scribbleOver({ id, capacity, writes }, isCurrent) {
  const file = MmFile.openExisting(id)
  const object = openSync(objectOf(file), 'r+')
  const data = new DataView(file.view(0).buffer)
  const steps = writes.flatMap(({ inData, at, word }) => {
    if (inData) {
      const before = data.getUint32(at, true)
      return [word, before].map((value) => () => data.setUint32(at, value, true))
    }
    const place = controlOffset(capacity) + at
    const before = Buffer.alloc(4)
    readSync(object, before, 0, 4, place)
    const bytes = Buffer.from(Uint32Array.of(word).buffer)
    return [bytes, before].map((value) => () => writeSync(object, value, 0, 4, place))
  })
  process.send(id)
  while (isCurrent()) {
    for (let round = 0; round < 1000; round += 1) for (const step of steps) step()
    await new Promise((resolve) => setImmediate(resolve))
  }
  closeSync(object)
  file.close()
}

await play({
  /** The other process of `race`. */
  async scribbler() {
    let current
    process.on('disconnect', () => process.exit())
    process.on('message', async (wanted) => {
      current = wanted?.id
      if (current === undefined) process.send('idle')
      else await scribbleOver(wanted, () => current === wanted.id)
    })
  },

  /** Another process scribbles over a file during every operation on it. */
  async race(seconds, first = 1) {
    const other = fork(fileURLToPath(import.meta.url), ['scribbler'])
    const answers = on(other, 'message', { close: ['exit'] })
    const answered = async (message) => {
      other.send(message)
      const { done } = await answers.next()
      if (done) throw new Error(`the scribbler ended: ${other.signalCode ?? other.exitCode}`)
    }
    const told = { operations: 0, results: 0, codes: {}, strange: [], longest: 0 }
    const end = performance.now() + Number(seconds) * 1000
    let seed = Number(first)
    for (; performance.now() < end && told.strange.length === 0; seed += 1) {
      await raceOnce(seed, answered, told)
    }
    other.disconnect()
    say({
      ...told,
      strange: told.strange.slice(0, 3),
      rounds: seed - Number(first),
      last: seed - 1,
    })
  },

  /** Another thread changes the size of a segment, at an odd address, while this one reads it. */
  async resize(seconds) {
    // One byte of the word differs: the system may store it byte by byte.
    const sizes = [0x0800, 0x2000, 0x1000]
    const file = MmFile.createNew(1 << 14)
    file.append(Buffer.from('x'))
    file.append(Buffer.alloc(8192, 0x41))
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const workerData = { path: objectOf(file), at: 5, sizes, stop }
    const worker = new Worker(resizing, { eval: true, workerData })
    await once(worker, 'online')
    const seen = new Set()
    let strange = 0
    for (const end = performance.now() + Number(seconds) * 1000; performance.now() < end; ) {
      for (let read = 0; read < 100; read += 1) {
        const text = file.read(1)
        const bytes = file.readBytes(1)
        seen.add(text.length * 2).add(bytes.length)
        if (text !== '\u4141'.repeat(text.length)) strange += 1
        if (!bytes.equals(Buffer.alloc(bytes.length, 0x41))) strange += 1
      }
    }
    Atomics.store(stop, 0, 1)
    await once(worker, 'exit')
    file.close()
    say({ strange, sizes: [...seen].sort((a, b) => a - b) })
  },

  async scribble(where, times) {
    const codes = {}
    const strange = []
    let operations = 0
    let longest = 0
    const attempt = (act) => {
      operations += 1
      const started = performance.now()
      try {
        act()
      } catch (error) {
        codes[error.code] = (codes[error.code] ?? 0) + 1
        if (!known.includes(error.code)) strange.push(`${error.code} ${error.message}`)
      }
      longest = Math.max(longest, Math.round(performance.now() - started))
    }
    for (let seed = 1; seed <= Number(times); seed += 1) {
      const random = randoms(seed)
      const capacity = 50 + random(3000)
      const file = MmFile.createNew(capacity, { lockTimeout: 5000 })
      const open = (access) => MmFile.openExisting(file.id, { access, lockTimeout: 3 })
      const handles = [open('read-write'), open('read'), open('read-write')]
      for (let at = random(20); at > 0; at -= 1) attempt(() => file.append('x'.repeat(random(20))))
      const object = openSync(objectOf(file), 'r+')
      for (let step = 0; step < 25; step += 1) {
        const bytes = Buffer.alloc(random(3) ? 4 : 8)
        if (random(2)) bytes.writeUInt32LE(words[random(words.length)])
        else for (let at = 0; at < bytes.length; at += 1) bytes[at] = random(256)
        if (where === 'data' || (where === 'everything' && random(2))) {
          writeSync(object, bytes, 0, bytes.length, random(capacity - 8))
        } else {
          const [from, to] = parts[where]
          const at = controlOffset(capacity) + from + 4 * random((to - from) / 4 - 1)
          writeSync(object, bytes, 0, bytes.length, at)
        }
        const handle = handles[random(handles.length)]
        attempt(() => acts[random(acts.length)](handle, random))
        if (random(10) === 0) attempt(() => open('read-write').close())
      }
      // A wait has to end with any contents of the memory.
      const waits = handles.map((handle) => handle.waitFor(29, { timeout: 2 }).catch(() => {}))
      await Promise.all(waits)
      for (const handle of [...handles, file]) handle.close()
      closeSync(object)
    }
    say({ operations, codes, strange: strange.slice(0, 5), longest })
  },
})
