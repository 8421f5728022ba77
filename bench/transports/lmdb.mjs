// lmdb, in memory and without syncing. It has no waiting: the reader looks at a counter in a loop.

import { join } from 'node:path'
import { makeFolder, removeFolder } from '../lib/temporary.mjs'

const PATIENCE = 30_000
/** One way, small messages share a transaction: as many as make up this much. */
const TRANSACTION = 64 << 10
const MOST = 1000

class Endpoint {
  #lmdb
  #folder
  #env
  #trip
  #mine
  #theirs
  #together
  #kept = []
  #count
  #sent

  constructor(role, lmdb) {
    this.#lmdb = lmdb
    this.#mine = role === 'parent' ? 'a' : 'b'
    this.#theirs = role === 'parent' ? 'b' : 'a'
  }

  prepare(run) {
    this.#folder = makeFolder({ memory: true })
    this.#open(run, this.#folder)
    return { folder: this.#folder }
  }

  join(run, { folder }) {
    this.#open(run, folder)
  }

  #open({ kind, size, count }, folder) {
    this.#trip = kind === 'trip'
    this.#count = count
    this.#sent = 0
    this.#together = this.#trip ? 1 : Math.min(MOST, Math.max(1, Math.floor(TRANSACTION / size)))
    const bytes = (this.#trip ? 16 : count + 16) * (size + 16384)
    this.#env = this.#lmdb.open({
      path: join(folder, 'data'),
      encoding: 'binary',
      mapSize: Math.max(1 << 24, 2 ** Math.ceil(Math.log2(2 * bytes))),
      noSync: true,
      noMetaSync: true,
      compression: false,
    })
  }

  #key(side, number) {
    return this.#trip ? `${side}-message` : number
  }

  send(message) {
    this.#kept.push(this.#together > 1 ? Buffer.from(message) : message)
    if (this.#kept.length < this.#together && this.#sent + this.#kept.length < this.#count) return
    this.#env.transactionSync(() => {
      for (const kept of this.#kept) {
        this.#env.putSync(this.#key(this.#mine, this.#sent), kept)
        this.#sent += 1
      }
      const counter = Buffer.alloc(4)
      counter.writeUInt32LE(this.#sent)
      this.#env.putSync(`${this.#mine}-count`, counter)
    })
    this.#kept.length = 0
  }

  /** How many the other side has sent; waits until there are more than `number`. */
  #await(number) {
    const started = performance.now()
    for (;;) {
      this.#env.resetReadTxn()
      const counter = this.#env.getBinaryFast(`${this.#theirs}-count`)
      const count = counter === undefined ? 0 : counter.readUInt32LE(0)
      if (count > number) return count
      if (performance.now() - started > PATIENCE) throw new Error('nothing came')
    }
  }

  take(number) {
    this.#await(number)
    return this.#env.getBinaryFast(this.#key(this.#theirs, number))
  }

  drain(number, each) {
    const there = this.#await(number)
    for (let next = number; next < there; next += 1) {
      each(this.#env.getBinaryFast(this.#key(this.#theirs, next)))
    }
    return there
  }

  async finish() {
    await this.#env.close()
    if (this.#folder) removeFolder(this.#folder)
  }

  close() {}
}

export const lmdb = {
  label: 'lmdb, busy polling',
  peer: 'lmdb',
  synchronous: true,
  keeps: true,
  open: (role, _partner, module) => new Endpoint(role, module),
}
