// npm run sanitize: JavaScript tests with the addon built under AddressSanitizer. `npm run sanitize -- FILE …`
// runs other test files than the chosen ones. It takes Linux, gcc's libasan, and some minutes.

import { join } from 'node:path'
import { build } from './build.mjs'
import { sanitized } from './lib/asan.mjs'
import { fail, root, run } from './lib/run.mjs'

/** The tests that touch memory in every way. */
const TESTS = [
  'api/close',
  'api/values',
  'api/capacity',
  'api/write-append',
  'api/views',
  'api/view-memory',
  'lock/file-lock',
  'lock/lock-across-awaits',
  'wait/wait-for',
  'wait/segments',
  'api/sealing',
  'crash/workers',
  'crash/hostile-memory',
  'api/misuse',
  'crash/misuse-processes',
  'channel/receive',
  'channel/exclusive-writer',
  'channel/hostile-channel-memory',
].map((name) => `__test__/${name}.test.mjs`)

build()
const chosen = process.argv.length > 2 ? process.argv.slice(2) : TESTS
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
let passed = false
const silent = sanitized((env) => {
  const rounds = { MMFILE_TEST_ROUNDS: process.env.MMFILE_TEST_ROUNDS ?? '0.1' }
  const args = [ava, '--timeout=10m', '--serial', ...chosen]
  passed = run(process.execPath, args, { env: { ...env, ...rounds } }).ok
})
if (!silent) process.exit(1)
if (!passed) fail('AddressSanitizer reported nothing, but not all tests passed.')
console.log(`AddressSanitizer: no report from ${chosen.length} test files`)
