// mmfile, by its public interface. One file a run, made and opened before the clock starts.

import { sharedCache } from '../lib/placement.mjs'
import { current } from '../lib/versions.mjs'

/** Of a wait that should take microseconds. */
const timeout = 30_000
/** Milliseconds to spin: longer than an answer takes while both processes run, and no longer. */
const SPIN = 1

/** How each way to use it waits and reads. */
const WAYS = {
  spin: { spin: SPIN, as: 'view' },
  block: { spin: 0, as: 'view' },
  into: { spin: 0, as: 'into' },
  copy: { spin: 0, as: 'bytes' },
  asyncCopy: { asynchronous: true, as: 'bytes' },
  asyncView: { asynchronous: true, as: 'view' },
  touched: { spin: 0, as: 'view', touched: true },
  asyncTouched: { asynchronous: true, as: 'view', touched: true },
}
const PAGE = 4096
/** A file that leaves room in the cache for what is sent from. */
const CACHED = sharedCache() / 2

/** Maps all pages of a file before they are used: the buffer behind a view is the whole mapping. */
function touch(file) {
  const bytes = new Uint8Array(file.view(0).buffer)
  let sum = 0
  for (let at = 0; at < bytes.length; at += PAGE) sum += bytes[at]
  return sum
}

class Endpoint {
  #way
  #version
  #file
  #step
  #first
  #target
  /** Segments before the first message. */
  #skipped = 0

  constructor(role, way, version) {
    this.#way = { ...WAYS[way], spin: version.spin(WAYS[way].spin ?? 0) }
    this.#version = version
    // In a round trip requests and replies take turns in one file.
    this.role = role
  }

  get #open() {
    return this.#version.library().MmFile
  }

  /** Makes the file and answers what the other side has to know. */
  prepare({ kind, size, count }) {
    const segments = kind === 'trip' ? 2 * count : count
    this.#file = this.#open.createNew(segments * (size + 4) + 8, this.#version.options)
    // A mapping can be looked at from its first segment on.
    if (this.#way.touched) this.#file.append(Buffer.alloc(4))
    this.#begin(kind, size)
    return { id: this.#file.id }
  }

  join({ kind, size }, { id }) {
    this.#file = this.#open.openExisting(id, this.#version.options)
    this.#begin(kind, size)
  }

  #begin(kind, size) {
    this.#step = kind === 'trip' ? 2 : 1
    this.#first = kind === 'trip' && this.role === 'parent' ? 1 : 0
    this.#skipped = this.#way.touched ? 1 : 0
    this.#first += this.#skipped
    if (this.#way.touched) touch(this.#file)
    if (this.#way.as === 'into') this.#target = Buffer.alloc(size)
  }

  send(message) {
    this.#file.append(message)
  }

  #read(index) {
    if (this.#way.as === 'view') return this.#file.view(index)
    if (this.#way.as === 'bytes') return this.#file.readBytes(index)
    this.#file.readInto(index, this.#target)
    return this.#target
  }

  /** The next message of a round trip; waits for it. */
  take(number) {
    const index = this.#step * number + this.#first
    this.#file.waitForSync(index, { timeout, spin: this.#way.spin })
    return this.#read(index)
  }

  /** All messages that are there from `number` on, at least one; answers the next number. */
  drain(number, each) {
    const first = number + this.#skipped
    let length = this.#file.length
    if (length === first) {
      this.#file.waitForSync(first, { timeout, spin: this.#version.spin(SPIN) })
      length = this.#file.length
    }
    for (let index = first; index < length; index += 1) each(this.#read(index))
    return length - this.#skipped
  }

  /** Calls `each` with every message until it answers `false`. */
  async listen(each) {
    if (this.#step === 1) {
      const options = { as: this.#way.as, from: this.#skipped }
      for await (const message of this.#file.segments(options)) {
        if (!each(message)) return
      }
      return
    }
    for (let index = this.#first; ; index += 2) {
      await this.#file.waitFor(index)
      if (!each(this.#read(index))) return
    }
  }

  finish() {
    this.#file.close()
  }

  close() {}
}

const endpoint =
  (way) =>
  (role, _partner, _module, version = current) =>
    new Endpoint(role, way, version)

/** A message stays in the file, so that a run may not be longer than there is memory. */
const common = { keeps: true }
export const mmfileSpin = {
  ...common,
  label: 'mmfile, blocking with spin, view',
  synchronous: true,
  open: endpoint('spin'),
}
export const mmfileBlock = {
  ...common,
  label: 'mmfile, blocking, view',
  synchronous: true,
  open: endpoint('block'),
}
export const mmfileInto = {
  ...common,
  label: 'mmfile, blocking, readInto',
  synchronous: true,
  open: endpoint('into'),
}
export const mmfileCopy = {
  ...common,
  label: 'mmfile, blocking, copy',
  synchronous: true,
  open: endpoint('copy'),
}
export const mmfileAsyncCopy = {
  ...common,
  label: 'mmfile, asynchronous, copy',
  open: endpoint('asyncCopy'),
}
export const mmfileAsyncView = {
  ...common,
  label: 'mmfile, asynchronous, view',
  open: endpoint('asyncView'),
}
/** As `mmfileBlock`, in memory whose pages both sides have looked at before. */
export const mmfileTouched = {
  ...common,
  label: 'mmfile, blocking, view, pages touched before',
  synchronous: true,
  open: endpoint('touched'),
}
export const mmfileAsyncTouched = {
  ...common,
  label: 'mmfile, asynchronous, view, pages touched before',
  open: endpoint('asyncTouched'),
}
/** As those, in files that fit the processors' cache. Short runs, so that there are several a round. */
const cached = { ...common, room: CACHED, fits: (size) => size >= 1 << 16 && 8 * size <= CACHED }
export const mmfileCached = {
  ...cached,
  label: 'mmfile, blocking, view, touched before, within the cache',
  synchronous: true,
  open: endpoint('touched'),
}
export const mmfileAsyncCached = {
  ...cached,
  label: 'mmfile, asynchronous, view, touched before, within the cache',
  open: endpoint('asyncTouched'),
}
