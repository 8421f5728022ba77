// npm run test:nodes: the JavaScript tests under each supported version of Node.js, one after the
// other, with the addon that was built once. `npm run test:nodes -- 22 26` runs these versions alone,
// `-- here` the one that runs this; on a Debian machine `-- musl` one for musl, and `-- arm64` one for arm64
// under qemu-user; `--test wait-for` runs that test file alone.

import { copyFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { buildAddon, prepare } from './lib/cross.mjs'
import { arm64, musl } from './lib/emulated.mjs'
import { fail, root, run } from './lib/run.mjs'
import { buildSamplesAndTests } from './lib/samples.mjs'
import { platformOf } from './platforms.mjs'
import { NODE_VERSIONS, nodes } from './runtime-versions.mjs'

const { values, positionals } = parseArgs({
  options: { test: { type: 'string', multiple: true } },
  allowPositionals: true,
})
const wanted = positionals.length > 0 ? positionals : NODE_VERSIONS
const files = (values.test ?? ['*']).map((name) => `{__test__,samples/test}/**/${name}.test.mjs`)
const here = { name: `Node.js ${process.versions.node}`, command: process.execPath }

const emulated = { musl, arm64: () => arm64(['22']) }

const PRELOADED = 'calls that make room are interrupted: *'

/** Tests that cannot run with a processor or a C library, by their titles or files, and the reasons. */
const LEFT_OUT = {
  arm64: {
    'a death is not reported: qemu-user has no robust lists': [
      '*kill*',
      '*dead*',
      '*at a death*',
      '*with the lock*',
      '*bandon*',
      '*OwnerDead*',
      '*robust*',
      'the next section reports it, also after *',
    ],
    'qemu-user shows neither resident memory nor its own threads': [
      'resident memory is down after *',
      'iterations that are ended while they wait: *',
    ],
    'it takes longer than a user waits': [
      'samples/test/both-programs.test.mjs',
      'inspect shows the file and its segments',
      'inspect and cat show a part of a file, of millions of segments just as quickly',
    ],
    'its other side is a Python of this machine': ['__test__/docs/memory-layout.test.mjs'],
    'its shell starts the Node.js of this machine': ['__test__/docs/cookbook.test.mjs'],
    'the library that it preloads is of this machine': [PRELOADED],
  },
  musl: {
    'the library that it preloads is for glibc': [PRELOADED],
    'its tools are installed for glibc': ['testing.md does *', 'bundling.md does *'],
  },
}

/** ava's arguments for leaving out what cannot run with a runtime. */
function leavingOut({ cpu, libc }) {
  const reasons = LEFT_OUT[cpu === 'arm64' ? cpu : libc] ?? {}
  return Object.entries(reasons).flatMap(([reason, patterns]) => {
    console.log(`left out: ${patterns.join(', ')}: ${reason}`)
    return patterns.map((one) => (one.endsWith('.test.mjs') ? `!${one}` : `--match=!${one}`))
  })
}

function runtimes() {
  if (wanted.includes('here')) return [here]
  const versions = wanted.filter((name) => !(name in emulated))
  const others = wanted.filter((name) => name in emulated).flatMap((name) => emulated[name]())
  return [...nodes(versions), ...others]
}

/** Builds the addon for a runtime's C library and puts it where the loader looks first. */
function addonFor(machine) {
  const one = platformOf(machine)
  prepare([one])
  const binary = buildAddon(one) ?? fail(`the addon for ${one.title} does not compile`)
  const place = join(root, `mmfile.${one.platform}.node`)
  copyFileSync(binary, place)
  return place
}

const chosen = runtimes()
build()
buildSamplesAndTests()
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
const results = chosen.map((runtime) => {
  const { name, command, env } = runtime
  const version = run(command, ['--version'], { quiet: true, env }).output.trim()
  console.log(`\n=== ${name}, ${version}`)
  const own = runtime.libc ? addonFor(runtime) : undefined
  if (own) console.log(`with ${basename(own)}`)
  const leftOut = leavingOut(runtime)
  const { ok } = run(command, [ava, ...files, ...leftOut], { env })
  // Beside this machine's own it would be taken for it.
  if (own) rmSync(own)
  return { name, ok }
})
console.log()
for (const { name, ok } of results) console.log(`${ok ? 'passed' : 'FAILED'}  ${name}`)
process.exit(results.every(({ ok }) => ok) ? 0 : 1)
