// Puts the packages together as they are published, and packs them.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageName, platforms, readJson } from '../platforms.mjs'
import { fail, root, run } from './run.mjs'

/**
 * Where a package comes from: its `repository`, which npm compares with the provenance, `homepage` and `bugs`. The
 * workflow that publishes it knows. `directory` is the package's place in the repository.
 */
function origin(directory) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  if (!server || !name) return {}
  const address = `${server}/${name}`
  return {
    repository: { type: 'git', url: `git+${address}.git`, ...(directory && { directory }) },
    homepage: `${address}#readme`,
    bugs: { url: `${address}/issues` },
  }
}

/** The properties of package.json that are not published. */
export function missingOrigin(manifest) {
  return ['repository', 'homepage', 'bugs'].filter((name) => manifest[name] === undefined)
}

function writeManifest(folder, contents, directory) {
  const text = JSON.stringify({ ...contents, ...origin(directory) }, null, 2)
  writeFileSync(join(folder, 'package.json'), `${text}\n`)
}

function emptied(folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

/**
 * Puts the main package into a folder. Its optional dependencies, one a platform, are added here: in
 * the repository's own package.json they would have to be in the lock file, and `npm ci` of a commit
 * whose version is not published yet would look for packages that do not exist.
 */
export function stageMain(folder) {
  emptied(folder)
  const { scripts, devDependencies, napi, private: _, ...kept } = readJson('package.json')
  // npm packs what `files` says: patterns, with a slash in front for this folder alone.
  const names = kept.files.map((one) => one.replace(/^\//, '').split('/')[0])
  for (const name of [...names, 'README.md', 'LICENSE'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  const optionalDependencies = Object.fromEntries(
    platforms.map((one) => [packageName(one), kept.version]).sort(),
  )
  writeManifest(folder, { ...kept, optionalDependencies })
  return folder
}

/** Puts `@mmfile/nats` into a folder. It has to be built. */
export function stageNats(folder) {
  emptied(folder)
  const from = join(root, 'packages', 'nats')
  const { devDependencies: _, ...kept } = readJson('packages/nats/package.json')
  for (const name of [...kept.files.map((one) => one.split('/')[0]), 'README.md'])
    cpSync(join(from, name), join(folder, name), { recursive: true })
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  writeManifest(folder, kept)
  return folder
}

/** Puts a platform's package with its binary into a folder. */
export function stagePlatform(one, binary, folder) {
  emptied(folder)
  const place = `npm/${one.platform}`
  const contents = readJson(join(place, 'package.json'))
  cpSync(join(root, place, 'README.md'), join(folder, 'README.md'))
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  cpSync(binary, join(folder, contents.main))
  writeManifest(folder, contents, place)
  return folder
}

/** Packs a folder; returns npm's description of the tarball. */
export function pack(folder, into) {
  mkdirSync(into, { recursive: true })
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error']
  const { ok, output } = run('npm', [...args, '--pack-destination', into], {
    cwd: folder,
    quiet: true,
  })
  if (!ok) fail(`${folder} could not be packed:\n${output}`)
  const answer = JSON.parse(output.slice(output.search(/^[[{]/m)))
  const [packed] = Array.isArray(answer) ? answer : Object.values(answer)
  return packed
}

/** Checks a package as it is published: `stage` puts it into a folder, and it was built into `dist`. */
export function wellFormed(stage, dist) {
  const folder = mkdtempSync(join(tmpdir(), 'mmfile-pack-'))
  try {
    const staged = stage(join(folder, 'package'))
    if (!run('publint', ['--strict', staged]).ok) return false
    const packed = pack(staged, folder)
    const inPackage = new Set(packed.files.map(({ path }) => path))
    const made = readdirSync(join(root, dist), { recursive: true }).map((name) =>
      join('dist', name),
    )
    // The build's output for run time, with the licences of bundled packages.
    const left = made.filter(
      (name) => /\.(m?js|txt)$/.test(name) && !inPackage.has(name.replaceAll('\\', '/')),
    )
    for (const name of left) console.error(`${name} is not in the package`)
    return left.length === 0 && run('attw', [join(folder, packed.filename)]).ok
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
