// One transport between this process and a child: runs round trips and one-way streams over it.

import { transports } from '../transports/index.mjs'
import { now } from './child.mjs'
import { messages, REPLY } from './message.mjs'
import { Partner } from './partner.mjs'
import { median } from './statistics.mjs'

export class Link {
  #transport
  #partner
  #endpoint
  #made

  constructor(name, size, peers) {
    this.#transport = transports[name]
    this.size = size
    const { serialization, peer, open, text, buffers } = this.#transport
    this.#partner = new Partner('transport', { args: [name], serialization })
    this.#endpoint = open('parent', this.#partner, peer && peers[peer])
    this.#made = messages(size, { text, buffers: buffers?.(size) ?? 1 })
  }

  /** The other process. */
  get pid() {
    return this.#partner.process.pid
  }

  /** Microseconds of a round trip: the median of small groups of them. */
  async trips(count, { all = false, together = 1 } = {}) {
    await this.#begin({ kind: 'trip', size: this.size, count, all })
    const times = this.#transport.synchronous
      ? this.#tripsSynchronously(count, all, together)
      : await Promise.race([this.#trips(count, all, together), this.#partner.failure])
    await this.#end()
    // The first ones touch memory for the first time and find code that is not compiled yet.
    return median(times.length > 8 ? times.slice(times.length >> 3) : times)
  }

  /** Nanoseconds until all messages have arrived. */
  async oneWay(count, { all = false } = {}) {
    await this.#begin({ kind: 'way', size: this.size, count, all })
    const started = now()
    for (let number = 0; number < count; number += 1) {
      const full = this.#endpoint.send(this.#made.make(number), number)
      if (full) await full
    }
    return (await this.#end()) - started
  }

  async close() {
    await this.#endpoint.close()
    await this.#partner.end()
  }

  async #begin(run) {
    const info = await this.#endpoint.prepare(run)
    await this.#partner.ask({ ...run, info })
    await this.#endpoint.ready?.()
  }

  async #end() {
    const { ended } = await this.#partner.hear()
    await this.#endpoint.finish()
    return ended
  }

  #tripsSynchronously(count, all, together) {
    const endpoint = this.#endpoint
    const made = this.#made
    const times = []
    for (let number = 0; number < count; ) {
      const started = performance.now()
      const end = Math.min(count, number + together)
      const group = end - number
      for (; number < end; number += 1) {
        endpoint.send(made.make(number))
        const got = endpoint.take(number)
        if (all) made.checkAll(got, number + REPLY)
        else made.check(got, number + REPLY)
      }
      times.push(((performance.now() - started) * 1000) / group)
    }
    return times
  }

  async #trips(count, all, together) {
    const endpoint = this.#endpoint
    const made = this.#made
    const times = []
    let number = 0
    let started = performance.now()
    const done = endpoint.listen((got) => {
      if (all) made.checkAll(got, number + REPLY)
      else made.check(got, number + REPLY)
      number += 1
      if (number % together === 0) {
        const time = performance.now()
        times.push(((time - started) * 1000) / together)
        started = time
      }
      if (number === count) return false
      endpoint.send(made.make(number))
      return true
    })
    endpoint.send(made.make(number))
    await done
    return times
  }
}
