// index.d.ts: the whole public API on one page, rolled up from the declarations that tsc writes to dist.
// api-extractor brings its own compiler, since TypeScript 7 has no API for JavaScript yet.

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fail, root } from './run.mjs'

const require = createRequire(import.meta.url)
const HEADER = '/* Generated from src by `npm run build`. */\n'

/** The values that programs can import: the exports of dist/index.js. */
const values = () =>
  [
    ...readFileSync(join(root, 'dist', 'index.js'), 'utf8').matchAll(
      /^Object\.defineProperty\(exports, "(\w+)", \{ e/gm,
    ),
  ].map(([, name]) => name)

/** api-extractor exports a class that the index exports as a type as if programs could construct it. */
function typesAlone(page) {
  const constructed = values()
  const types = []
  const changed = page.replaceAll(
    /^export (declare (?:abstract )?class (\w+))/gm,
    (text, kept, name) => {
      if (constructed.includes(name)) return text
      types.push(name)
      return kept
    },
  )
  return changed.replace(/\n*export \{ \}\n*$/, `\n\nexport type { ${types.join(', ')} }\n`)
}

/** Writes the page to a file. */
export function rollUp(file) {
  const { Extractor, ExtractorConfig, ExtractorLogLevel } = require('@microsoft/api-extractor')
  const silent = { default: { logLevel: ExtractorLogLevel.None } }
  const faulty = { default: { logLevel: ExtractorLogLevel.Error } }
  const extractorConfig = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, 'dist', 'index.d.ts'),
      compiler: { tsconfigFilePath: join(root, 'tsconfig.json') },
      apiReport: { enabled: false },
      docModel: { enabled: false },
      dtsRollup: { enabled: true, untrimmedFilePath: file },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: faulty,
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  })
  const { succeeded } = Extractor.invoke(extractorConfig, {
    messageCallback: (message) => {
      // It says which compiler it uses, and that the project's is newer.
      if (message.category === 'console' && message.logLevel !== ExtractorLogLevel.Error)
        message.handled = true
    },
  })
  if (!succeeded) fail('index.d.ts could not be made')
  writeFileSync(file, HEADER + typesAlone(readFileSync(file, 'utf8')))
}
