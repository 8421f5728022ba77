// npm run test:nats: installs and builds packages/nats, as far as that is not done, and tests it with a real
// nats-server. Arguments go to the test runner.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { install } from './lib/install.mjs'
import { stageNats, wellFormed } from './lib/pack.mjs'
import { fail, root, run } from './lib/run.mjs'

const folder = 'packages/nats'

export function buildNats(options) {
  build(options)
  install(folder)
  if (!run('tsc', ['-b', folder]).ok) fail(`${folder} could not be built.`)
}

export function testNats(args = []) {
  buildNats()
  return (
    run('tsc', ['-p', join(folder, 'test', 'types')]).ok &&
    wellFormed(stageNats, join(folder, 'dist')) &&
    run('ava', args, { cwd: join(root, folder) }).ok
  )
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exit(testNats(process.argv.slice(2)) ? 0 : 1)
}
