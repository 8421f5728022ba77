// Versions of Node.js, other runtimes and TypeScript's compilers, installed from npm into target/nodes.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, run } from './lib/run.mjs'

export const NODE_VERSIONS = ['20', '22', '24', '26']

/** The tools in docs/cookbook; each has a file whose presence shows that it is installed. */
const TOOLS = {
  esbuild: '0.28.2',
  jest: '30.5.2',
  postject: '1.0.0-alpha.6',
  rollup: '4.68.8',
  vite: '8.4.0',
  vitest: '4.1.12',
  webpack: '5.113.0',
  'webpack-cli': '7.3.1',
}

const BUN = '@oven/bun-linux-x64-baseline@1.4.5'
const DENO = '@deno/linux-x64-glibc@2.9.6'
export const ESBUILD = `esbuild@${TOOLS.esbuild}`

const folder = join(root, 'target', 'nodes')
/** A file of an installed package. */
export const installed = (...path) => join(folder, 'node_modules', ...path)

/** Installs what is not installed; each is a package as npm names it, and the file it has to bring. */
export function install(wanted) {
  const missing = wanted.filter(({ file }) => !existsSync(file)).map(({ spec }) => spec)
  if (missing.length === 0) return
  mkdirSync(folder, { recursive: true })
  if (!existsSync(join(folder, 'package.json')))
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  // --force: some of them are for another processor, and run emulated.
  const args = ['install', '--force', '--no-audit', '--no-fund', '--loglevel=error', ...missing]
  if (!run('npm', args, { cwd: folder }).ok)
    fail(`could not install ${missing.join(', ')} from npm`)
}

/** The binaries of these versions of Node.js. */
export function nodes(versions) {
  const windows = process.platform === 'win32'
  const file = (version) => installed(`node${version}`, 'bin', windows ? 'node.exe' : 'node')
  install(versions.map((one) => ({ spec: `node${one}@npm:node@${one}`, file: file(one) })))
  return versions.map((version) => ({
    name: `Node.js ${version}`,
    version,
    command: file(version),
  }))
}

/** The oldest TypeScript that knows `using`, the last 5, and the one of this repository. */
export function compilers() {
  const older = [
    ['5.2', '5.2.2'],
    ['5.9', '5.9.3'],
  ].map(([name, version]) => ({
    name: `TypeScript ${name}`,
    spec: `typescript${name}@npm:typescript@${version}`,
    file: installed(`typescript${name}`, 'lib', 'tsc.js'),
  }))
  install(older)
  const own = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return [...older, { name: "the repository's TypeScript", file: own }]
}

/** Bun and Deno, where this machine can run them. */
export function others() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return []
  const bun = installed('@oven', 'bun-linux-x64-baseline', 'bin', 'bun')
  const deno = installed('@deno', 'linux-x64-glibc', 'deno')
  install([
    { spec: BUN, file: bun },
    { spec: DENO, file: deno },
  ])
  return [
    { name: 'Bun', command: bun },
    { name: 'Deno', command: deno, args: ['run', '--allow-all'] },
  ]
}

/** Bundlers and test runners: the folders of the packages, by name. */
export function tools(names = Object.keys(TOOLS)) {
  const folders = names.map((name) => [name, installed(name)])
  install(
    folders.map(([name, place]) => ({
      spec: `${name}@${TOOLS[name]}`,
      file: join(place, 'package.json'),
    })),
  )
  return new Map(folders)
}
