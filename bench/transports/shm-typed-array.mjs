// shm-typed-array: bare shared memory. It has neither messages nor waiting, so the least that makes
// them is built here: a ring of slots, a counter each way, and both sides look in a loop. Nothing in
// it survives a crash or allows a second writer.

const COUNTERS = 128
/** The memory that a ring takes, unless two messages are more: it stays in the processor's cache. */
const RING = 8 << 20
const PATIENCE = 30_000
/** Looks between two looks at the clock. */
const LOOKS = 1 << 20

class Endpoint {
  #shm
  #copies
  #memory
  #counters
  #slots
  #size
  #sent
  #own
  #other

  constructor(role, shm, copies) {
    this.#shm = shm
    this.#copies = copies
    // Each side counts what it has sent in a round trip. One way, the reader counts what it took.
    this.#own = role === 'parent' ? 0 : 16
    this.#other = role === 'parent' ? 16 : 0
    this.role = role
  }

  /** The memory is kept from run to run, so that its pages are warm. */
  prepare(run) {
    const slots = Math.max(2, Math.min(4096, Math.floor(RING / run.size)))
    this.#memory ??= this.#shm.create(COUNTERS + 2 * slots * run.size, 'Buffer')
    if (this.#memory === null) throw new Error('no shared memory')
    this.#memory.fill(0, 0, COUNTERS)
    this.#begin(run, slots)
    return { key: this.#memory.key, slots }
  }

  join(run, { key, slots }) {
    this.#memory ??= this.#shm.get(key, 'Buffer')
    this.#begin(run, slots)
  }

  #begin({ kind, size }, slots) {
    const { buffer, byteOffset } = this.#memory
    this.#counters = new Int32Array(buffer, byteOffset, COUNTERS / 4)
    this.#slots = slots
    this.#size = size
    this.#sent = 0
    // A round trip has a ring each way, so that none writes over what the other still looks at.
    const second = kind === 'trip' ? slots * size : 0
    this.writesAt = COUNTERS + (this.role === 'parent' ? 0 : second)
    this.readsAt = COUNTERS + (this.role === 'parent' ? second : 0)
  }

  #await(condition) {
    for (let looks = 0; !condition(); looks += 1) {
      if (looks % LOOKS === LOOKS - 1) {
        this.started ??= performance.now()
        if (performance.now() - this.started > PATIENCE) throw new Error('nothing came')
      }
    }
    this.started = undefined
  }

  send(message) {
    const sent = this.#sent
    const counters = this.#counters
    const full = sent - this.#slots
    if (Atomics.load(counters, this.#other) <= full) {
      this.#await(() => Atomics.load(counters, this.#other) > full)
    }
    this.#memory.set(message, this.writesAt + (sent % this.#slots) * this.#size)
    this.#sent = sent + 1
    Atomics.store(counters, this.#own, this.#sent)
  }

  #read(number) {
    const at = this.readsAt + (number % this.#slots) * this.#size
    const view = this.#memory.subarray(at, at + this.#size)
    return this.#copies ? Buffer.from(view) : view
  }

  take(number) {
    const counters = this.#counters
    while (Atomics.load(counters, this.#other) <= number) {
      this.#await(() => Atomics.load(counters, this.#other) > number)
    }
    return this.#read(number)
  }

  drain(number, each) {
    const counters = this.#counters
    let there = Atomics.load(counters, this.#other)
    if (there === number) {
      this.#await(() => Atomics.load(counters, this.#other) > number)
      there = Atomics.load(counters, this.#other)
    }
    for (let next = number; next < there; next += 1) {
      each(this.#read(next))
      Atomics.store(counters, this.#own, next + 1)
    }
    return there
  }

  finish() {}

  close() {
    if (this.#memory) this.#shm.detach(this.#memory.key, true)
  }
}

const common = { peer: 'shm-typed-array', synchronous: true }
export const shmCopy = {
  ...common,
  label: 'shm-typed-array, busy polling, copy',
  open: (role, _partner, module) => new Endpoint(role, module.default, true),
}
export const shmView = {
  ...common,
  label: 'shm-typed-array, busy polling, view',
  open: (role, _partner, module) => new Endpoint(role, module.default, false),
}
