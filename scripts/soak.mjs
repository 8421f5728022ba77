// npm run soak -- --minutes 10 [--kind channels [--messages 10000000]]: eight processes do everything at once while
// half of them are killed over and over; at the end nothing was lost, and the others have as much of the machine as at
// the start.

import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { start } from '../__test__/support/child.mjs'
import { randoms } from '../__test__/support/files.mjs'
import { MmFile, sweep } from '../dist/index.js'
import { soakChannels } from './soak-channels.mjs'
import { judge, TOLERANCE } from './soak-figures.mjs'

const SURVIVORS = 4
const MORTALS = 4
const CAPACITY = 1 << 18
/** How many eras stay open, so that no late process creates one of them again. */
const HELD = 16

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    kind: { type: 'string', default: 'files' },
    messages: { type: 'string', default: '0' },
  },
})
const seconds = values.minutes ? Number(values.minutes) * 60 : Number(values.seconds)
if (values.kind === 'channels') process.exit(await soakChannels(seconds, Number(values.messages)))
const unique = `${process.env.MMFILE_TEST_RUN ?? 'mmsoak'}-${process.pid}-`
const prefixes = { data: `${unique}data-`, mutex: `${unique}lock-` }
const random = randoms(process.pid)
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time))
const problems = []
const totals = { operations: 0, recovered: 0, appends: 0, kills: 0 }

/** Reads everything that is appended, in one era after the other, and knows what was told. */
class Checker {
  lost = 0
  duplicated = 0
  era = 0
  #next = 0
  #seen = new Map()
  #told = new Map()
  #files = [0, 1].map((era) => this.#open(era))
  #old = []

  #open(era) {
    return MmFile.createOrOpen(`era-${era}`, CAPACITY, { prefixes })
  }

  told(writer, number) {
    this.#told.set(writer, number)
  }

  read() {
    for (;;) {
      const [file] = this.#files
      const sealed = file.sealed // before the length: what comes between is read the next time
      for (const length = file.length; this.#next < length; this.#next += 1) {
        const [writer, number] = JSON.parse(file.read(this.#next))
        const expected = this.#seen.get(writer) ?? 0
        if (number < expected) this.duplicated += 1
        if (number > expected) this.lost += number - expected
        this.#seen.set(writer, Math.max(expected, number + 1))
        totals.appends += 1
      }
      if (!sealed) return
      totals.recovered += file.recovered
      this.#old.push(file)
      if (this.#old.length > HELD) this.#old.shift().close()
      this.era += 1
      this.#files = [this.#files[1], this.#open(this.era + 1)]
      this.#next = 0
    }
  }

  end() {
    this.read()
    for (const [writer, number] of this.#told) {
      this.lost += Math.max(0, number - (this.#seen.get(writer) ?? 0))
    }
    for (const file of [...this.#old, ...this.#files]) file.close()
  }
}

/** One process, and the last that it said. */
class Soaker {
  static #writers = 0
  #done = { operations: 0, recovered: 0, number: 0 }
  measured = []

  constructor(checker) {
    const options = { node: ['--expose-gc', '--max-semi-space-size=2'] }
    Soaker.#writers += 1
    this.writer = String(Soaker.#writers)
    const args = [prefixes.data, prefixes.mutex, checker.era, this.writer]
    this.child = start({ teardown() {} }, 'soakers', 'soak', args, options)
    this.ended = this.#listen(checker)
  }

  async #listen(checker) {
    for await (const said of this.child.said()) {
      if (said.measured) this.measured.push(said.measured)
      if (said.number === undefined) continue
      this.#done = said
      checker.told(this.writer, said.number)
    }
    totals.operations += this.#done.operations
    totals.recovered += this.#done.recovered
    return this.child.exited
  }

  async measure() {
    const before = this.measured.length
    this.child.tell('measure')
    while (this.measured.length === before && !this.over) await pause(20)
  }

  /** Must end by itself, when it is asked to. */
  async end() {
    this.child.tell('end')
    const { code } = await this.ended
    if (code !== 0) problems.push(`a process ended with ${code}\n${this.child.stderr}`)
  }
}

const objects = () => readdirSync('/dev/shm').filter((name) => name.includes(unique))
const checker = new Checker()
const survivors = Array.from({ length: SURVIVORS }, () => new Soaker(checker))
const mortals = Array.from({ length: MORTALS }, () => new Soaker(checker))
for (const soaker of survivors) {
  soaker.ended.then(() => {
    soaker.over = true
  })
}
const reader = setInterval(() => checker.read(), 20)
const started = Date.now()
const elapsed = () => (Date.now() - started) / 1000
// The runtimes grow into their sizes first.
const warm = Math.min(60, seconds / 3)
let measured = false
while (elapsed() < seconds) {
  await pause(30 + random(150))
  const at = random(MORTALS)
  if (mortals[at].child.signal('SIGKILL')) totals.kills += 1
  const { code, signal } = await mortals[at].ended
  if (signal !== 'SIGKILL')
    problems.push(`it ended (${signal ?? code})\n${mortals[at].child.stderr}`)
  mortals[at] = new Soaker(checker)
  if (!measured && elapsed() > warm) {
    measured = true
    await Promise.all(survivors.map((soaker) => soaker.measure()))
  }
  if (survivors.some(({ over }) => over)) break
}
await Promise.all([...survivors, ...mortals].map((soaker) => soaker.end()))
clearInterval(reader)
checker.end()
sweep({ prefixes, prefix: `${prefixes.mutex}shared-` })
const left = objects()
report()

function report() {
  const { operations, kills, recovered, appends } = totals
  console.log(
    `${elapsed().toFixed(0)} s, ${SURVIVORS + MORTALS} processes: ${operations} operations, ` +
      `${appends} segments in ${checker.era + 1} files, ${kills} kills, ${recovered} recoveries, ` +
      `${checker.lost} lost, ${checker.duplicated} duplicated`,
  )
  survivors.forEach(({ measured }, at) => {
    judge(`survivor ${at + 1}`, measured, problems)
  })
  console.log(`objects in shared memory: 0 → ${left.length}; memory may grow by ${TOLERANCE} MiB`)
  if (left.length > 0) problems.push(`left behind: ${left.join(', ')}`)
  if (checker.lost + checker.duplicated > 0) problems.push('appends were lost or duplicated')
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length > 0 ? 1 : 0
}
