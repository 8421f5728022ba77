// The contents of the published packages.

import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { pack, stageMain, stagePlatform } from '../../scripts/lib/pack.mjs'
import { packageName, platforms } from '../../scripts/platforms.mjs'
import { folder } from '../support/files.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'))

test('a package that was packed by hand would lack its platforms, and is refused', (t) => {
  const into = folder(t)
  const shell = process.platform === 'win32'
  const args = ['pack', '--pack-destination', into]
  const { status, stderr } = spawnSync('npm', args, { cwd: root, shell, encoding: 'utf8' })
  t.not(status, 0)
  t.regex(stderr, /npm run build:all packs all packages/)
  t.deepEqual(readdirSync(into), [])
  t.true(readJson(root, 'package.json').private, 'npm publish is refused without the script, too')
})

test.serial('every package says where it comes from', (t) => {
  const before = { ...process.env }
  t.teardown(() => {
    for (const name of ['GITHUB_SERVER_URL', 'GITHUB_REPOSITORY']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })
  process.env.GITHUB_SERVER_URL = 'https://forge.example'
  process.env.GITHUB_REPOSITORY = 'someone/mmfile'
  const at = folder(t)
  const binary = join(at, 'binary.node')
  writeFileSync(binary, '')
  const staged = [
    [stageMain(join(at, 'main')), undefined],
    ...platforms.map((one) => [
      stagePlatform(one, binary, join(at, one.platform)),
      `npm/${one.platform}`,
    ]),
  ]
  for (const [place, directory] of staged) {
    const { repository, homepage, bugs, private: hidden } = readJson(place, 'package.json')
    const url = 'git+https://forge.example/someone/mmfile.git'
    t.deepEqual(repository, { type: 'git', url, ...(directory && { directory }) })
    t.is(homepage, 'https://forge.example/someone/mmfile#readme')
    t.deepEqual(bugs, { url: 'https://forge.example/someone/mmfile/issues' })
    t.is(hidden, undefined)
  }
})

test('without its binary, `npx mmfile --help` is one line', (t) => {
  const at = folder(t)
  const packed = pack(stageMain(join(at, 'stage')), at)
  const installed = join(at, 'node_modules', 'mmfile')
  mkdirSync(installed, { recursive: true })
  const unpack = ['-xzf', join(at, packed.filename), '-C', installed, '--strip-components=1']
  t.is(spawnSync('tar', unpack).status, 0)
  t.false(existsSync(join(installed, 'dist', 'index.d.ts')), 'the declarations are on one page')
  const bin = join(at, 'node_modules', '.bin')
  mkdirSync(bin)
  if (process.platform === 'win32') return
  symlinkSync('../mmfile/dist/cli/main.js', join(bin, 'mmfile'))
  spawnSync('chmod', ['+x', join(installed, 'dist/cli/main.js')])
  writeFileSync(join(at, 'package.json'), '{ "private": true }')
  for (const args of [['--help'], ['ls']]) {
    const options = { cwd: at, encoding: 'utf8' }
    const { status, stdout, stderr } = spawnSync('npx', ['mmfile', ...args], options)
    t.deepEqual([status, stdout], [1, ''])
    t.regex(stderr, /^mmfile: ERR_MMFILE_LOAD: no native binary of mmfile .*\n$/)
    const [one] = platforms.filter((it) => stderr.includes(packageName(it)))
    t.truthy(one, 'it names the package that is missing')
  }
})
