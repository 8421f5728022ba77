// npm run test:windows: builds for Windows and runs the tests under Wine, on a Debian machine. Wine is
// not Windows: what passes here is evidence, and docs/platforms.md says what was run.
// `--only core` or `--only addon` does one half; `--node 22` takes another Node.js; `--test wait-for` runs
// that test file alone.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { fail, root } from './lib/run.mjs'
import { buildSamplesAndTests } from './lib/samples.mjs'
import { cargo, folder, node, setup, TARGET, windows, wine } from './lib/wine.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    node: { type: 'string', default: '20' },
    test: { type: 'string', multiple: true },
  },
})

const NO_NPM = 'it packs the package by npm, which is not there'
/** Test files that Wine cannot run, and the reasons. */
const NOT_UNDER_WINE = { packages: NO_NPM, pages: NO_NPM }

const results = []
const note = (name, ok, text) => results.push(`${ok ? 'passed' : 'FAILED'}  ${name}: ${text}`)

function core() {
  const features = ['-p', 'mmfile-core', '--features', 'fault-points']
  const built = cargo(['test', ...features, '--no-run', '--message-format=json'], { quiet: true })
  if (!built.ok) fail(built.output)
  const programs = built.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ profile, executable }) => profile?.test && executable)
  for (const { target, executable } of programs) {
    if (values.test && !values.test.includes(target.name)) continue
    console.log(`\n=== ${target.name}`)
    const done = wine(executable, ['--test-threads=1'], {
      quiet: true,
      cwd: join(root, 'crates', 'mmfile-core'),
    })
    console.log(done.output)
    const summary = /test result: \w+\. (.*?);? finished in (.*)/.exec(done.output)
    note(target.name, done.ok, summary ? `${summary[1]} in ${summary[2].trim()}` : 'no result')
  }
}

function addon(version) {
  build()
  buildSamplesAndTests()
  if (!cargo(['build', '--release', '-p', 'mmfile-node']).ok) fail('The addon could not be built.')
  // Where the loader looks for it, also when a test copies the package elsewhere.
  const binary = join(root, 'mmfile.win32-x64-msvc.node')
  copyFileSync(join(folder, TARGET, 'release', 'mmfile_node.dll'), binary)
  const program = node(version)
  const ava = windows(join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs'))
  const output = join(folder, `ava-${version}`)
  mkdirSync(output, { recursive: true })
  const hidden = windows(join(root, 'scripts', 'lib', 'no-linux.cjs'))
  const files = ['__test__', 'samples/test'].flatMap((place) =>
    readdirSync(join(root, place), { recursive: true }).map((name) => `${place}/${name}`),
  )
  try {
    for (const file of files.filter((name) => name.endsWith('.test.mjs')).sort()) {
      const name = basename(file, '.test.mjs')
      if (values.test && !values.test.includes(name)) continue
      if (NOT_UNDER_WINE[name]) {
        console.log(`=== ${name}: left out: ${NOT_UNDER_WINE[name]}`)
        continue
      }
      console.log(`=== Node.js ${version}: ${name}`)
      const printed = join(output, name)
      const done = wine(program, [ava, '--tap', '--concurrency', '1', file], {
        files: printed,
        env: { NODE_OPTIONS: `--require=${hidden}` },
      })
      const lines = readFileSync(`${printed}.out`, 'utf8').split('\n')
      const failed = lines.filter((line) => line.startsWith('not ok'))
      for (const line of failed) console.log(line)
      const passed = lines.filter((line) => /^ok (?!.*# SKIP)/.test(line)).length
      const skipped = lines.filter((line) => /^ok .*# SKIP/.test(line)).length
      const text = `${passed} passed, ${failed.length} failed, ${skipped} skipped`
      note(`Node.js ${version}, ${name}`, done.ok, text)
    }
  } finally {
    rmSync(binary)
  }
}

setup()
if (values.only !== 'addon') core()
if (values.only !== 'core') addon(values.node)
console.log(`\n${results.join('\n')}`)
process.exit(results.every((line) => line.startsWith('passed')) ? 0 : 1)
