// npm run test:dotnet: a .NET program and Node.js share files, on Linux and under Wine, on a Debian machine. The
// program is compiled by Mono's compiler against .NET Core 2.0, the last whose runtime npm has.
// `--only linux` or `--only windows` does one half; `--node 22` takes another Node.js under Wine. On Windows itself
// the .NET that is installed compiles and runs it, beside the Node.js that runs this.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { installFromDebian } from './lib/cross.mjs'
import { fail, root, run } from './lib/run.mjs'
import { buildSamples } from './lib/samples.mjs'
import { cargo, folder, node, setup, TARGET, windows, wine } from './lib/wine.mjs'

const VERSION = '2.0.0'
const PACKAGE_VERSION = '1.0.5'
const REFERENCES = [
  'System.Private.CoreLib',
  'System.Private.Xml',
  'System.Runtime',
  'System.Collections',
  'System.Collections.NonGeneric',
  'System.Console',
  'System.IO.FileSystem',
  'System.IO.MemoryMappedFiles',
  'System.Runtime.Extensions',
  'System.Runtime.InteropServices',
  'System.Threading',
  'System.Xml.ReaderWriter',
  'System.Xml.XmlSerializer',
]
const real = process.platform === 'win32'
const SYSTEMS = real ? ['windows'] : ['linux', 'windows']
const sources = join(root, '__test__', 'dotnet')

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: SYSTEMS },
    node: { type: 'string', default: '20' },
  },
})

function must(command, args, options) {
  const done = run(command, args, { quiet: true, ...options })
  if (!done.ok) fail(`${command} ${args.join(' ')} failed:\n${done.output}`)
  return done.output
}

const SOURCES = ['Peer.cs', 'Tasks.cs'].map((one) => join(sources, one))

/** The folder of the program compiled by the .NET of this machine. */
function installedDotnet() {
  const at = (...path) => join(root, 'target', 'dotnet', 'here', ...path)
  mkdirSync(at(), { recursive: true })
  writeFileSync(
    at('Peer.csproj'),
    `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net8.0</TargetFramework>
    <RollForward>Major</RollForward>
    <InvariantGlobalization>true</InvariantGlobalization>
    <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
  </PropertyGroup>
  <ItemGroup>${SOURCES.map((one) => `<Compile Include="${one}" />`).join('')}</ItemGroup>
</Project>
`,
  )
  must('dotnet', ['build', at('Peer.csproj'), '--configuration', 'Release', '--output', at('out')])
  rmSync(at('report'), { force: true })
  return at
}

/** The folder of a system's .NET Core and of the program compiled for it. */
function dotnet(name, program) {
  const at = (...path) => join(root, 'target', 'dotnet', name, ...path)
  mkdirSync(at(), { recursive: true })
  if (!existsSync(at('package', program))) {
    const runtime = `dotnet-${VERSION}-${name}@${PACKAGE_VERSION}`
    const output = must('npm', ['pack', '--silent', '--pack-destination', at(), runtime])
    must('tar', ['xzf', at(output.trim().split('\n').at(-1)), '-C', at()])
    chmodSync(at('package', program), 0o755)
  }
  const assemblies = at('package', 'shared', 'Microsoft.NETCore.App', VERSION)
  const references = REFERENCES.map((one) => `-r:${join(assemblies, `${one}.dll`)}`)
  const options = ['-nostdlib', '-noconfig', '-nowarn:1702', ...references]
  must('mcs', [...options, `-out:${at('Peer.dll')}`, ...SOURCES])
  const framework = { name: 'Microsoft.NETCore.App', version: VERSION }
  // On Linux it would want a library of cultures, in a version that Debian does not have.
  const configProperties = { 'System.Globalization.Invariant': true }
  const runtimeOptions = { framework, configProperties }
  writeFileSync(at('Peer.runtimeconfig.json'), JSON.stringify({ runtimeOptions }))
  rmSync(at('report'), { force: true })
  return at
}

/** Prints what a run said, which ends with "done". */
function report(name, at, output) {
  const said = existsSync(at('report')) ? readFileSync(at('report'), 'utf8') : ''
  console.log(`=== ${name}\n${said}`)
  if (!said.endsWith('done\n')) fail(output())
}

const runs = {
  linux() {
    const at = dotnet('linux', 'dotnet')
    const args = [at('package', 'dotnet'), at('Peer.dll'), at('report')]
    const script = join(sources, 'paths.mjs')
    const done = run(process.execPath, [script, ...args], { quiet: true })
    report('.NET on Linux', at, () => done.output)
  },
  windows() {
    if (real) {
      const at = installedDotnet()
      const args = ['dotnet', at('out', 'Peer.dll'), at('report')]
      const done = run(process.execPath, [join(sources, 'peers.mjs'), ...args], { quiet: true })
      return report('.NET on Windows', at, () => done.output)
    }
    setup()
    if (!cargo(['build', '--release', '-p', 'mmfile-node']).ok)
      fail('The addon could not be built.')
    const at = dotnet('win', 'dotnet.exe')
    const binary = join(root, 'mmfile.win32-x64-msvc.node')
    copyFileSync(join(folder, TARGET, 'release', 'mmfile_node.dll'), binary)
    const script = join(sources, 'peers.mjs')
    const args = [at('package', 'dotnet.exe'), at('Peer.dll'), at('report')]
    try {
      wine(node(values.node), [script, ...args].map(windows), { files: at('peers') })
    } finally {
      rmSync(binary)
    }
    report('.NET under Wine', at, () => readFileSync(at('peers.err'), 'utf8'))
  },
}

const unknown = values.only.filter((name) => !SYSTEMS.includes(name))
if (unknown.length > 0) fail(`--only ${SYSTEMS.join(' or ')}`)
if (!real) installFromDebian(['mono-mcs'])
build()
buildSamples()
for (const name of values.only) runs[name]()
