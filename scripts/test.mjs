// npm test: everything that has to be true of the repository, step by step. `--only NAME` runs one step;
// `--quick`, which is npm run test:quick, the steps that take less than a minute after a build.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { build, NAPI } from './build.mjs'
import { fuzz, TARGETS } from './fuzz.mjs'
import { rollUp } from './lib/declarations.mjs'
import { stageMain, wellFormed } from './lib/pack.mjs'
import { root, run, start } from './lib/run.mjs'
import { buildSamplesAndTests } from './lib/samples.mjs'
import { structureFaults } from './lib/structure.mjs'
import { compilers } from './runtime-versions.mjs'
import { testNats } from './test-nats.mjs'
import { versionFaults } from './version-set.mjs'

const FEATURES = 'mmfile-core/fault-points'

/** A part of the names of this run's objects in shared memory. */
const RUN = `mmrun${process.pid}`
process.env.MMFILE_TEST_RUN = RUN

/** A command as a step. */
const command =
  (name, ...args) =>
  () =>
    runTests(name, args)

/** Lines by which ava and cargo name a test that failed, and where. */
const FAULT = /✘|✖|\.\.\. FAILED$|panicked at|Timed out/

/** The lines of the step under way that say what failed: the summary repeats them. */
let faults = []

/** Runs a command that tests something, and returns whether it passed. Its output is printed as it comes. */
async function runTests(name, args, options) {
  const { ok, output } = await start(name, args, options)
  if (ok) return true
  const lines = stripVTControlCharacters(output).split('\n')
  // A panic says why on the line behind it.
  const said = lines.filter(
    (line, at) => FAULT.test(line) || lines[at - 1]?.includes('panicked at'),
  )
  faults.push(...new Set(said.map((line) => line.trim())))
  return false
}

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean' } },
})

/** The steps of `--quick`, and which tests it runs: some of each subject that take no long. */
const QUICK = {
  steps: [
    'rust format',
    'typescript and javascript style',
    'versions and platform packages are in step',
    'the structure of the core',
    'rust tests',
    'the addon and the TypeScript build',
    'unused packages and exports',
    'javascript tests',
  ],
  rust: ['--lib', '--test', 'conformance', '--test', 'ring', '--test', 'ids'],
  javascript: [
    'api/{arguments,capacity,create-open,list-sweep,sealing,values,write-append}',
    'channel/{open,send,receive,groups}',
    'lock/{file-lock,named-mutex}',
    'wait/{wait-for,segments}',
    'cli/channel-commands',
  ].map((names) => `__test__/${names}.test.mjs`),
}

const steps = {
  'rust format': () =>
    run('cargo', ['fmt', '--all', '--check']).ok &&
    run('cargo', ['fmt', '--manifest-path', 'bench/floor/Cargo.toml', '--check']).ok &&
    run('cargo', ['fmt', '--check'], { cwd: join(root, 'fuzz') }).ok,
  'typescript and javascript style': command('biome', 'ci', '.'),
  'versions and platform packages are in step': () => noneOf(versionFaults()),
  'the structure of the core': () => noneOf(structureFaults()),
  'clippy, with unused dependencies': command(
    'cargo',
    ...['clippy', '--workspace', '--all-targets', '--features', FEATURES, '--', '-D', 'warnings'],
  ),
  rustdoc: () =>
    run('cargo', ['doc', '--workspace', '--no-deps'], { env: { RUSTDOCFLAGS: '-D warnings' } }).ok,
  'rust tests': command(
    'cargo',
    ...[
      'test',
      '-p',
      'mmfile-core',
      '--features',
      'fault-points',
      ...(values.quick ? QUICK.rust : []),
    ],
  ),
  // The code of macOS, on this system's files: see docs/decisions/0012-macos.md.
  'portable tests': () => {
    const folder = join(process.env.CARGO_TARGET_DIR ?? 'target', 'portable')
    const args = ['-p', 'mmfile-core', '--features', 'fault-points', '--target-dir', folder]
    const env = { RUSTFLAGS: '--cfg mmfile_portable' }
    return process.platform !== 'linux' || runTests('cargo', ['test', ...args], { env })
  },
  'protocol models': () => {
    const folder = join(process.env.CARGO_TARGET_DIR ?? 'target', 'models')
    const args = ['-p', 'mmfile-core', '--profile', 'models', '--target-dir', folder]
    const env = { RUSTFLAGS: '--cfg loom' }
    return runTests('cargo', ['test', ...args, '--test', 'models'], { env })
  },
  'fuzz, bounded': () => fuzz({ seconds: 20, targets: TARGETS }),
  'the addon and the TypeScript build': () => {
    build()
    return true
  },
  'generated files are current': generatedFilesAreCurrent,
  'the samples build': () => {
    buildSamplesAndTests()
    return true
  },
  'types, as a program sees them': typesAreRight,
  'types of the screen': command('tsc', '-p', 'src/cli/top/screen'),
  'unused packages and exports': command('knip'),
  'the package is well-formed': () => wellFormed(stageMain, 'dist'),
  'javascript tests': command('ava', ...(values.quick ? QUICK.javascript : [])),
  // Where the kernel has no io_uring, or may not be asked for it, threads wait.
  'javascript tests of waiting, with threads': () =>
    runTests('ava', ['__test__/wait/*.test.mjs', '__test__/crash/{exits,workers}.test.mjs'], {
      env: { UV_USE_IO_URING: '0' },
    }),
  // Every operation of a channel goes through native code.
  'javascript tests of channels, natively': () =>
    runTests('ava', ['__test__/channel/*.test.mjs'], { env: { MMFILE_NATIVE: '1' } }),
  'the bridge to NATS': () => testNats(),
  // Without a separate folder, the tests create objects as programs do by default.
  "javascript tests in the system's folder": () =>
    runTests('ava', ['__test__/api/*.test.mjs'], { env: { MMFILE_DIRECTORY: '' } }),
  'soak, bounded': command('node', 'scripts/soak.mjs', '--seconds', '60'),
  'soak of channels, bounded': command(
    'node',
    'scripts/soak.mjs',
    '--kind',
    'channels',
    '--seconds',
    '25',
  ),
  // The JavaScript tests have a separate folder, and check it themselves.
  'nothing is left in shared memory': () => {
    const names = existsSync('/dev/shm') ? readdirSync('/dev/shm') : []
    return noneOf(names.filter((name) => name.includes(RUN)).map((name) => `/dev/shm/${name}`))
  },
}

/** Whether nothing was found; prints what was. */
function noneOf(found) {
  for (const fault of found) console.error(fault)
  return found.length === 0
}

/** Generates them again in another place and compares: they depend on the sources only. */
function generatedFilesAreCurrent() {
  const folder = mkdtempSync(join(tmpdir(), 'mmfile-generated-'))
  try {
    const args = NAPI.map((arg, at) => (NAPI[at - 1] === '--output-dir' ? folder : arg))
    const done = run('napi', [...args, '--no-dts-cache'], { quiet: true })
    if (!done.ok) {
      console.error(done.output)
      return false
    }
    rollUp(join(folder, 'index.d.ts'))
    const stale = ['binding.js', 'binding.d.ts', 'index.d.ts'].filter(
      (name) => readFileSync(join(folder, name), 'utf8') !== committed(name),
    )
    for (const name of stale)
      console.error(`${name} is not what the sources make: npm run build, and commit it`)
    return stale.length === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The committed version of a file; outside of a checkout, the current one. */
function committed(name) {
  const { ok, output } = run('git', ['show', `HEAD:${name}`], { quiet: true })
  return ok ? output : readFileSync(join(root, name), 'utf8')
}

/** Compiles the programs of __test__/types by every compiler and way to find modules. */
function typesAreRight() {
  let ok = true
  for (const { name, file } of compilers()) {
    for (const [module, resolution] of [
      ['nodenext', 'nodenext'],
      ['node16', 'node16'],
      ['esnext', 'bundler'],
    ]) {
      const how = ['--module', module, '--moduleResolution', resolution]
      // The declarations are the same each time: once is enough.
      if (module === 'nodenext') how.push('--skipLibCheck', 'false')
      const done = run(process.execPath, [file, '-p', '__test__/types', ...how])
      console.log(`${done.ok ? 'passed' : 'FAILED'}  ${name}, ${resolution}`)
      ok &&= done.ok
    }
  }
  return ok
}

const only = values.only ?? (values.quick ? QUICK.steps : Object.keys(steps))
const chosen = Object.entries(steps).filter(([name]) => only.includes(name))
const results = []
for (const [name, step] of chosen) {
  console.log(`\n=== ${name}`)
  const started = performance.now()
  let ok = false
  faults = []
  try {
    ok = await step()
  } catch (error) {
    console.error(error)
  }
  results.push({ name, ok, seconds: (performance.now() - started) / 1000, faults })
}

console.log('\n=== summary')
for (const { name, ok, seconds, faults } of results) {
  console.log(`${ok ? 'passed' : 'FAILED'} ${seconds.toFixed(1).padStart(7)} s  ${name}`)
  for (const fault of faults) console.log(`                    ${fault}`)
}
const failed = results.filter(({ ok }) => !ok).length
console.log(`\n${results.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 && results.length > 0 ? 0 : 1)
