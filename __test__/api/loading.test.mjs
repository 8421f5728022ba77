// How the package is loaded, and what it says when it cannot be.

import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import * as imported from 'mmfile'
import { run, start } from '../support/child.mjs'
import { create, left } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../../', import.meta.url))

test('import and require give the same', (t) => {
  const required = require('mmfile')
  t.is(required.MmFile, imported.MmFile)
  t.is(required.MmFileError, imported.MmFileError)
  t.is(imported.default.MmFile, imported.MmFile)
})

test('internal files cannot be loaded', (t) => {
  t.throws(() => require('mmfile/binding.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  t.throws(() => require('mmfile/dist/shared/native.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  t.is(require('mmfile/package.json').name, 'mmfile')
})

/** A second copy of the package, as npm installs one where two versions are asked for. */
function copy(t) {
  const folder = mkdtempSync(join(tmpdir(), 'mmfile-copy-'))
  t.teardown(() => rmSync(folder, { recursive: true, maxRetries: 5 }))
  for (const name of readdirSync(root)) {
    if (/^(dist|package\.json|(index|binding)\.js|.*\.node)$/.test(name)) {
      cpSync(join(root, name), join(folder, name), { recursive: true })
    }
  }
  return folder
}

test('two copies know the errors of each other', async (t) => {
  const { said, code, stderr } = await run(t, 'loading', 'copies', [copy(t)])
  const known = [true, true, false, false]
  t.deepEqual(said, [{ same: false, known: [known, known], seen: ['x'] }])
  t.deepEqual([code, stderr], [0, ''])
})

test('locks of two copies survive the death of their process', async (t) => {
  const files = Array.from({ length: 5 }, () => create(t))
  const ids = files.map(({ id }) => id)
  const { said, signal } = await run(t, 'loading', 'hold', [copy(t), ...ids])
  t.deepEqual(said, [ids.map(() => false)])
  t.is(signal, process.platform === 'win32' ? null : 'SIGKILL')
  for (const file of files) {
    const begun = performance.now()
    t.true(file.withLockSync(({ abandoned }) => abandoned, { timeout: 60_000 }))
    const took = performance.now() - begun
    t.true(took < PROMPT, `${took} ms`)
  }
})

test('a copy that would block the thread that holds the lock through another copy fails', async (t) => {
  const { said, stderr } = await run(t, 'loading', 'blocked', [copy(t)])
  t.deepEqual([said, stderr], [[['ERR_MMFILE_LOCK_HELD', 0]], ''])
})

test('nor does one send while another copy fills a message', async (t) => {
  const { said, stderr } = await run(t, 'loading', 'filling', [copy(t)])
  t.deepEqual([said, stderr], [[['ERR_MMFILE_LOCK_HELD', 1]], ''])
})

test('two copies in a process are no peers of each other', async (t) => {
  const file = create(t)
  const child = start(t, 'loading', 'peer', [copy(t), file.id])
  t.is(await child.next(), 'here')
  await sleep(300)
  file.close()
  t.deepEqual(await child.next(), { missed: 'ERR_MMFILE_PEER_GONE', open: true })
})

for (const what of ['binary', 'JavaScript']) {
  test(`however often its ${what} is loaded, one listener waits for the end`, async (t) => {
    const { said, code, stderr } = await run(t, 'loading', 'listeners', [what])
    t.deepEqual([said, code, stderr], [[1], 0, ''])
  })
}

test('the end of a program ends its files, whichever copy opened them', async (t) => {
  const { said, code } = await run(t, 'loading', 'late')
  t.is(code, 0)
  t.deepEqual(left(said[0]), [])
})

test('files of a copy that was thrown away are closed', async (t) => {
  const { said, code } = await run(t, 'loading', 'dropped', [], { node: ['--expose-gc'] })
  t.is(code, 0)
  t.true(said[0] <= 1, `${said[0]} of 20 are open`)
})

test('loaded twice, as test runners do: each copy has its own error class', async (t) => {
  const { said, code, stderr } = await run(t, 'loading', 'twice')
  t.deepEqual([said, code, stderr], [[{ same: false, own: [true, true], read: 'x' }], 0, ''])
})

const { glibcVersionRuntime: glibc } = process.report.getReport().header
const library = { linux: glibc ? '-gnu' : '-musl', win32: '-msvc' }[process.platform] ?? ''
const platformPackage = `mmfile-${process.platform}-${process.arch}${library}`

/** A copy of the package that has no binary, with these platform packages. */
function incomplete(t, { optionalDependencies, installed = {} } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'mmfile-'))
  t.teardown(() => rmSync(directory, { recursive: true, maxRetries: 5 }))
  for (const part of ['dist', 'index.js', 'binding.js'])
    cpSync(join(root, part), join(directory, part), { recursive: true })
  const contents = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const text = JSON.stringify({ ...contents, optionalDependencies })
  writeFileSync(join(directory, 'package.json'), text)
  for (const [name, binary] of Object.entries(installed)) {
    const place = join(directory, 'node_modules', name)
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'package.json'), '{ "main": "binary.node" }')
    writeFileSync(join(place, 'binary.node'), binary)
  }
  return directory
}

/** The error of loading a folder's copy of the package. */
async function failure(t, directory, options) {
  const { said } = await run(t, 'loading', 'broken', [directory], options)
  const [{ name, code, message, ...rest }] = said
  t.deepEqual([name, code], ['MmFileError', 'ERR_MMFILE_LOAD'])
  const machine = `${process.platform} ${process.arch}${glibc ? ` with glibc ${glibc}` : ''}`
  t.true(message.includes(machine), message)
  t.notRegex(message, /\.\./)
  return { message, ...rest }
}

/** The error message of a copy of the package without a binary, with these platform packages. */
async function withoutBinary(t, { env, ...what } = {}) {
  return failure(t, incomplete(t, what), { env })
}

test('without its binary the error says what is missing and what to do', async (t) => {
  const { message, lines, cause } = await withoutBinary(t)
  t.true(message.includes(`${platformPackage} is not installed`), message)
  t.true(message.includes('npm run build'), message)
  t.is(cause, undefined, 'there is nothing that the system could have said')
  t.true(lines < 20, `${lines} lines`)
})

test('without the package of this platform it says how to get it', async (t) => {
  const { message } = await withoutBinary(t, {
    optionalDependencies: { [platformPackage]: '1.2.3' },
  })
  t.true(message.includes('--omit=optional'), message)
  t.true(message.includes(`npm install ${platformPackage}@1.2.3`), message)
})

test('on a platform that there is no package for it says which there are', async (t) => {
  const optionalDependencies = { 'mmfile-sunos-sparc': '1.2.3', 'mmfile-aix-ppc64': '1.2.3' }
  const { message } = await withoutBinary(t, { optionalDependencies })
  t.regex(
    message,
    /: this version has them for sunos-sparc, aix-ppc64\. Run it on one of these, or build/,
  )
})

test("a binary that the system refuses: the error has the system's message", async (t) => {
  const installed = { [platformPackage]: 'this is no library' }
  const { message, lines, cause } = await withoutBinary(t, { installed })
  t.regex(message, /^the native binary of mmfile cannot be loaded on /)
  t.regex(message, /binary\.node/)
  t.true(message.includes(cause), cause)
  t.true(lines < 40, `${lines} lines`)
  t.regex(message, /from another machine, install it again/)
})

test('a path in the environment that leads to no binary is named', async (t) => {
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: join(root, 'not-there.node') }
  const { message } = await withoutBinary(t, { env })
  t.regex(message, /NAPI_RS_NATIVE_LIBRARY_PATH names .*not-there\.node/)
})

for (const flags of [['--no-addons'], [permission(), '--allow-fs-read=*']]) {
  test(`where ${flags[0]} disables addons, the flag to use is named`, async (t) => {
    const { message } = await failure(t, root, { node: [...flags, '--no-warnings'] })
    t.regex(message, /--allow-addons where it has --permission, and without --no-addons/)
    t.notRegex(message, /node_modules/)
  })
}

/** The name of the flag that restricts permissions. */
function permission() {
  const flag = '--permission'
  return process.allowedNodeEnvironmentFlags.has(flag) ? flag : `--experimental${flag.slice(1)}`
}

for (const args of [['--help'], ['ls']]) {
  test(`without a binary, \`mmfile ${args}\` is one line`, async (t) => {
    const main = join(incomplete(t), 'dist/cli/main.js')
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
      encoding: 'utf8',
    })
    t.deepEqual([status, stdout], [1, ''])
    t.regex(stderr, /^mmfile: ERR_MMFILE_LOAD: no native binary of mmfile .*\n$/)
  })
}
