// npm run test:packages: installs the tarballs of target/packages into empty folders, with no Rust on
// the PATH, and runs the README's first example under every runtime, by import and by require, from
// TypeScript, and bundled; and installs @mmfile/nats beside it. `-- --emulated` adds Node.js for musl, arm64
// and Windows, on a Debian machine; `-- --here` takes the Node.js that runs this and nothing else.

import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runAsync } from './lib/async.mjs'
import { arm64, musl, wine } from './lib/emulated.mjs'
import { commonTypescript, modules, promised, scripts, typescript } from './lib/examples.mjs'
import { serve } from './lib/registry.mjs'
import { fail, root, run } from './lib/run.mjs'
import { packageName, platformOf, platforms, readJson } from './platforms.mjs'
import {
  ESBUILD,
  install,
  installed,
  NODE_VERSIONS,
  nodes,
  others,
  tools,
} from './runtime-versions.mjs'

const { values } = parseArgs({
  options: { here: { type: 'boolean' }, emulated: { type: 'boolean' } },
})
const windows = process.platform === 'win32'
const tarballs = join(root, 'target', 'packages')
const { version } = readJson('package.json')
if (!existsSync(join(tarballs, `mmfile-${version}.tgz`)))
  fail(`target/packages has no mmfile ${version}: npm run build:all`)

const results = []
/** One check: `act` throws what is wrong, or returns a few words about what was seen. */
async function check(name, act) {
  try {
    const seen = (await act()) ?? ''
    results.push({ name, ok: true })
    console.log(`passed  ${name}${seen && `: ${seen}`}`)
  } catch (error) {
    results.push({ name, ok: false })
    console.log(`FAILED  ${name}: ${error.message}`)
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'mmfile-packages-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }))
let count = 0
const emptyFolder = () => {
  const folder = join(scratch, String(count++))
  mkdirSync(folder)
  return folder
}

/** A PATH on which there is Node.js and a shell, and no compiler. */
function path() {
  if (windows) return join(process.execPath, '..')
  const folder = emptyFolder()
  symlinkSync(process.execPath, join(folder, 'node'))
  symlinkSync('/bin/sh', join(folder, 'sh'))
  return folder
}
const PATH = path()
const environment = (env) => ({ ...process.env, ...env, PATH, Path: PATH })
for (const tool of ['cargo', 'rustc', 'cc']) {
  const { error } = await runAsync(tool, ['--version'], { env: environment(), cwd: scratch })
  if (error?.code !== 'ENOENT' && !windows) fail(`${tool} is on the PATH`)
}

const npm = process.env.npm_execpath ?? fail('run this by npm run test:packages')
const registry = await serve(tarballs)

/** A folder with the package installed as npm installs it on a certain machine. */
async function consumer({ os, cpu, libc, omit, names = ['mmfile'], from = registry } = {}) {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const machine = [
    ...(os ? [`--os=${os}`, `--cpu=${cpu}`] : []),
    ...(libc ? [`--libc=${libc}`] : []),
  ]
  const args = [npm, 'install', ...names, `--registry=${from.address}`, '--no-audit', '--no-fund']
  if (omit) args.push('--omit=optional')
  args.push('--loglevel=error', `--cache=${join(scratch, 'cache')}`, ...machine)
  const done = await runAsync(process.execPath, args, { cwd: folder, env: environment() })
  if (done.status !== 0) throw new Error(`npm install: ${done.output}`)
  const all = platforms.map(packageName)
  const found = all.filter((name) => existsSync(join(folder, 'node_modules', name)))
  return { folder, found }
}

/** Runs a program and wants the line that the README promises, on its standard output. */
async function expect({ command, args = [], env }, folder, program, wanted = promised) {
  const done = await runAsync(command, [...args, program], { cwd: folder, env: environment(env) })
  if (done.status !== 0 || done.stdout.trim() !== wanted)
    throw new Error(`status ${done.status ?? done.signal}, it printed ${done.output}`)
  return done.stdout.trim()
}

function write(folder, files) {
  mkdirSync(folder, { recursive: true })
  for (const [name, code] of files) writeFileSync(join(folder, name), code)
}

/** The example under a runtime, in a folder with the package. */
async function runs(runtime, folder) {
  write(folder, modules)
  write(folder, scripts)
  await check(`${runtime.name}, import`, () => expect(runtime, folder, 'source.mjs'))
  await check(`${runtime.name}, require`, () => expect(runtime, folder, 'source.cjs'))
}

const here = { name: `this Node.js (${process.version})`, command: process.execPath }

async function installation() {
  let made
  await check('npm brings the package of this platform and no other', async () => {
    made = await consumer()
    if (made.found.length !== 1) throw new Error(made.found.join(', ') || 'none was installed')
    return made.found[0]
  })
  await check('without optional packages the error names the platform and the fix', async () => {
    const { folder } = await consumer({ omit: true })
    const code = `try { require('mmfile') } catch (e) { console.log([e.name, e.code, e.message].join(' | ')) }`
    const done = await runAsync(process.execPath, ['-e', code], { cwd: folder, env: environment() })
    for (const part of [
      'MmFileError | ERR_MMFILE_LOAD',
      process.platform,
      process.arch,
      made.found[0],
      'omit=optional',
    ])
      if (!done.stdout.includes(part)) throw new Error(`no "${part}" in ${done.output}`)
    return done.stdout.trim()
  })
  return made?.folder ?? fail('nothing could be installed')
}

/** TypeScript's options are those that `tsc --init` gives, and the two ways to find modules. */
async function compiled(folder) {
  const types = { strict: true, types: ['node'], typeRoots: [join(root, 'node_modules', '@types')] }
  const project = async (name, files, options) => {
    const place = join(folder, name)
    write(place, files)
    const compilerOptions = {
      ...types,
      target: 'es2022',
      lib: ['es2022', 'esnext.disposable'],
      ...options,
    }
    writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    const done = run('tsc', ['-p', place], { quiet: true })
    if (!done.ok) throw new Error(done.output)
    return join(place, 'out')
  }
  const nodenext = { module: 'nodenext', outDir: 'out', rootDir: '.' }
  await check('TypeScript, nodenext, modules', async () =>
    expect(here, await project('nodenext', typescript, nodenext), 'source.mjs'),
  )
  await check('TypeScript, nodenext, CommonJS', async () =>
    expect(here, await project('common', commonTypescript, nodenext), 'source.cjs'),
  )
  const bundler = { module: 'esnext', moduleResolution: 'bundler', outDir: 'out', rootDir: '.' }
  await check('TypeScript, bundler', async () =>
    expect(here, await project('bundler', typescript, bundler), 'source.mjs'),
  )
  await check('TypeScript, bundler, libraries checked', async () => {
    await project('checked', typescript, { ...bundler, skipLibCheck: false })
  })
}

/** One file a program, the binary beside it, in a folder without node_modules. */
async function bundled(folder) {
  const esbuild = installed('esbuild', 'bin', 'esbuild')
  install([{ spec: ESBUILD, file: esbuild }])
  await check('bundled by esbuild, the binary copied', async () => {
    const output = emptyFolder()
    const files = [...scripts.keys()].map((name) => join(folder, name))
    const args = ['--bundle', '--platform=node', '--loader:.node=copy', '--out-extension:.js=.cjs']
    const done = run(esbuild, [...files, ...args, '--log-level=error', `--outdir=${output}`], {
      cwd: folder,
      quiet: true,
    })
    if (!done.ok) throw new Error(done.output)
    return expect(here, output, 'source.cjs')
  })
  await check('bundled by esbuild as a module, packages left outside', async () => {
    const output = join(folder, 'bundle')
    const files = [...modules.keys()].map((name) => join(folder, name))
    const args = ['--bundle', '--platform=node', '--format=esm', '--packages=external']
    const done = run(
      esbuild,
      [...files, ...args, '--log-level=error', '--out-extension:.js=.mjs', `--outdir=${output}`],
      { cwd: folder, quiet: true },
    )
    if (!done.ok) throw new Error(done.output)
    return expect(here, output, 'source.mjs')
  })
  await leftOutside(folder)
}

/** Bundled as docs/cookbook/bundling.md says, in a folder beside node_modules. */
async function leftOutside(folder) {
  const [es, cjs] = [modules, scripts].map((files) => [...files.keys()])
  const output = { entryFileNames: '[name].mjs' }
  const outside = ['mmfile', 'node:child_process']
  const bundlers = {
    rollup: {
      file: ['dist', 'bin', 'rollup'],
      args: ['--silent'],
      config: { input: es, external: outside, output: { ...output, dir: 'by-rollup' } },
      program: 'source.mjs',
    },
    vite: {
      file: ['bin', 'vite.js'],
      args: ['build', '--logLevel=error'],
      config: { build: { ssr: true, outDir: 'by-vite', rollupOptions: { input: es, output } } },
      program: 'source.mjs',
    },
    webpack: {
      file: ['bin', 'webpack.js'],
      args: ['--stats=errors-only'],
      config: {
        mode: 'production',
        target: 'node',
        entry: Object.fromEntries(cjs.map((name) => [name, `./${name}`])),
        externals: { mmfile: 'commonjs mmfile' },
        output: { path: join(folder, 'by-webpack'), filename: '[name]' },
      },
      program: 'source.cjs',
    },
  }
  const folders = tools([...Object.keys(bundlers), 'webpack-cli'])
  for (const [name, { file, args, config, program }] of Object.entries(bundlers))
    await check(`bundled by ${name}, packages left outside`, async () => {
      writeFileSync(join(folder, `${name}.cjs`), `module.exports = ${JSON.stringify(config)}\n`)
      const all = [join(folders.get(name), ...file), ...args, `--config=${name}.cjs`]
      const done = run(process.execPath, all, { cwd: folder, quiet: true })
      if (!done.ok) throw new Error(done.output)
      return expect(here, join(folder, `by-${name}`), program)
    })
}

/** @mmfile/nats, with what it needs from npm's registry. */
async function bridge() {
  const others = run('npm', ['config', 'get', 'registry'], { quiet: true }).output.trim()
  const from = await serve(tarballs, { others })
  const names = ['mmfile', '@mmfile/nats']
  let folder
  await check(`@mmfile/nats is installed beside mmfile`, async () => {
    folder = (await consumer({ names, from })).folder
  })
  from.close()
  if (!folder) return
  const print = 'console.log(typeof pull, typeof push)\n'
  write(folder, [
    ['nats.mjs', `import { pull, push } from '@mmfile/nats'\n${print}`],
    ['nats.cjs', `const { pull, push } = require('@mmfile/nats')\n${print}`],
  ])
  for (const name of ['nats.mjs', 'nats.cjs'])
    await check(`@mmfile/nats, ${name === 'nats.mjs' ? 'import' : 'require'}`, () =>
      expect(here, folder, name, 'function function'),
    )
  await check('@mmfile/nats, its command', async () => {
    const command = join('node_modules', '.bin', windows ? 'mmfile-nats.cmd' : 'mmfile-nats')
    const options = { cwd: folder, env: environment(), shell: windows }
    const done = await runAsync(command, ['--help'], options)
    if (done.status !== 0 || !done.stdout.includes('mmfile-nats')) throw new Error(done.output)
  })
}

/** Under another machine's Node.js, with what npm installs there. */
async function emulated(runtime) {
  const { folder, found } = await consumer(runtime)
  const expected = packageName(platformOf(runtime))
  await check(`${runtime.name}: npm brings ${expected}`, () => {
    if (found.join() !== expected) throw new Error(found.join(', ') || 'none was installed')
  })
  await runs(runtime, folder)
}

const folder = await installation()
const runtimes = values.here ? [here] : [...nodes(NODE_VERSIONS), ...others()]
for (const runtime of runtimes) await runs(runtime, folder)
await compiled(folder)
if (!values.here) await bundled(folder)
await bridge()
if (values.emulated)
  for (const runtime of [...musl(), ...arm64(), ...wine()]) await emulated(runtime)
registry.close()

const failed = results.filter(({ ok }) => !ok).length
console.log(`\n${results.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
