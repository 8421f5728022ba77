// npm run test:nats: installs and builds packages/nats, as far as that is not done, and tests it with a real
// nats-server. Arguments go to the test runner.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { fail, newest, root, run } from './lib.mjs'

const folder = 'packages/nats'

export function buildNats() {
  build()
  const lock = join(folder, 'node_modules', '.package-lock.json')
  if (newest(lock) < newest(join(folder, 'package-lock.json'))) {
    console.log(`Installing ${folder} …`)
    const args = ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error']
    if (!run('npm', args).ok) fail(`${folder} could not be installed.`)
  }
  if (!run('tsc', ['-b', folder]).ok) fail(`${folder} could not be built.`)
}

export function testNats(args = []) {
  buildNats()
  return (
    run('tsc', ['-p', join(folder, 'test', 'types')]).ok &&
    run('ava', args, { cwd: join(root, folder) }).ok
  )
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exit(testNats(process.argv.slice(2)) ? 0 : 1)
}
