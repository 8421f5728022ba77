// The pages in docs: every example runs and prints what it says, and everything public is there.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'
import * as mmfile from 'mmfile'
import { pack, stageMain } from '../../scripts/lib/pack.mjs'
import {
  blocks,
  entries,
  installed,
  links,
  page,
  pages,
  promised,
  prose,
  root,
  runCode,
} from '../support/markdown.mjs'

for (const name of pages()) {
  for (const { heading, line, code, name: file } of blocks(page(name), 'js')) {
    if (file !== undefined) continue // one file of several: the tests of the cookbook run those
    // Only on Linux can programs without the package see the files.
    const elsewhere = code.includes('/dev/shm') && process.platform !== 'linux'
    const example = elsewhere ? test.skip : test
    example(`the example at ${name}:${line} runs (${heading})`, (t) => {
      const printed = runCode(t, installed(t), 'example.mjs', code)
      const expected = promised(code)
      if (expected.length > 0) t.deepEqual(printed, expected)
    })
  }
}

for (const name of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...pages()]) {
  test(`the links in ${name} lead somewhere`, (t) => {
    for (const link of links(page(name))) {
      if (/^https?:/.test(link)) continue
      const [path, anchor] = link.split('#')
      const target = path === '' ? name : join(dirname(name), path)
      t.true(existsSync(join(root, target)), link)
      if (anchor !== undefined) t.true(anchors(page(target)).has(anchor), link)
    }
    t.pass()
  })
}

test('the files that pages name are there', (t) => {
  const folders = [
    '',
    '__test__',
    'crates/mmfile-core',
    'crates/mmfile-core/src',
    'crates/mmfile-node/src',
    'fuzz',
  ]
  const isThere = (path) => folders.some((folder) => existsSync(join(root, folder, path)))
  for (const name of ['CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md', ...pages()]) {
    for (const [, path] of prose(page(name)).matchAll(/`([\w@.-]+(?:\/[\w.-]+)+)`/g)) {
      const isSource = /\.(?:rs|ts|mjs|js|py|c|cs|sh)$|^(?:__test__|tests|crates|scripts)\//.test(
        path,
      )
      if (!isSource || path.startsWith('dist/') || name === 'docs/ported-suites.md') continue
      const candidates = [path, `${path}.rs`, `${path}.test.mjs`, join(dirname(name), path)]
      t.true(candidates.some(isThere), `${name}: ${path}`)
    }
  }
})

test('CONTRIBUTING.md says how long each step of npm test takes', (t) => {
  const [, steps] = page('scripts/test.mjs').match(/^const steps = {\n([\s\S]*?)^}/m)
  const names = [...steps.matchAll(/^ {2}(?:'([^']+)'|"([^"]+)"|(\w+)):/gm)].map(([, ...quoted]) =>
    quoted.find(Boolean),
  )
  t.true(names.length > 15)
  for (const name of names)
    t.regex(page('CONTRIBUTING.md'), new RegExp(`\\| ${name} +\\| +\\d`), name)
})

test("links on npm's page lead only to files of the package", (t) => {
  const place = mkdtempSync(join(tmpdir(), 'mmfile-packed-'))
  t.teardown(() => rmSync(place, { recursive: true, force: true }))
  const { files } = pack(stageMain(join(place, 'package')), place)
  const packed = new Set(files.map(({ path }) => path))
  t.true(packed.has('README.md') && packed.has('docs/api.md'))
  for (const name of [...packed].filter((path) => path.endsWith('.md'))) {
    for (const link of links(page(name))) {
      if (/^(?:https?:|#)/.test(link)) continue
      const target = join(dirname(name), link.split('#')[0]).replaceAll('\\', '/')
      const isThere = [...packed].some((path) => path === target || path.startsWith(`${target}/`))
      t.true(isThere, `${name}: ${link}`)
    }
  }
})

/** The anchors that GitHub makes of headings. */
function anchors(text) {
  const headings = [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading)
  const plain = (heading) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
  return new Set(headings.map((heading) => plain(heading).replaceAll(' ', '-')))
}

const api = entries(page('docs/api.md'))
/** Whether something is described under that name, with its parameters or without. */
const has = (name) => [...api].some((entry) => entry === name || entry.startsWith(`${name}(`))

/** The own members of a class and of its prototype; symbols by their common names. */
function members(object) {
  const internal = ['constructor', 'length', 'name', 'prototype']
  return Reflect.ownKeys(object).flatMap((key) => {
    if (typeof key === 'string') return internal.includes(key) ? [] : [`.${key}`]
    const known = ['iterator', 'asyncIterator', 'dispose', 'asyncDispose']
    const name = known.find((one) => Symbol[one] === key || key.description === `nodejs.${one}`)
    return name === undefined ? [] : [`[Symbol.${name}]`]
  })
}

function checkAll(t, names) {
  t.true(names.length > 0)
  const missing = names.filter((name) => !has(name))
  t.deepEqual(missing, [], 'docs/api.md has a heading or a row of a table for each')
  t.log(`${names.length} names`)
}

const { MmFile, MmFileError, NamedMutex } = mmfile

test("the package's exports are in docs/api.md", (t) => {
  const names = Object.keys(mmfile).filter(
    (name) => !['default', 'module.exports', '__esModule'].includes(name),
  )
  checkAll(t, names)
})

test('the members of MmFile are in docs/api.md', (t) => {
  const statics = members(MmFile).map((name) => `MmFile${name}`)
  const own = members(MmFile.prototype).map((name) => `file${name}`)
  // `length` and `name` are every function's own, and `length` a file's, too.
  checkAll(t, [...statics, ...own, 'file.length'])
})

test('the members of NamedMutex are in docs/api.md', (t) => {
  const statics = members(NamedMutex).map((name) => `NamedMutex${name}`)
  checkAll(t, [...statics, ...members(NamedMutex.prototype).map((name) => `mutex${name}`)])
  checkAll(t, ['mutex.name'])
})

test('the members of Channel, its receivers and its writers are in docs/api.md', async (t) => {
  const { Channel } = mmfile
  const channel = Channel.createNew({ encoding: 'utf8', groups: ['g'] })
  const [reader, member] = [channel.reader(), channel.member('g')]
  const writer = await channel.exclusiveWriter()
  const room = writer.tryReserve(1)
  room[Symbol.dispose]()
  writer.sendSync('x')
  const [message, job] = [reader.tryReceive(), member.tryReceive()]
  job.ack()
  const above = (object) => Object.getPrototypeOf(Object.getPrototypeOf(object))
  const names = [
    ...members(Channel).map((name) => `Channel${name}`),
    ...members(Channel.prototype).map((name) => `channel${name}`),
    ...members(above(channel)).map((name) => `sender${name}`),
    ...members(Object.getPrototypeOf(writer)).map((name) => `writer${name}`),
    ...members(Object.getPrototypeOf(room)).map((name) => `room${name}`),
    ...members(above(reader)).map((name) => `receiver${name}`),
    ...members(Object.getPrototypeOf(message)).map((name) => `message${name}`),
  ]
  checkAll(
    t,
    names.filter((name) => !/inspect|custom/.test(name)),
  )
  checkAll(t, [
    'reader.createReadStream',
    'member.group',
    'room.bytes',
    'message.index',
    'job.attempt',
    'job.ack',
  ])
  channel.close()
})

test('the members of a guard are in docs/api.md', (t) => {
  const file = MmFile.createNew(100)
  const guard = file.tryLock()
  const names = [...members(guard), ...members(Object.getPrototypeOf(guard))]
  guard.release()
  file.close()
  checkAll(
    t,
    names.map((name) => `guard${name}`),
  )
})

test('the members of an error are in docs/api.md', (t) => {
  const facts = page('src/shared/errors.ts').match(/interface MmFileErrorFacts {([^}]*)}/)[1]
  const names = [...facts.matchAll(/(\w+)\?:/g)].map(([, name]) => name)
  const error = new MmFileError('ERR_MMFILE_CLOSED', 'closed')
  names.push(...Object.keys(error), 'name', 'message')
  checkAll(
    t,
    names.map((name) => `error.${name}`),
  )
})

test('every code is in docs/api.md', (t) => {
  const codes = [...new Set(page('src/shared/errors.ts').match(/ERR_[A-Z_]+(?=')/g))]
  t.true(codes.length >= 21)
  checkAll(t, codes)
})

test('every type, and every option in it, is in docs/api.md', (t) => {
  const exported = page('src/index.ts').match(/[A-Z]\w+(?=[,\s}]*(?:$|[,}]))/gm)
  checkAll(t, [...new Set(exported)])
  const types = (page('src/shared/types.ts') + page('src/channel/types.ts')).replaceAll(
    /\/\*\*[\s\S]*?\*\//g,
    '',
  )
  checkAll(t, [...new Set([...types.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name))])
})

test('every code has a section in docs/troubleshooting.md', (t) => {
  const text = page('docs/troubleshooting.md')
  const codes = [...new Set(page('src/shared/errors.ts').match(/ERR_MMFILE_[A-Z_]+(?=')/g))]
  t.true(codes.length >= 18)
  t.deepEqual(
    [...text.matchAll(/^### `(ERR_MMFILE_\w+)`$/gm)].map(([, code]) => code),
    codes,
  )
  for (const code of ['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE']) {
    t.true(prose(text).includes(`\`${code}\``), code)
  }
})

test('docs/README.md leads to every page', (t) => {
  const index = page('docs/README.md')
  const folders = pages().map((name) => name.split('/').slice(1))
  for (const [first, ...rest] of folders) {
    if (first !== 'README.md')
      t.true(index.includes(rest.length ? `(${first}/` : `(${first})`), first)
  }
})
