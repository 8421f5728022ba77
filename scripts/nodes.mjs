// npm run test:nodes: the JavaScript tests under each supported version of Node.js, one after the
// other, with the addon that was built once. `npm run test:nodes -- 22 26` runs these versions alone,
// `-- here` the one that runs this.

import { join } from 'node:path'
import { build } from './build.mjs'
import { root, run } from './lib.mjs'
import { NODE_VERSIONS, nodes } from './runtimes.mjs'
import { buildSamples } from './samples.mjs'

const wanted = process.argv.length > 2 ? process.argv.slice(2) : NODE_VERSIONS
const here = { version: process.versions.node, command: process.execPath }
const chosen = wanted.includes('here') ? [here] : nodes(wanted)

build()
buildSamples()
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
const results = chosen.map(({ command, version }) => {
  console.log(`\n=== Node.js ${run(command, ['--version'], { quiet: true }).output.trim()}`)
  return { version, ok: run(command, [ava]).ok }
})
console.log()
for (const { version, ok } of results)
  console.log(`${ok ? 'passed' : 'FAILED'}  Node.js ${version}`)
process.exit(results.every(({ ok }) => ok) ? 0 : 1)
