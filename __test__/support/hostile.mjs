// A program that scribbles over shared memory while it uses it.

import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { MmFile } from 'mmfile'
import { controlOffset, objectOf, randoms } from './files.mjs'
import { play, say } from './program.mjs'

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

const acts = [
  (file) => file.length,
  (file) => file.size,
  (file) => file.sealed,
  (file, random) => file.read(random(30)),
  (file, random) => file.readBytes(random(30)),
  (file, random) => file.byteLength(random(30)),
  (file, random) => file.readInto(random(30), new Uint8Array(5000)),
  (file, random) => Buffer.from(file.view(random(30))).toString('hex'),
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

/** Numbers that are worth a try in the place of any other. */
const words = [0, 1, 2, 4, 255, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffffe, 4096]

/** Where the parts of the control block stand. */
const parts = {
  control: [0x18, 0x148],
  lock: [0x80, 0xc0],
  table: [0x400, 0x600],
  everything: [0, 0x1000],
}

/** What the worker writes by turns, until it is told to stop. */
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

await play({
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
      // A wait has to end, however the memory looks.
      const waits = handles.map((handle) => handle.waitFor(29, { timeout: 2 }).catch(() => {}))
      await Promise.all(waits)
      for (const handle of [...handles, file]) handle.close()
      closeSync(object)
    }
    say({ operations, codes, strange: strange.slice(0, 5), longest })
  },
})
