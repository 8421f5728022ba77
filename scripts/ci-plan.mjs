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

/** Alpine with each Node.js: the tags, as they were when these were looked up. */
const IMAGES = {
  20: 'node:20-alpine@sha256:fb4cd12c85ee03686f6af5362a0b0d56d50c58a04632e6c0fb8363f609372293',
  22: 'node:22-alpine@sha256:8094c002d08262dba12645a3b4a15cd6cd627d30bc782f53229a2ec13ee22a00',
  24: 'node:24-alpine@sha256:a0b9bf06e4e6193cf7a0f58816cc935ff8c2a908f81e6f1a95432d679c54fbfd',
  26: 'node:26-alpine@sha256:ef24c5053d50fdc3e4e56eb4e7ddb7861874ab0fdc797046ba897581deb8e868',
}

const systems = platforms.map(({ platform, libc }) => ({
  name: platform,
  runner: RUNNERS[platform],
  alpine: libc === 'musl',
}))
const tests = systems.flatMap((system) =>
  NODE_VERSIONS.map((node) => ({ ...system, node, image: IMAGES[node] })),
)
console.log(`systems=${JSON.stringify(systems)}`)
console.log(`tests=${JSON.stringify(tests)}`)
