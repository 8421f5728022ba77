// Bundles the screen of `mmfile top` with its drawing library into dist, beside the licences of its parts: the
// package needs no other package at run time.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './run.mjs'

const folder = join('dist', 'cli', 'top')

/** Licences that packages name without bringing the text, as their sources say it. */
const missing = {
  'yoga-layout': `Copyright (c) Facebook, Inc. and its affiliates.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`,
}

/** Parts of CommonJS in the bundle ask for Node.js's own modules. */
const banner = `import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)`

/** A development tool to which the drawing library would connect. */
const withoutTools = {
  name: 'without developer tools',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/devtools\.js$/ }, ({ path }) => ({ path, namespace: 'absent' }))
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: '' }))
  },
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [join('src', 'cli', 'top', 'screen', 'main.tsx')],
  outfile: join(folder, 'screen.mjs'),
  bundle: true,
  minify: true,
  // The licences are in a separate file.
  legalComments: 'none',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  banner: { js: banner },
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [withoutTools],
  metafile: true,
  logLevel: 'warning',
})
const [{ inputs }] = Object.values(metafile.outputs)
const bundled = Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0)
const packages = new Set(bundled.flatMap((input) => packageOf(input) ?? []))
const licences = new Set([...packages].map(licenceOf))
writeFileSync(join(root, folder, 'screen.LICENSES.txt'), [...licences].sort().join('\n'))

/** The folder of the package that a module belongs to; undefined for the repository's own. */
function packageOf(input) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]
}

function licenceOf(place) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, place, 'package.json')))
  const file = readdirSync(join(root, place)).find((one) => /^licen[cs]e/i.test(one))
  const text = file === undefined ? missing[name] : readFileSync(join(root, place, file), 'utf8')
  if (text === undefined) throw new Error(`${name} is bundled, and has no licence`)
  return `${name} ${version} (${license})\n\n${text.trim()}\n\n${'-'.repeat(72)}\n`
}
