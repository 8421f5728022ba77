// The README's first example in the forms in which programs are written.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll('\r\n', '\n')

/** The output that the README promises. */
export const [, promised] = /`node source\.mjs` prints `([^`]+)`/.exec(readme)

/** The files of the example, by name, as an application would have them with `import`. */
export const modules = new Map(
  [...readme.matchAll(/^`([\w.]+)`:\n\n```js\n([\s\S]*?)^```$/gm)].map(([, name, code]) => [
    name,
    code,
  ]),
)

const renamed = (change) =>
  new Map(
    [...modules].map(([name, code]) => [name, code]).map(([name, code]) => change(name, code)),
  )

/** The same files, with other names for each other. */
const withExtension = (code, extension) => code.replaceAll('.mjs', extension)

/** The same with `require`: without `import`, and without `await` at the top. */
export const scripts = renamed((name, code) => {
  const required = code.replaceAll(/^import (\{.*?\}) from ('.*?')$/gm, 'const $1 = require($2)')
  const body = withExtension(required, '.cjs')
  return [name.replace('.mjs', '.cjs'), `(async () => {\n${body}})()\n`]
})

/** The same as TypeScript, which becomes the modules above when it is compiled. */
export const typescript = renamed((name, code) => [name.replace('.mjs', '.mts'), code])

/** As TypeScript that becomes CommonJS. */
export const commonTypescript = renamed((name, code) => {
  const imports = code.match(/^import .*$/gm).join('\n')
  const body = withExtension(code.replaceAll(/^import .*\n/gm, ''), '.cjs')
  return [name.replace('.mjs', '.cts'), `${imports}\nvoid (async () => {\n${body}})()\n`]
})
