// The README's first example, as someone would paste it.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { installed, page, runCode } from './support/markdown.mjs'

const readme = page('README.md')

/** The code blocks that follow a line naming a file. */
function examples() {
  return [...readme.matchAll(/^`([\w.]+)`:\n\n```js\n([\s\S]*?)^```$/gm)].map(([, name, code]) => ({
    name,
    code,
  }))
}

test('the first example prints what the README says', (t) => {
  const path = installed(t)
  const found = examples()
  t.deepEqual(
    found.map(({ name }) => name),
    ['source.mjs', 'destination.mjs'],
  )
  for (const { name, code } of found) writeFileSync(join(path, name), code)
  const [, promised] = readme.match(/`node source\.mjs` prints `([^`]+)`/)
  t.deepEqual(runCode(t, path, 'source.mjs', found[0].code), [promised])
})

test('it works by require, too', (t) => {
  const path = installed(t)
  const code = `
    const { MmFile, MmFileError, NamedMutex, list, sweep } = require('mmfile')
    const file = MmFile.createNew(100)
    file.append('required')
    console.log(file.read(0), [MmFileError, NamedMutex, list, sweep].every((one) => typeof one === 'function'))
    file.close()`
  t.deepEqual(runCode(t, path, 'program.cjs', code), ['required true'])
})

test('both commands of the README are scripts of the package', (t) => {
  const { scripts } = JSON.parse(page('package.json'))
  t.regex(readme, /^npm ci && npm start/m)
  t.regex(readme, /^npm ci && npm test/m)
  t.truthy(scripts.start && scripts.test)
})
