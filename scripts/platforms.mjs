// The platforms: what each package is called, which machine it is for, and how its binary is made.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './lib/run.mjs'

/** The oldest C library of the GNU binaries. */
export const GLIBC = '2.17'

/** The largest tarball of a platform's package, in bytes: what a user downloads. */
export const MAX_TARBALL = 600_000

const linux = (cpu, arch, abi) => ({
  platform: `linux-${cpu}-${abi}`,
  title: `Linux on ${cpu} with ${abi === 'gnu' ? `glibc ${GLIBC} or newer` : 'musl'}`,
  triple: `${arch}-unknown-linux-${abi}`,
  os: 'linux',
  cpu,
  libc: abi === 'gnu' ? 'glibc' : 'musl',
  build: {
    target: `${arch}-unknown-linux-${abi}`,
    glibc: abi === 'gnu' ? GLIBC : undefined,
    // A library that a musl Node.js loads has to use that process's C library.
    flags: abi === 'musl' ? ['-C', 'target-feature=-crt-static'] : [],
    file: 'libmmfile_node.so',
  },
})

const windows = (cpu, arch, build) => ({
  // Loaders look for this name; which linker made the file does not matter to them.
  platform: `win32-${cpu}-msvc`,
  title: `Windows on ${cpu}`,
  triple: `${arch}-pc-windows-msvc`,
  os: 'win32',
  cpu,
  build: { flags: [], file: 'mmfile_node.dll', needsNodeLibrary: true, ...build },
})

const mac = (cpu, arch) => ({
  platform: `darwin-${cpu}`,
  title: `macOS on ${cpu}`,
  triple: `${arch}-apple-darwin`,
  os: 'darwin',
  cpu,
  build: {
    target: `${arch}-apple-darwin`,
    flags: [
      // The addon finds Node.js's exports in the program that loads it.
      ...['-undefined', 'dynamic_lookup'],
      // Its own name, which would else be where it was built; no symbols but those that it exports,
      // and no libraries that are named without a need.
      ...[`-Wl,-install_name,@rpath/mmfile.darwin-${cpu}.node`, '-Wl,-x', '-Wl,-dead_strip_dylibs'],
    ].flatMap((one) => ['-C', `link-arg=${one}`]),
    env: { MACOSX_DEPLOYMENT_TARGET: '11.0' },
    keepSymbols: true, // stripping takes a tool of Apple's
    file: 'libmmfile_node.dylib',
  },
})

const MINGW = {
  target: 'x86_64-pc-windows-gnu',
  apt: ['gcc-mingw-w64-x86-64-posix'],
  linker: 'x86_64-w64-mingw32-gcc-posix',
}

export const platforms = [
  windows('x64', 'x86_64', MINGW),
  windows('arm64', 'aarch64', {
    target: 'aarch64-pc-windows-gnullvm',
    flags: ['-C', 'link-arg=-Wl,-s'],
    keepSymbols: true,
  }),
  mac('x64', 'x86_64'),
  mac('arm64', 'aarch64'),
  linux('x64', 'x86_64', 'gnu'),
  linux('arm64', 'aarch64', 'gnu'),
  linux('x64', 'x86_64', 'musl'),
  linux('arm64', 'aarch64', 'musl'),
]

/** The platform of a machine. */
export const platformOf = ({ os, cpu, libc }) =>
  platforms.find((one) => one.os === os && one.cpu === cpu && one.libc === libc)

/** The name of a platform's package. */
export const packageName = ({ platform }) => `mmfile-${platform}`

/** The name of a platform's binary, as napi-rs' loader wants it. */
export const binaryName = ({ platform }) => `mmfile.${platform}.node`

/** A JSON file of the repository. */
export const readJson = (name) => JSON.parse(readFileSync(join(root, name), 'utf8'))
