// npm run kills -- --kills 10000: writers under load that are killed at random moments, and a checker that
// knows what every append returned. Prints kills, recoveries, lost, duplicated and the worst wait.

import { parseArgs } from 'node:util'
import { run } from './lib/run.mjs'

/** The kills of one run of the test. */
const RUN = 220

const { values } = parseArgs({ options: { kills: { type: 'string', default: '10000' } } })
const kills = Number(values.kills)
if (!Number.isInteger(kills) || kills < 1) {
  console.error('--kills is a whole number above 0')
  process.exit(2)
}
const test = 'kills::random::killed_at_random_under_load'
const { status } = run(
  'cargo',
  [
    ...['test', '--release', '-p', 'mmfile-core', '--features', 'fault-points', '--test', 'kills'],
    ...['--', '--exact', test, '--nocapture'],
  ],
  { env: { MMFILE_TEST_ROUNDS: String(Math.ceil(kills / RUN)) } },
)
process.exit(status)
