// Helpers of nearly every test: make a file that is removed after the test, and check errors.

import { randomBytes } from 'node:crypto'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MmFile, MmFileError } from 'mmfile'

/** An id that no other test, run or process has. */
export function uniqueId(name = 'test') {
  return `${name}-${randomBytes(8).toString('hex')}`
}

/** A new file that is closed when the test ends. */
export function create(t, capacity = 4096, options = {}) {
  return closing(t, MmFile.createNew(capacity, options))
}

/** Another handle on it, closed when the test ends. */
export function open(t, file, options = {}) {
  return closing(t, MmFile.openExisting(file.id, options))
}

export function closing(t, file) {
  t.teardown(() => file.close())
  return file
}

/** Checks that a call throws an MmFileError of that code, and returns it. */
export function refuses(t, act, code, message) {
  const error = t.throws(act, { instanceOf: MmFileError, name: 'MmFileError', code }, message)
  if (error) t.true(error.message.length > 10, 'it says what is wrong')
  return error
}

/** As `refuses`, for a promise or what returns one. */
export function rejects(t, act, code, message) {
  return t.throwsAsync(act, { instanceOf: MmFileError, name: 'MmFileError', code }, message)
}

/** A folder on disk that goes with the test. */
export function folder(t) {
  const path = realpathSync.native(mkdtempSync(join(tmpdir(), 'mmfile-')))
  t.teardown(() => {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 5 })
    } catch (error) {
      // Windows keeps a file as long as the engine refers to a view of it.
      if (process.platform !== 'win32') throw error
    }
  })
  return path
}

/** The folder of objects in shared memory: this run's own, or the system's. Only Linux shows them. */
const shmFolder = process.env.MMFILE_DIRECTORY || '/dev/shm'

/** Where the object of that name is. */
export const shm = (name) => join(shmFolder, name)

/** The names of the objects in shared memory with that in them, such as an id. */
export function left(part) {
  if (process.platform !== 'linux') return []
  return readdirSync(shmFolder).filter((name) => name.includes(part))
}

/** Where a file's object is. */
export const objectOf = ({ id }, { data = 'mmfile-data-' } = {}) => shm(`${data}${id}`)

/** The bytes of a control block, which is the end of its object. */
export const CONTROL_SIZE = 4096

/** The offset of the control block in an object with that capacity. */
export const controlOffset = (capacity) => Math.ceil((capacity + 4) / 4096) * 4096

/** Changes bytes of an object in place, and returns the old ones. */
export function overwrite(path, offset, bytes) {
  const object = openSync(path, 'r+')
  try {
    const before = Buffer.alloc(bytes.length)
    readSync(object, before, 0, before.length, offset)
    writeSync(object, Buffer.from(bytes), 0, bytes.length, offset)
    return before
  } finally {
    closeSync(object)
  }
}

/**
 * How many descriptors this process has. The one does not count with which it goes through a folder, a few
 * names with each file that it creates, for what dead processes left there.
 */
export function descriptors() {
  if (process.platform !== 'linux') return 0
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) !== shmFolder
    } catch {
      return false // the one that the folder of descriptors was read with
    }
  }).length
}

/** How many mappings this process has of objects in shared memory. Only Linux shows them. */
export function mappings() {
  if (process.platform !== 'linux') return 0
  return readFileSync('/proc/self/maps', 'utf8').split(` ${shmFolder}/`).length - 1
}

/** The resources that a process can run out of. Only Linux shows them. */
export function resources() {
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0
  return { threads, mappings: mappings(), descriptors: descriptors() }
}

export function isThere(id, options) {
  try {
    MmFile.openExisting(id, options).close()
    return true
  } catch (error) {
    if (error.code === 'ERR_MMFILE_NOT_FOUND') return false
    throw error
  }
}

/** A number of rounds, or a multiple of it for a long run: MMFILE_TEST_ROUNDS=100. */
export function rounds(count) {
  return Math.max(1, Math.round(count * Number(process.env.MMFILE_TEST_ROUNDS ?? 1)))
}

/** Numbers from 0 to `below`, the same ones for the same seed. */
export function randoms(seed) {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** The smallest, the middle one and so on of some times in milliseconds, to be printed. */
export function summary(times) {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
  return `median ${at(0.5).toFixed(2)} ms, 99 % ${at(0.99).toFixed(2)} ms, most ${at(1).toFixed(2)} ms`
}
