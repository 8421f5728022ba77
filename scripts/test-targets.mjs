// npm run test:targets: mmfile-core's tests as they run with another C library, and on another processor
// under qemu-user; on one Debian machine with an x64 processor.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildTests, installFromDebian, prepare } from './lib/cross.mjs'
import { fail, root, run } from './lib/run.mjs'
import { GLIBC } from './platforms.mjs'

/** Tests that qemu-user cannot run: it has no robust lists, so that no death is reported. */
const NO_DEATHS = ['a_dead_holder_leaves_it_usable']
const NO_DEATHS_AT_ALL = {
  kills: 'every test is about the death of a holder',
  foreign: 'Python is of this machine',
  hostile: 'half of it is what a dead holder left',
  raw_sync_faults: 'it is about the death of a holder',
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
    leftOut: {},
  },
  {
    name: 'arm64',
    title: 'arm64, glibc, under qemu-user',
    build: { target: 'aarch64-unknown-linux-gnu', glibc: GLIBC, flags: [] },
    apt: ['qemu-user', 'libc6-arm64-cross', 'libgcc-s1-arm64-cross'],
    emulator: ['/usr/bin/qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'],
    leftOut: NO_DEATHS_AT_ALL,
    skipped: NO_DEATHS,
  },
]

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } })
const chosen = TARGETS.filter(({ name }) => values.only?.includes(name) ?? true)
if (chosen.length === 0) fail(`--only ${TARGETS.map(({ name }) => name).join(' or ')}`)
installFromDebian(chosen.flatMap(({ apt = [] }) => apt))
prepare([])

const rows = []
for (const { title, build, emulator = [], leftOut, skipped = [] } of chosen) {
  console.log(`\n=== ${title}: building …`)
  const tests = buildTests(build) ?? fail(`the tests for ${title} do not compile`)
  for (const { name, file } of tests) {
    if (name === 'models') continue // they run in loom's world
    if (leftOut[name]) {
      rows.push({ title, name, state: `left out: ${leftOut[name]}` })
      continue
    }
    const [command, ...args] = [...emulator, file, ...skipped.flatMap((test) => ['--skip', test])]
    const env = { MMFILE_TEST_EMULATOR: emulator.join(' ') }
    const options = { cwd: join(root, 'crates', 'mmfile-core'), env, quiet: true }
    const { ok, output } = run(command, args, options)
    const [, passed, left] = /(\d+) passed;.* (\d+) filtered out/.exec(output) ?? []
    if (!ok) console.log(output)
    const without = left > 0 ? `, without ${skipped.join(', ')}: it is about a death` : ''
    const state = ok ? `${passed} passed${without}` : 'FAILED'
    rows.push({ title, name, state, failed: !ok })
    console.log(`${name}: ${state}`)
  }
}
console.log('\n=== summary')
for (const { title, name, state } of rows)
  console.log(`${title.padEnd(32)}${name.padEnd(18)}${state}`)
process.exit(rows.some(({ failed }) => failed) ? 1 : 0)
