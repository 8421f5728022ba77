// This version of the package, and 0.1.0, built from the repository's own history: how each is called.

import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root, run } from '../../scripts/lib/run.mjs'

const require = createRequire(import.meta.url)
/** The last commit of 0.1.0. */
const COMMIT = '1e2d409589f1709314bed3991fe1f5bdfdee38f4'
const FOLDER = join(root, 'target', 'bench', '0.1.0')
/** What building it takes. */
const PARTS = ['crates', 'src', 'scripts', 'package.json', 'Cargo.toml', 'Cargo.lock']
const SETTINGS = ['tsconfig.json', 'tsconfig.base.json']

/** The objects of each have names of their own, since neither may take the other's for what a dead process left. */
const optionsOf = (name) => ({
  prefixes: { data: `mmfile-bench-${name}-`, mutex: `mmfile-bench-lock-${name}-` },
})

/** How a version is called, when it is first used: in a fresh checkout it is built after this has been loaded. */
const version = (folder, name, { millisecond, lock }) => ({
  options: optionsOf(name),
  library: () => require(join(folder, 'dist', 'index.js')),
  /** A time to spin. */
  spin: (milliseconds) => milliseconds * millisecond,
  withLock: (file, work) => file[lock](work),
})

export const current = version(root, 'current', { millisecond: 1, lock: 'withLockSync' })
export const previous = version(FOLDER, '0.1.0', { millisecond: 1000, lock: 'withLock' })

/** Builds 0.1.0 unless that has been done: why it cannot be, or nothing. */
export function buildPrevious() {
  const done = join(FOLDER, 'built')
  if (existsSync(done)) return undefined
  if (!run('git', ['cat-file', '-e', `${COMMIT}^{commit}`], { quiet: true }).ok) {
    return 'the history of this repository is not here: a shallow clone?'
  }
  console.log('Building 0.1.0 …')
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  const archive = join(FOLDER, 'sources.tar')
  const steps = [
    ['git', ['archive', `--output=${archive}`, COMMIT, ...PARTS, ...SETTINGS]],
    ['tar', ['--extract', `--file=${archive}`, `--directory=${FOLDER}`]],
    [
      process.execPath,
      ['scripts/build.mjs'],
      { cwd: FOLDER, env: { CARGO_TARGET_DIR: join(FOLDER, 'target') } },
    ],
  ]
  symlinkSync(join(root, 'node_modules'), join(FOLDER, 'node_modules'))
  for (const [command, args, how] of steps) {
    const { ok, output } = run(command, args, { ...how, quiet: true })
    if (!ok) return `it could not be built: ${output.trim().split('\n').at(-1)}`
  }
  writeFileSync(done, '')
  return undefined
}
