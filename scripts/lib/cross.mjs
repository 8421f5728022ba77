// The tools to build for every platform on Debian: a compiler with the sources of its standard
// library (rustc-web), zig as the linker for all of them, and the cargo command that ties them.
//
// The standard library is built along with the addon. That is how there is one for every platform
// without downloading toolchains, and it leaves out what only prints stack traces: 200 KB of it.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fail, root, run } from './run.mjs'

const PIP = ['ziglang==0.17.1', 'cargo-zigbuild==0.24.0']
const APT = ['rustc-web', 'cargo-web', 'rust-web-src', 'libstd-rust-web-dev', 'python3-venv']
/** Without it neither pip nor cargo can download over TLS. */
const CERTIFICATES = ['ca-certificates']

const tools = join(root, 'target', 'cross-tools')
const outputFolder = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'cross')

const isInstalled = (name) => {
  const { output } = run('dpkg-query', ['-W', '-f', `\${db:Status-Status}`, name], { quiet: true })
  return output.startsWith('installed')
}

/** Installs those of these packages that are missing. */
export function installFromDebian(names) {
  const missing = names.filter((name) => !isInstalled(name))
  if (missing.length === 0) return
  if (run('apt-get', ['--version'], { quiet: true }).missing)
    fail(`npm run build:all wants a Debian machine: it installs ${missing.join(', ')}`)
  const root = process.getuid?.() === 0
  const apt = (...args) => {
    const all = ['apt-get', ...args]
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    return run(root ? 'apt-get' : 'sudo', root ? args : all, { env }).ok
  }
  console.log(`Installing ${missing.join(', ')} …`)
  if (!apt('update', '-q') || !apt('install', '-qy', '--no-install-recommends', ...missing))
    fail(`could not install ${missing.join(', ')}`)
}

function installFromPython() {
  const pip = join(tools, 'bin', 'pip')
  if (!existsSync(pip) && !run('/usr/bin/python3', ['-m', 'venv', tools]).ok)
    fail('could not make a Python environment for zig')
  const { output } = run(pip, ['freeze'], { quiet: true })
  if (PIP.every((one) => output.includes(one))) return
  console.log(`Installing ${PIP.join(', ')} …`)
  if (!run(pip, ['install', '--quiet', ...PIP]).ok) fail(`could not install ${PIP.join(', ')}`)
}

/** Where pip put zig. */
function zig() {
  const [python] = readdirSync(join(tools, 'lib'))
  return join(tools, 'lib', python, 'site-packages', 'ziglang', 'zig')
}

/** napi-build wants to see Node.js' library on Windows, which the addon then looks up by itself. */
function nodeLibrary() {
  const folder = join(tools, 'node-library')
  mkdirSync(folder, { recursive: true })
  for (const name of ['libnode.a', 'node.lib']) writeFileSync(join(folder, name), '!<arch>\n')
  writeFileSync(join(folder, 'libnode.dll'), '')
  return folder
}

/** Installs what is missing for these platforms. */
export function prepare(platforms) {
  installFromDebian([...APT, ...CERTIFICATES, ...platforms.flatMap(({ build }) => build.apt ?? [])])
  installFromPython()
}

/**
 * The same names for the folders of sources on every machine. Panics name source files, and the same
 * sources must make the same bytes wherever they are.
 */
const sameNames = [
  [process.env.CARGO_HOME ?? join(homedir(), '.cargo'), '/cargo'],
  [root.replace(/[\\/]$/, ''), '/mmfile'],
].map(([from, to]) => `--remap-path-prefix=${from}=${to}`)

/** The environment with which cargo builds for a platform. */
const environment = ({ target, flags, linker, needsNodeLibrary, env }) => ({
  PATH: [join(tools, 'bin'), process.env.PATH].join(delimiter),
  CARGO: '/usr/bin/cargo',
  RUSTC: '/usr/bin/rustc',
  RUSTC_BOOTSTRAP: '1', // for the options that begin with -Z; the sources use nothing unstable
  CARGO_ENCODED_RUSTFLAGS: [...flags, ...sameNames].join('\x1f'),
  CARGO_TARGET_DIR: outputFolder,
  CARGO_ZIGBUILD_ZIG_PATH: zig(),
  ...(needsNodeLibrary ? { LIBNODE_PATH: nodeLibrary() } : {}),
  ...(linker
    ? { [`CARGO_TARGET_${target.toUpperCase().replaceAll('-', '_')}_LINKER`]: linker }
    : {}),
  ...env,
})

const targetOf = ({ target, glibc }) => ['--target', glibc ? `${target}.${glibc}` : target]

/** Builds the addon for a platform; returns the file, or nothing if it does not compile. */
export function buildAddon({ build }) {
  const { target, linker } = build
  const command = linker ? 'build' : 'zigbuild'
  const args = [command, '--release', '--locked', '-p', 'mmfile-node', ...targetOf(build)]
  args.push('-Zbuild-std=std,panic_unwind', '-Zbuild-std-features=')
  if (build.keepSymbols) args.push('--config', 'profile.release.strip=false')
  const { ok } = run('/usr/bin/cargo', args, { env: environment(build) })
  return ok ? join(outputFolder, target, 'release', build.file) : undefined
}

/** Builds the core's tests for a platform; returns name and file of each, or nothing. */
export function buildTests(build) {
  const args = ['zigbuild', '--tests', '--locked', '-p', 'mmfile-core', ...targetOf(build)]
  args.push('--features', 'fault-points', '-Zbuild-std=std,panic_unwind,test')
  args.push('--message-format=json-render-diagnostics')
  const { ok, output } = run('/usr/bin/cargo', args, { env: environment(build), quiet: true })
  if (!ok) return console.error(output)
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return []
    const { executable, target } = JSON.parse(line)
    return executable ? [{ name: target.name, file: executable }] : []
  })
}
