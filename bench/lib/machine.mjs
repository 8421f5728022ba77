// Where it ran, and whether anybody else was at work there.

import { readFileSync } from 'node:fs'
import { arch, cpus, freemem, loadavg, release, totalmem, type } from 'node:os'
import { summary } from './statistics.mjs'

/** A floor whose rounds lie further apart than this says nothing about what stands on it. */
const NOISY_SPREAD = 0.25
/** Others that take this much of a processor take it from us: there are two of us at times. */
const NOISY_LOAD = 1
/** Processor time that the hypervisor gave to somebody else. */
const NOISY_STEAL = 0.05

/** Times of all processors together, in ticks; `undefined` where the kernel does not tell. */
function ticks() {
  try {
    const line = readFileSync('/proc/stat', 'utf8').split('\n')[0]
    const times = line.trim().split(/\s+/).slice(1, 9).map(Number)
    return { steal: times[7], all: times.reduce((sum, time) => sum + time, 0) }
  } catch {
    return undefined
  }
}

export class Machine {
  #before = ticks()
  #load = loadavg()
  #started = new Date()

  /** What to write beside figures. */
  describe() {
    const [cpu] = cpus()
    return {
      date: this.#started.toISOString(),
      cpu: cpu?.model ?? 'unknown',
      cores: cpus().length,
      memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
      system: `${type()} ${release()} ${arch()}`,
      node: process.version,
      loadBefore: this.#load.map((value) => Number(value.toFixed(2))),
      loadAfter: loadavg().map((value) => Number(value.toFixed(2))),
    }
  }

  /** Whether it was quiet, judged by what should always take the same time. */
  verdict(floors) {
    const reasons = []
    for (const [name, rounds] of Object.entries(floors)) {
      const { spread } = summary(rounds)
      if (spread > NOISY_SPREAD) {
        reasons.push(`${name}: half of the rounds lie ${(100 * spread).toFixed(0)} % apart`)
      }
    }
    if (this.#load[0] > NOISY_LOAD) {
      reasons.push(`the load average was ${this.#load[0].toFixed(2)} at the beginning`)
    }
    const after = ticks()
    if (this.#before && after) {
      const steal = (after.steal - this.#before.steal) / (after.all - this.#before.all)
      if (steal > NOISY_STEAL) {
        reasons.push(`the hypervisor gave ${(100 * steal).toFixed(0)} % of the time to others`)
      }
    }
    return { quiet: reasons.length === 0, reasons }
  }
}

/** Whether so many bytes can be spared for a while. */
export const hasMemory = (bytes) => freemem() > 1.5 * bytes
