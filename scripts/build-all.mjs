// npm run build:all: the packages of all platforms as tarballs in target/packages, on one Debian
// machine. `-- --only linux-x64-gnu` makes one of them; it can be repeated.

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { buildAddon, prepare } from './lib/cross.mjs'
import { pack, stageMain, stageNats, stagePlatform } from './lib/pack.mjs'
import { fail, root, run } from './lib/run.mjs'
import { packageFaults } from './packages.mjs'
import { GLIBC, MAX_TARBALL, packageName, platforms } from './platforms.mjs'
import { buildNats } from './test-nats.mjs'

const tarballs = join(root, 'target', 'packages')
const stage = (name) => join(root, 'target', 'stage', name)

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } })
for (const name of values.only ?? [])
  if (!platforms.some(({ platform }) => platform === name))
    fail(`${name} is none of ${platforms.map(({ platform }) => platform).join(', ')}`)
const isChosen = ({ platform }) => values.only?.includes(platform) ?? true

/** The faults of a binary that other machines will load. */
function faultOf({ libc }, file) {
  if (!libc) return undefined
  const text = readFileSync(file, 'latin1')
  const versions = [...text.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor))
  if (libc === 'musl') return versions.length > 0 ? 'it wants glibc' : undefined
  const newest = Math.max(...versions)
  return newest > Number(GLIBC.split('.')[1]) ? `it wants glibc 2.${newest}` : undefined
}

function make(one) {
  console.log(`\n=== ${one.platform}`)
  const binary = buildAddon(one)
  if (!binary) return { state: 'FAILED', note: 'it does not compile' }
  const fault = faultOf(one, binary)
  if (fault) return { state: 'FAILED', note: fault }
  const packed = pack(stagePlatform(one, binary, stage(packageName(one))), tarballs)
  const heavy = packed.size > MAX_TARBALL
  return { state: heavy ? 'FAILED' : 'packed', note: heavy ? 'it is too large' : '', ...packed }
}

const faults = packageFaults()
if (faults.length > 0) fail(faults.join('\n'))
const chosen = platforms.filter(isChosen)
prepare(chosen)
// The TypeScript and index.js belong to every platform; the compiler for the machine's own addon is
// not needed for them.
build({ typescriptOnly: true })
if (!values.only) rmSync(tarballs, { recursive: true, force: true })
const results = platforms.map((one) => {
  if (isChosen(one)) return { name: packageName(one), ...make(one) }
  return { name: packageName(one), state: 'left out', note: 'not asked for' }
})
const main = pack(stageMain(stage('mmfile')), tarballs)
results.push({ name: 'mmfile', state: 'packed', ...main })
buildNats({ typescriptOnly: true })
const nats = pack(stageNats(stage('nats')), tarballs)
results.push({ name: '@mmfile/nats', state: 'packed', ...nats })

const kilobytes = (bytes) => (bytes ? `${(bytes / 1000).toFixed(1)} KB` : '')
console.log(`\n${'package'.padEnd(24)}${'unpacked'.padStart(10)}${'tarball'.padStart(10)}`)
for (const { name, state, note, unpackedSize, size } of results) {
  const sizes = `${kilobytes(unpackedSize).padStart(10)}${kilobytes(size).padStart(10)}`
  console.log(`${name.padEnd(24)}${sizes}  ${state}${note ? `: ${note}` : ''}`)
}
console.log(`\n${run('/usr/bin/rustc', ['--version'], { quiet: true }).output.trim()}; ${tarballs}`)
process.exit(results.some(({ state }) => state === 'FAILED') ? 1 : 0)
