// Says which machines CI tests on: one for each platform.

import { platforms } from './platforms.mjs'
import { NODE_VERSIONS } from './runtime-versions.mjs'

const RUNNERS = {
  'win32-x64-msvc': 'windows-2025',
  'win32-arm64-msvc': 'windows-11-arm',
  'darwin-x64': 'macos-15-intel',
  'darwin-arm64': 'macos-15',
  'linux-x64-gnu': 'ubuntu-24.04',
  'linux-arm64-gnu': 'ubuntu-24.04-arm',
  'linux-x64-musl': 'ubuntu-24.04',
  'linux-arm64-musl': 'ubuntu-24.04-arm',
}

const systems = platforms.map(({ platform, libc }) => ({
  name: platform,
  runner: RUNNERS[platform],
  alpine: libc === 'musl',
}))
const tests = systems.flatMap((system) => NODE_VERSIONS.map((node) => ({ ...system, node })))
console.log(`systems=${JSON.stringify(systems)}`)
console.log(`tests=${JSON.stringify(tests)}`)
