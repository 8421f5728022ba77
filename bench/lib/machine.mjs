// Where it ran, and whether anybody else was at work there.

import { readFileSync } from 'node:fs'
import { arch, cpus, freemem, loadavg, release, totalmem, type } from 'node:os'
import { summary } from './statistics.mjs'

/** A floor whose rounds lie further apart than this says nothing about what stands on it. */
const NOISY_SPREAD = 0.25
/** The part of all processors that others take, while we do nothing, from which they are in the way. */
const NOISY_OTHERS = 0.15
/** How long we do nothing to see it, in milliseconds. */
const LISTEN = 1000
/** Processor time that the hypervisor gave to somebody else. */
const NOISY_STEAL = 0.05

/** Times of all processors together, in ticks; `undefined` where the kernel does not tell. */
function ticks() {
  try {
    const line = readFileSync('/proc/stat', 'utf8').split('\n')[0]
    const times = line.trim().split(/\s+/).slice(1, 9).map(Number)
    const all = times.reduce((sum, time) => sum + time, 0)
    // Waiting for a disk counts as idle, too.
    return { steal: times[7], idle: times[3] + times[4], all }
  } catch {
    return undefined
  }
}

export class Machine {
  #before = ticks()
  #load = loadavg()
  #started = new Date()
  /** What others did while we did nothing, before and after. */
  #others = []

  /** Does nothing for a while, to see what others do. */
  async listen() {
    const before = ticks()
    await new Promise((resolve) => setTimeout(resolve, LISTEN))
    const after = ticks()
    if (!before || !after) return
    this.#others.push(1 - (after.idle - before.idle) / Math.max(1, after.all - before.all))
  }

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
      others: this.#others.map((part) => Number(part.toFixed(2))),
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
    for (const [at, part] of this.#others.entries()) {
      if (part > NOISY_OTHERS) {
        const when = at === 0 ? 'before' : 'after'
        reasons.push(`others used ${(100 * part).toFixed(0)} % of the processors just ${when} it`)
      }
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
