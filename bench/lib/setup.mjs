// Builds and installs what the measurements need. What cannot be had is reported and left out.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build } from '../../scripts/build.mjs'
import { root, run } from '../../scripts/lib/run.mjs'
import { missingRedis } from './redis.mjs'
import { makeFolder, removeFolder } from './temporary.mjs'
import { buildPrevious } from './versions.mjs'

const here = join(root, 'bench')
const require = createRequire(import.meta.url)
const wanted = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
/** What another machine would need to do the same, in words without addresses. */
const withoutAddresses = (text) => text.replaceAll(/https?:\/\/\S+/g, '…')

const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

function install() {
  const done = join(here, 'node_modules', '.package-lock.json')
  const stale = ['package.json', 'package-lock.json'].some(
    (name) => time(join(here, name)) > time(done),
  )
  if (!stale) return
  console.log('Installing the peers …')
  const flags = ['--no-audit', '--no-fund', '--loglevel=error']
  const installed = run('npm', ['ci', ...flags], { cwd: here, quiet: true })
  if (installed.ok) return
  console.log(`npm ci: ${withoutAddresses(reasonIn(installed.output))}`)
  // What the lock file names and cannot be had must not keep the rest away.
  run('npm', ['install', '--no-package-lock', ...flags], { cwd: here, quiet: true })
}

/** What npm says went wrong, without what it says about how to use it. */
const reasonIn = (output) =>
  output
    .split('\n')
    .filter((line) => /error [^A]/.test(line))
    .slice(0, 3)
    .join(' ')

/** The package of that name, or why there is none. */
async function load(name) {
  try {
    return { module: await import(name), version: versionOf(name) }
  } catch (error) {
    return { reason: reasonOf(name, error) }
  }
}

function versionOf(name) {
  const path = join(here, 'node_modules', name, 'package.json')
  return JSON.parse(readFileSync(path, 'utf8')).version
}

/** npm is silent about optional packages: it is asked again for this one alone, elsewhere. */
function reasonOf(name, error) {
  if (existsSync(join(here, 'node_modules', name, 'package.json'))) {
    return `it is installed and does not load: ${firstLine(error.message)}`
  }
  const version = { ...wanted.dependencies, ...wanted.optionalDependencies }[name]
  const folder = makeFolder()
  try {
    const args = ['install', `${name}@${version}`, '--no-audit', '--no-fund', '--loglevel=error']
    const { ok, output } = run('npm', args, { cwd: folder, quiet: true })
    return ok ? 'npm left it out' : withoutAddresses(reasonIn(output))
  } finally {
    removeFolder(folder)
  }
}

const firstLine = (text) => text.trim().split('\n')[0]

/** The floors, with iceoryx2 beside them if it is wanted and can be had. */
function buildFloors(withIceoryx2) {
  console.log('Building the floors …')
  if (!withIceoryx2) return buildFloor([])
  const floor = buildFloor(['--features', 'iceoryx2'])
  if (floor.reason) return { ...buildFloor([]), iceoryx2: false, without: floor.reason }
  return { ...floor, iceoryx2: true }
}

function buildFloor(features) {
  const manifest = join(here, 'floor', 'Cargo.toml')
  const args = ['build', '--release', '--locked', '--manifest-path', manifest, ...features]
  const built = run('cargo', [...args, '--message-format=json'], { quiet: true })
  if (!built.ok) return { reason: firstLine(built.output.split('\n').find(isError) ?? 'no cargo') }
  const files = built.output
    .split('\n')
    .filter((line) => line.startsWith('{"reason":"compiler-artifact"'))
    .map((line) => JSON.parse(line))
    .filter((artifact) => artifact.target.name.startsWith('mmfile'))
    .flatMap((artifact) => artifact.executable ?? artifact.filenames)
  const program = files.find((name) => name.endsWith('mmfile-floor'))
  const library = files.find((name) => /mmfile_floor_addon\.(so|dylib)$/.test(name))
  const addon = { exports: {} }
  process.dlopen(addon, library)
  return { program, addon: addon.exports }
}

const isError = (line) => /^error/.test(line)

/**
 * Everything that could be had: `peers` by name, `floor`, and what is `missing` and why. What only some sections need
 * is made if they are `chosen`.
 */
export async function setUp(chosen, quick) {
  build()
  install()
  const floor = buildFloors(chosen.includes('rust'))
  const peers = {}
  const missing = []
  const versions = {}
  const names = Object.keys({ ...wanted.optionalDependencies, ...wanted.dependencies })
  for (const name of names) {
    const { module, version, reason } = await load(name)
    if (module) {
      peers[name] = module
      versions[name] = version
    } else missing.push({ name, reason })
  }
  if (floor.reason) missing.push({ name: 'the floors in Rust', reason: floor.reason })
  if (floor.without) missing.push({ name: 'iceoryx2', reason: floor.without })
  if (chosen.includes('before')) {
    const reason = buildPrevious()
    if (reason) missing.push({ name: '0.1.0', reason })
    else peers['0.1.0'] = true
  }
  if (chosen.includes('jobs')) {
    const reason = missingRedis({ install: !quick })
    if (reason) missing.push({ name: 'redis-server', reason })
    else peers['redis-server'] = true
  }
  const mmfile = require(root)
  versions.mmfile = require(join(root, 'package.json')).version
  return { mmfile, peers, floor: floor.reason ? undefined : floor, missing, versions }
}
