// Builds what is older than its sources: the addon with napi-rs, then the TypeScript. With --force,
// both in any case.

import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rollUp } from './lib/declarations.mjs'
import { fail, newest, root, run } from './lib/run.mjs'

const OLDEST_RUST = [1, 88]

/** The flags by which napi-rs writes everything where the package wants it. */
export const NAPI = [
  'build',
  '--platform',
  '--release',
  '--manifest-path',
  'crates/mmfile-node/Cargo.toml',
  '--output-dir',
  '.',
  '--js',
  'binding.js',
  '--dts',
  'binding.d.ts',
]

function addonIsCurrent() {
  const ours = `mmfile.${process.platform}-${process.arch}`
  const addon = readdirSync(root).find((name) => name.startsWith(ours) && name.endsWith('.node'))
  if (!addon || !existsSync(join(root, 'binding.js'))) return false
  const core = ['src', 'build.rs', 'Cargo.toml'].map((name) => `crates/mmfile-core/${name}`)
  return newest(addon) > newest(...core, 'crates/mmfile-node', 'Cargo.toml', 'Cargo.lock')
}

function checkRust() {
  const { missing, output } = run('rustc', ['--version'], { quiet: true })
  const [, major, minor] = /^rustc (\d+)\.(\d+)/.exec(output) ?? []
  const old = Number(major) === OLDEST_RUST[0] && Number(minor) < OLDEST_RUST[1]
  if (missing || major === undefined || old) {
    const found = major === undefined ? 'none was found' : `${major}.${minor} was found`
    fail(
      `Building the addon takes Rust ${OLDEST_RUST.join('.')} or newer, and ${found}: see https://rustup.rs`,
    )
  }
}

export function build({ force = false, typescriptOnly = false } = {}) {
  for (const tool of ['tsc', 'api-extractor', 'esbuild'])
    if (!existsSync(join(root, 'node_modules', '.bin', tool))) fail('Run "npm ci" first.')
  if (!typescriptOnly && (force || !addonIsCurrent())) {
    checkRust()
    console.log('Building the addon …')
    if (!run('napi', NAPI).ok) fail('The addon could not be built.')
  }
  if (
    force ||
    newest('dist/index.js', 'dist/index.d.ts') <
      newest('src', 'binding.d.ts', 'tsconfig.json', 'tsconfig.base.json')
  ) {
    console.log('Building the TypeScript …')
    rmSync(join(root, 'dist'), { recursive: true, force: true })
    if (!run('tsc', ['-b', '--force', 'tsconfig.json']).ok)
      fail('The TypeScript could not be built.')
    rollUp(join(root, 'index.d.ts'))
    if (!run(process.execPath, ['scripts/lib/screen.mjs']).ok)
      fail('The screen of mmfile top could not be bundled.')
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  build({ force: process.argv.includes('--force') })
}
