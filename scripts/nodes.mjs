// npm run test:nodes: the JavaScript tests under each supported version of Node.js, one after the
// other, with the addon that was built once. `npm run test:nodes -- 22 26` runs these versions alone,
// `-- here` the one that runs this, `-- musl` one for musl, on a Debian machine; `--test 40-wait` runs
// that test file alone.

import { copyFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { buildAddon, prepare } from './cross.mjs'
import { musl } from './emulated.mjs'
import { fail, root, run } from './lib.mjs'
import { platformOf } from './platforms.mjs'
import { NODE_VERSIONS, nodes } from './runtimes.mjs'
import { buildSamples } from './samples.mjs'

const { values, positionals } = parseArgs({
  options: { test: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
})
const wanted = positionals.length > 0 ? positionals : NODE_VERSIONS
const files = values.test.map((name) => `__test__/**/${name}.test.mjs`)
const here = { name: `Node.js ${process.versions.node}`, command: process.execPath }

function runtimes() {
  if (wanted.includes('here')) return [here]
  const versions = wanted.filter((name) => name !== 'musl')
  return [...nodes(versions), ...(wanted.includes('musl') ? musl() : [])]
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
buildSamples()
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
const results = chosen.map((runtime) => {
  const { name, command, env } = runtime
  const version = run(command, ['--version'], { quiet: true, env }).output.trim()
  console.log(`\n=== ${name}, ${version}`)
  const own = runtime.libc ? addonFor(runtime) : undefined
  if (own) console.log(`with ${basename(own)}`)
  const { ok } = run(command, [ava, ...files], { env })
  // Beside this machine's own it would be taken for it.
  if (own) rmSync(own)
  return { name, ok }
})
console.log()
for (const { name, ok } of results) console.log(`${ok ? 'passed' : 'FAILED'}  ${name}`)
process.exit(results.every(({ ok }) => ok) ? 0 : 1)
