// npm run bench: everything against everything in one run. --quick takes under two minutes; --only
// NAME measures one section; --guard fails on a quiet machine where something has become much slower.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../scripts/lib/run.mjs'
import { GUARDED, guard } from './lib/guard.mjs'
import { Machine } from './lib/machine.mjs'
import { useTinybench } from './lib/micro.mjs'
import { Report } from './lib/report.mjs'
import { setUp } from './lib/setup.mjs'
import { jobs } from './tables/jobs.mjs'
import { locks } from './tables/locks.mjs'
import { oneWay } from './tables/one-way.mjs'
import { opening } from './tables/opening.mjs'
import { placement } from './tables/placement.mjs'
import { before } from './tables/previous.mjs'
import { readers } from './tables/readers.mjs'
import { requests } from './tables/requests.mjs'
import { roundTrip } from './tables/round-trip.mjs'
import { rust } from './tables/rust.mjs'
import { segments } from './tables/segments.mjs'
import { systemCalls } from './tables/system-calls.mjs'
import { values } from './tables/values.mjs'
import { writers } from './tables/writers.mjs'

const SECTIONS = {
  trip: roundTrip,
  placement,
  requests,
  jobs,
  way: oneWay,
  locks,
  opening,
  values,
  calls: systemCalls,
  segments,
  writers,
  readers,
  rust,
  before,
}
/** What --quick leaves out, unless it is named: it takes minutes to build, or to measure. */
const LONG = ['rust', 'before']
/** How often each side has its turn, and how long they may take together. */
const TURNS = { quick: { rounds: 5, seconds: 5 }, full: { rounds: 9, seconds: 12 } }

const USAGE = `Usage: npm run bench [-- OPTIONS]

  --quick       fewer sizes, rounds and kills, without ${LONG.join(', ')}
  --only NAME   one section, of ${Object.keys(SECTIONS).join(', ')}; can be repeated
  --guard       fails if something has become much slower
  --help        this text`

const options = understand()

function understand() {
  try {
    const { values: given } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        guard: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true },
      },
    })
    const unknown = given.only?.filter((name) => !Object.hasOwn(SECTIONS, name)) ?? []
    if (unknown.length > 0) throw new Error(`there is no section ${unknown.join(', ')}`)
    if (given.guard && given.only) throw new Error('--guard chooses its sections itself')
    if (given.help) {
      console.log(USAGE)
      process.exit(0)
    }
    return given
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`)
    process.exit(2)
  }
}
const usual = () => Object.keys(SECTIONS).filter((name) => !quick || !LONG.includes(name))
const quick = options.quick || options.guard
const chosen = options.only ?? (options.guard ? GUARDED : usual())
// What is in part does not replace the whole.
const whole = !options.guard && options.only === undefined

const { mmfile, peers, floor, missing, versions } = await setUp(chosen, quick)
useTinybench(peers.tinybench)
const machine = new Machine()
const report = new Report()
const context = {
  quick,
  turns: quick ? TURNS.quick : TURNS.full,
  mmfile,
  peers,
  floor,
  report,
  /** A peer that fails is reported; what is measured, or measured against everywhere, may not. */
  leaveOut(name, where, error) {
    if (/^(socket|mmfile|channel)/.test(name)) throw error
    report.note(`${where}: ${name} failed and was left out (${error.message.split('\n')[0]})`)
  },
  /** Whether that peer could be had; what needs none always can. */
  has: (peer) => peer === undefined || peer in peers,
}

// So that nothing is left behind, whoever stops it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

console.log('Measuring:')
await machine.listen()
const times = []
let failed = 0
for (const name of chosen) {
  const started = performance.now()
  try {
    await SECTIONS[name](context)
  } catch (error) {
    // The rest is worth knowing all the same.
    failed += 1
    console.error(error)
    report.note(`the section "${name}" failed: ${error.message}`)
  }
  times.push((performance.now() - started) / 1000)
}
if (whole) report.completeGoals()
if (quick && whole) {
  const left = [...LONG, 'the memory of 10 million messages', 'messages of other sizes']
  report.note(`a quick run leaves out ${left.join(', ')}, and ways that no goal is about`)
}
const all = times.reduce((sum, time) => sum + time, 0)
const each = chosen.map((name, at) => `${name} ${times[at].toFixed(0)}`)
report.note(`measuring took ${all.toFixed(0)} s: ${each.join(', ')}`)

await machine.listen()

const command = [
  'npm run bench',
  ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []),
]
const verdict = machine.verdict(report.floors)
const facts = {
  command: command.join(' '),
  quick,
  machine: machine.describe(),
  verdict,
  versions,
  missing,
}
report.write(join(root, 'bench', 'results'), whole ? 'latest' : 'part', facts)
console.log(`\n${report.text(facts)}`)

if (options.guard) {
  if (verdict.quiet) {
    const complaints = guard(report.goals, missing)
    for (const complaint of complaints) console.log(`The guard: ${complaint}.`)
    if (complaints.length === 0) console.log('The guard has nothing to say.')
    else failed += 1
  } else {
    console.log('The guard does not tell: the machine was not quiet.')
  }
}
process.exit(failed === 0 ? 0 : 1)
