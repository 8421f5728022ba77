// The README's first example, as someone would paste it.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The code blocks that follow a line naming a file. */
function examples() {
  return [...readme.matchAll(/^`([\w.]+)`:\n\n```js\n([\s\S]*?)^```$/gm)].map(([, name, code]) => ({
    name,
    code,
  }))
}

/** A folder in which the package is installed. */
function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'mmfile-readme-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(join(path, 'node_modules'))
  symlinkSync(root, join(path, 'node_modules', 'mmfile'), 'junction')
  return path
}

test('the first example prints what the README says', (t) => {
  const path = folder(t)
  const found = examples()
  t.deepEqual(
    found.map(({ name }) => name),
    ['source.mjs', 'destination.mjs'],
  )
  for (const { name, code } of found) writeFileSync(join(path, name), code)
  const [, promised] = readme.match(/`node source\.mjs` prints `([^`]+)`/)
  const options = { cwd: path, encoding: 'utf8', timeout: 30_000 }
  t.is(execFileSync(process.execPath, ['source.mjs'], options).trim(), promised)
})

test('it works by require, too', (t) => {
  const path = folder(t)
  const code = `
    const { MmFile, MmFileError, NamedMutex, list, sweep } = require('mmfile')
    const file = MmFile.createNew(100)
    file.append('required')
    console.log(file.read(0), [MmFileError, NamedMutex, list, sweep].every((one) => typeof one === 'function'))
    file.close()`
  writeFileSync(join(path, 'program.cjs'), code)
  const options = { cwd: path, encoding: 'utf8', timeout: 30_000 }
  t.is(execFileSync(process.execPath, ['program.cjs'], options).trim(), 'required true')
})

test('both commands of the README are scripts of the package', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.regex(readme, /^npm ci && npm start/m)
  t.regex(readme, /^npm ci && npm test/m)
  t.truthy(scripts.start && scripts.test)
})
