// npm run test:targets: mmfile-core's tests as they run with another C library, and on another processor
// under qemu-user; on one Debian machine with an x64 processor. `--only musl` runs those of one target alone, and
// `--test kills` that file alone.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildTests, installFromDebian, prepare } from './lib/cross.mjs'
import { fail, root, run } from './lib/run.mjs'
import { GLIBC } from './platforms.mjs'

const NO_DEATH = 'qemu-user reports no death'
const NO_LIST = 'it takes the robust list away, which qemu-user does not have'

/** Tests and their files that qemu-user cannot run, and the reasons. */
const NOT_UNDER_QEMU = {
  files: {
    kills: NO_DEATH,
    foreign: 'Python is of this machine',
    hostile: 'half of it is what a dead holder left, and qemu-user reports no death',
    raw_sync_faults: NO_DEATH,
    environment: 'qemu-user installs no filter of system calls, and answers 0 to each madvise',
  },
  tests: {
    a_dead_holder_leaves_it_usable: NO_DEATH,
    a_death_that_the_kernel_does_not_report_is_found: NO_LIST,
    a_lock_word_that_names_the_waiter_itself_is_no_lock_of_its_own: NO_LIST,
    half_a_size_word_is_none: 'it takes more than ten minutes',
    'stress::': 'a process starts too slowly for the number of kills that it requires',
  },
}

const TARGETS = [
  {
    name: 'musl',
    title: 'x64, static musl',
    build: {
      target: 'x86_64-unknown-linux-musl',
      flags: [
        ...['-C', 'target-feature=+crt-static', '-C', 'link-self-contained=no'],
        ...['-C', 'relocation-model=static'],
      ],
    },
    leftOut: { files: {}, tests: {} },
  },
  {
    name: 'arm64',
    title: 'arm64, glibc, under qemu-user',
    build: { target: 'aarch64-unknown-linux-gnu', glibc: GLIBC, flags: [] },
    apt: ['qemu-user', 'libc6-arm64-cross', 'libgcc-s1-arm64-cross'],
    emulator: ['/usr/bin/qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'],
    leftOut: NOT_UNDER_QEMU,
  },
]

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    test: { type: 'string', multiple: true },
  },
})
const chosen = TARGETS.filter(({ name }) => values.only?.includes(name) ?? true)
if (chosen.length === 0) fail(`--only ${TARGETS.map(({ name }) => name).join(' or ')}`)
installFromDebian(chosen.flatMap(({ apt = [] }) => apt))
prepare([])

const rows = []
for (const { title, build, emulator = [], leftOut } of chosen) {
  console.log(`\n=== ${title}: building …`)
  const skipped = Object.entries(leftOut.tests)
  for (const [test, reason] of skipped) console.log(`left out: ${test}: ${reason}`)
  const tests = buildTests(build) ?? fail(`the tests for ${title} do not compile`)
  for (const { name, file } of tests) {
    if (name === 'models') continue // they run in loom's world
    if (values.test && !values.test.includes(name)) continue
    if (leftOut.files[name]) {
      rows.push({ title, name, state: `left out: ${leftOut.files[name]}` })
      continue
    }
    const [command, ...args] = [...emulator, file, ...skipped.flatMap(([test]) => ['--skip', test])]
    const env = { MMFILE_TEST_EMULATOR: emulator.join(' ') }
    const options = { cwd: join(root, 'crates', 'mmfile-core'), env, quiet: true }
    const { ok, output } = run(command, args, options)
    const [, passed, left] = /(\d+) passed;.* (\d+) filtered out/.exec(output) ?? []
    if (!ok) console.log(output)
    const without = left > 0 ? `, ${left} left out` : ''
    const state = ok ? `${passed} passed${without}` : 'FAILED'
    rows.push({ title, name, state, failed: !ok })
    console.log(`${name}: ${state}`)
  }
}
console.log('\n=== summary')
for (const { title, name, state } of rows)
  console.log(`${title.padEnd(32)}${name.padEnd(18)}${state}`)
process.exit(rows.some(({ failed }) => failed) ? 1 : 0)
