// npm run packages: writes npm/, one package a platform, from package.json and the table of
// platforms. With --check it only says what is not as it would be written.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './lib/run.mjs'
import { binaryName, packageName, platforms, readJson } from './platforms.mjs'

const json = (value) => `${JSON.stringify(value, null, 2)}\n`

function manifest(one, main) {
  return {
    name: packageName(one),
    version: main.version,
    description: `The binary of mmfile for ${one.title}`,
    license: main.license,
    main: binaryName(one),
    files: [binaryName(one)],
    os: [one.os],
    cpu: [one.cpu],
    ...(one.libc ? { libc: [one.libc] } : {}),
    engines: main.engines,
  }
}

function readme(one) {
  return `# ${packageName(one)}

The binary of \`mmfile\` for ${one.title}
(\`${one.build.target}\`).

It is an optional dependency of \`mmfile\`, of the same version: \`npm install mmfile\` brings it along
on the machines that it is for. There is no reason to install it by itself.
`
}

/** Every file of npm/ with the contents that it should have. */
function wanted() {
  const main = readJson('package.json')
  return platforms.flatMap((one) => [
    [join('npm', one.platform, 'package.json'), json(manifest(one, main))],
    [join('npm', one.platform, 'README.md'), readme(one)],
  ])
}

/** The faults in npm/ and in other files that have to agree with the table of platforms. */
export function packageFaults() {
  const found = wanted()
    .filter(([name, text]) => {
      const path = join(root, name)
      return !existsSync(path) || readFileSync(path, 'utf8').replaceAll('\r\n', '\n') !== text
    })
    .map(([name]) => `${name} is not what npm run packages writes`)
  const known = platforms.map(({ platform }) => platform)
  const folders = existsSync(join(root, 'npm')) ? readdirSync(join(root, 'npm')) : []
  for (const name of folders)
    if (!known.includes(name)) found.push(`npm/${name} is no platform of scripts/platforms.mjs`)
  const { napi, optionalDependencies } = readJson('package.json')
  const triples = platforms.map(({ triple }) => triple)
  if ([...napi.targets].sort().join() !== [...triples].sort().join())
    found.push('napi.targets in package.json are not those of scripts/platforms.mjs')
  if (optionalDependencies)
    found.push('package.json has optionalDependencies: they are added when it is packed')
  return found
}

/** Writes npm/. */
export function writePackages() {
  for (const [name, text] of wanted()) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), text)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (!process.argv.includes('--check')) writePackages()
  const found = packageFaults()
  for (const fault of found) console.error(fault)
  console.log(found.length === 0 ? 'npm/ is in step' : 'npm/ is not in step')
  process.exit(found.length === 0 ? 0 : 1)
}
