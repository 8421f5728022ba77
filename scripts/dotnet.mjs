// npm run test:dotnet: a .NET program and Node.js share files under Wine, on a Debian machine. The program
// is compiled by Mono's compiler against .NET Core 2.0, the last whose runtime npm has.

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { installFromDebian } from './cross.mjs'
import { fail, root, run } from './lib.mjs'
import { cargo, folder, node, setup, TARGET, windows, wine } from './windows/setup.mjs'

const RUNTIME = 'dotnet-2.0.0-win@1.0.5'
const VERSION = '2.0.0'
const REFERENCES = [
  'System.Private.CoreLib',
  'System.Runtime',
  'System.Console',
  'System.IO.MemoryMappedFiles',
  'System.Runtime.Extensions',
  'System.Runtime.InteropServices',
  'System.Threading',
]

const { values } = parseArgs({ options: { node: { type: 'string', default: '20' } } })
const at = (...path) => join(folder, 'dotnet', ...path)

function must(command, args, options) {
  const done = run(command, args, { quiet: true, ...options })
  if (!done.ok) fail(`${command} ${args.join(' ')} failed:\n${done.output}`)
  return done.output
}

function runtime() {
  if (existsSync(at('package', 'dotnet.exe'))) return
  mkdirSync(at(), { recursive: true })
  const output = must('npm', ['pack', '--silent', '--pack-destination', at(), RUNTIME])
  must('tar', ['xzf', at(output.trim().split('\n').at(-1)), '-C', at()])
}

function compile() {
  const assemblies = at('package', 'shared', 'Microsoft.NETCore.App', VERSION)
  const references = REFERENCES.map((name) => `-r:${join(assemblies, `${name}.dll`)}`)
  const source = join(root, '__test__', 'dotnet', 'Peer.cs')
  must('mcs', ['-nostdlib', '-noconfig', ...references, `-out:${at('Peer.dll')}`, source])
  const framework = { name: 'Microsoft.NETCore.App', version: VERSION }
  writeFileSync(at('Peer.runtimeconfig.json'), JSON.stringify({ runtimeOptions: { framework } }))
}

setup()
installFromDebian(['mono-mcs'])
runtime()
compile()
build()
if (!cargo(['build', '--release', '-p', 'mmfile-node']).ok) fail('The addon could not be built.')
const binary = join(root, 'mmfile.win32-x64-msvc.node')
copyFileSync(join(folder, TARGET, 'release', 'mmfile_node.dll'), binary)
const report = at('report')
rmSync(report, { force: true })
const script = windows(join(root, '__test__', 'dotnet', 'peers.mjs'))
const args = [
  script,
  windows(at('package', 'dotnet.exe')),
  windows(at('Peer.dll')),
  windows(report),
]
let done
try {
  done = wine(node(values.node), args, { files: at('peers') })
} finally {
  rmSync(binary)
}
const said = existsSync(report) ? readFileSync(report, 'utf8') : ''
process.stdout.write(said)
if (!done.ok || !said.endsWith('done\n')) fail(readFileSync(at('peers.err'), 'utf8'))
