// npm run version:set -- 0.2.0: moves every place that says the version, and heads the changes since
// the last release with it. `node scripts/version-set.mjs --check` says which places are not in step;
// with a tag as well (`--check v0.2.0`), whether it is that version's and the changes are headed.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fail, root } from './lib/run.mjs'
import { packageFaults, writePackages } from './packages.mjs'
import { readJson } from './platforms.mjs'

const SEMVER = /^\d+\.\d+\.\d+(-[0-9a-z]+(\.[0-9a-z]+)*)?$/i
const VERSION = String.raw`\d+\.\d+\.\d+[-.\w]*`

/**
 * The places of the version: a pattern matches the text before it, the version, and the text after
 * it.
 */
const places = [
  ['Cargo.toml', `(\\[workspace\\.package\\]\\nversion = ")(${VERSION})(")`],
  ['Cargo.lock', `(name = "mmfile-(?:core|node)"\\nversion = ")(${VERSION})(")`],
  ['fuzz/Cargo.lock', `(name = "mmfile-core"\\nversion = ")(${VERSION})(")`],
  ['bench/floor/Cargo.lock', `(name = "mmfile-core"\\nversion = ")(${VERSION})(")`],
  ['package.json', `("name": "mmfile",\\n  "version": ")(${VERSION})(")`],
  ['package-lock.json', `("name": "mmfile",\\n +"version": ")(${VERSION})(")`],
  ['samples/package-lock.json', `("name": "mmfile",\\n +"version": ")(${VERSION})(")`],
  ['packages/nats/package.json', `("name": "@mmfile/nats",\\n  "version": ")(${VERSION})(")`],
  ['packages/nats/package.json', `("mmfile": "\\^)(${VERSION})(")`],
  [
    'packages/nats/package-lock.json',
    `("name": "(?:mmfile|@mmfile/nats)",\\n +"version": "|"mmfile": "\\^)(${VERSION})(")`,
  ],
  ['binding.js', `(bindingPackageVersion !== '|mismatch, expected )(${VERSION})('| but)`],
]
const TIMES = { 'Cargo.lock': 2, 'package-lock.json': 2, 'packages/nats/package-lock.json': 4 }

const read = (name) => readFileSync(join(root, name), 'utf8').replaceAll('\r\n', '\n')
const changelog = () => read('CHANGELOG.md')
const heading = (version) => new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\]`, 'm')

/** The files whose version differs from the main package's. */
export function versionFaults() {
  const { version } = readJson('package.json')
  const found = packageFaults()
  for (const [name, pattern] of places) {
    const all = [...read(name).matchAll(new RegExp(pattern, 'g'))].map(([, , one]) => one)
    if (all.length < (TIMES[name] ?? 1)) found.push(`${name} does not say the version`)
    if (all.some((one) => one !== version)) found.push(`${name} is not of version ${version}`)
  }
  if (!/^## \[Unreleased\]$/m.test(changelog())) found.push('CHANGELOG.md has no [Unreleased]')
  const [, newest] = new RegExp(`^## \\[(${VERSION})\\]`, 'm').exec(changelog()) ?? []
  if (newest && newest !== version) found.push(`CHANGELOG.md is at ${newest}, not at ${version}`)
  return found
}

function set(version) {
  for (const [name, pattern] of places) {
    const moved = read(name).replaceAll(new RegExp(pattern, 'g'), `$1${version}$3`)
    writeFileSync(join(root, name), moved)
  }
  writePackages()
  if (!heading(version).test(changelog())) {
    const today = new Date().toISOString().slice(0, 10)
    const headed = `## [Unreleased]\n\n## [${version}] - ${today}\n`
    writeFileSync(join(root, 'CHANGELOG.md'), changelog().replace('## [Unreleased]\n', headed))
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [wanted, tag] = process.argv.slice(2)
  if (wanted !== '--check') {
    if (!SEMVER.test(wanted ?? '')) fail('npm run version:set -- 0.2.0')
    set(wanted)
  }
  const found = versionFaults()
  const { version } = readJson('package.json')
  if (tag && tag !== `v${version}`) found.push(`${tag} is not the tag of version ${version}`)
  if (tag && !heading(version).test(changelog())) found.push(`CHANGELOG.md has no [${version}]`)
  for (const fault of found) console.error(fault)
  if (found.length > 0) process.exit(1)
  console.log(`everything is of version ${version}`)
}
