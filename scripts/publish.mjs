// Publishes the tarballs of target/packages: the platforms first, so that the main package never
// names a missing one. Packages that are already published are skipped, so an interrupted release
// can be run again. Only the release workflow publishes; `--dry-run` does everything else.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { missingOrigin } from './lib/pack.mjs'
import { fail, root, run } from './lib/run.mjs'
import { packageName, platforms, readJson } from './platforms.mjs'

const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } })
const dry = values['dry-run']
const { version } = readJson('package.json')
const names = [...platforms.map(packageName), 'mmfile', '@mmfile/nats']
/** As npm names it: `mmfile-nats-0.1.0.tgz` is `@mmfile/nats`. */
const file = (name) => `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
const tarball = (name) => join(root, 'target', 'packages', file(name))

const missing = names.filter((name) => !existsSync(tarball(name)))
if (missing.length > 0) fail(`there is no tarball of ${missing.join(', ')} ${version}`)
if (!dry && process.env.GITHUB_ACTIONS !== 'true')
  fail('packages are published by the release workflow')

for (const name of names) {
  const read = ['-xzOf', tarball(name), 'package/package.json']
  const { ok, output } = run('tar', read, { quiet: true })
  const faults = ok ? missingOrigin(JSON.parse(output)) : ['package.json']
  if (faults.length > 0) fail(`the package ${name} does not say its ${faults.join(', ')}`)
}

const tag = version.includes('-') ? 'next' : 'latest'
for (const name of names) {
  const known = run('npm', ['view', `${name}@${version}`, 'version'], { quiet: true })
  if (known.ok && known.output.includes(version)) {
    console.log(`${name} ${version} is published already`)
    continue
  }
  const args = ['publish', tarball(name), '--access', 'public', '--tag', tag]
  if (!run('npm', [...args, dry ? '--dry-run' : '--provenance']).ok)
    fail(`${name} could not be published`)
}
