// npm run sbom: what is in the packages, as a CycloneDX bill of materials beside the tarballs: the crates that are
// compiled into the binaries, of any platform, and the npm packages that are bundled into the screen of `mmfile top`.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, run } from './lib/run.mjs'
import { platforms, readJson } from './platforms.mjs'

const { name, version } = readJson('package.json')

function json(command, args) {
  const { ok, output } = run(command, args, { quiet: true })
  if (!ok) fail(`${command} ${args.join(' ')} failed:\n${output}`)
  return JSON.parse(output.slice(output.indexOf('{')))
}

/** The crates that the addon is made of: neither what only builds it nor what only tests it. */
function crates() {
  const targets = platforms.flatMap(({ build }) => ['--filter-platform', build.target])
  const args = ['metadata', '--locked', '--format-version', '1', ...targets]
  const { packages, resolve } = json('cargo', args)
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]))
  const isCompiledIn = ({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null)
  const byId = new Map(packages.map((one) => [one.id, one]))
  const isMacro = (id) => byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'))
  const found = new Set()
  const visit = (id) => {
    if (found.has(id) || isMacro(id)) return
    found.add(id)
    for (const dependency of nodes.get(id).deps.filter(isCompiledIn)) visit(dependency.pkg)
  }
  visit(packages.find((one) => one.name === 'mmfile-node').id)
  const checksums = checksumsOfLock()
  return [...found]
    .map((id) => byId.get(id))
    .filter(({ source }) => source !== null)
    .map((one) => {
      const purl = `pkg:cargo/${one.name}@${one.version}`
      const hash = checksums.get(`${one.name} ${one.version}`)
      return {
        type: 'library',
        'bom-ref': purl,
        name: one.name,
        version: one.version,
        ...(one.license ? { licenses: [{ expression: one.license.replaceAll('/', ' OR ') }] } : {}),
        ...(hash ? { hashes: [{ alg: 'SHA-256', content: hash }] } : {}),
        purl,
      }
    })
}

function checksumsOfLock() {
  const entry = /name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"/g
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8').replaceAll('\r\n', '\n')
  return new Map([...lock.matchAll(entry)].map(([, crate, at, sum]) => [`${crate} ${at}`, sum]))
}

/** The npm packages in the bundle: those whose licences are beside it. */
function bundled() {
  const licences = readFileSync(join(root, 'dist', 'cli', 'top', 'screen.LICENSES.txt'), 'utf8')
  const inside = new Set(
    [...licences.matchAll(/^(\S+) (\d\S*) \(.*\)$/gm)].map(([, one, at]) => `${one}@${at}`),
  )
  const bom = json('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'])
  const components = bom.components.filter((one) => inside.has(`${one.name}@${one.version}`))
  const known = new Set(components.map((one) => `${one.name}@${one.version}`))
  const unknown = [...inside].filter((one) => !known.has(one))
  if (unknown.length > 0) fail(`npm sbom does not know ${unknown.join(', ')}`)
  // They are in the package, although the lock file may call them development dependencies.
  return { bom, components: components.map((one) => ({ ...one, scope: 'required' })) }
}

const { bom, components: npm } = bundled()
const rust = crates()
const components = [...rust, ...npm].sort((a, b) => (a.purl < b.purl ? -1 : 1))
const purl = `pkg:npm/${name}@${version}`
const { bomFormat, specVersion, $schema } = bom
// Without a time and a serial number: the same commit has the same bill.
const made = {
  $schema,
  bomFormat,
  specVersion,
  version: 1,
  metadata: { component: { type: 'library', 'bom-ref': purl, name, version, purl } },
  components,
  dependencies: [{ ref: purl, dependsOn: components.map((one) => one['bom-ref']) }],
}
const folder = join(root, 'target', 'packages')
mkdirSync(folder, { recursive: true })
const place = join(folder, `${name}-${version}.cdx.json`)
writeFileSync(place, `${JSON.stringify(made, null, 2)}\n`)
console.log(`${place}: ${rust.length} crates, ${npm.length} npm packages`)
