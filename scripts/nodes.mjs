// npm run test:nodes: the JavaScript tests under each supported version of Node.js, one after the
// other, with the addon that was built once. `npm run test:nodes -- 22 26` runs these versions alone.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { fail, root, run } from './lib.mjs'
import { buildSamples } from './samples.mjs'

const VERSIONS = ['20', '22', '24', '26']

const versions = process.argv.length > 2 ? process.argv.slice(2) : VERSIONS
const folder = join(root, 'target', 'nodes')
const binary = (version) => join(folder, 'node_modules', `node${version}`, 'bin', 'node')

const missing = versions.filter((version) => !existsSync(binary(version)))
if (missing.length > 0) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const packages = missing.map((version) => `node${version}@npm:node@${version}`)
  if (!run('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: folder }).ok) {
    fail(`could not install Node.js ${missing.join(', ')} from npm`)
  }
}

build()
buildSamples()
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
const results = versions.map((version) => {
  console.log(`\n=== Node.js ${run(binary(version), ['--version'], { quiet: true }).output.trim()}`)
  return { version, ok: run(binary(version), [ava]).ok }
})
console.log()
for (const { version, ok } of results)
  console.log(`${ok ? 'passed' : 'FAILED'}  Node.js ${version}`)
process.exit(results.every(({ ok }) => ok) ? 0 : 1)
