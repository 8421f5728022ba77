// How the package is loaded, and what it says when it cannot be.

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import * as imported from 'mmfile'
import { run } from './support/child.mjs'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../', import.meta.url))

test('import and require give the same', (t) => {
  const required = require('mmfile')
  t.is(required.MmFile, imported.MmFile)
  t.is(required.MmFileError, imported.MmFileError)
  t.is(imported.default.MmFile, imported.MmFile)
})

test('what is not for programs cannot be loaded', (t) => {
  t.throws(() => require('mmfile/index.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  t.throws(() => require('mmfile/dist/native.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  t.is(require('mmfile/package.json').name, 'mmfile')
})

test('loaded twice, as test runners do: each has errors of its own class', async (t) => {
  const { said, code, stderr } = await run(t, 'loading', 'twice')
  t.deepEqual([said, code, stderr], [[{ same: false, own: [true, true], read: 'x' }], 0, ''])
})

test('without its binary it says what is missing and what to do', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mmfile-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  for (const part of ['dist', 'index.js', 'package.json']) {
    cpSync(join(root, part), join(directory, part), { recursive: true })
  }
  const { said } = await run(t, 'loading', 'broken', [directory])
  const [{ name, code, message, cause }] = said
  t.deepEqual([name, code, cause], ['MmFileError', 'ERR_MMFILE_LOAD', true])
  for (const part of [process.platform, process.arch, 'install'])
    t.true(message.includes(part), message)
  const { glibcVersionRuntime: glibc } = process.report.getReport().header
  if (glibc) t.true(message.includes(`glibc ${glibc}`), message)
})
