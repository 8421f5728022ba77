// Installs the packages of a folder that has its own package-lock.json.

import { join } from 'node:path'
import { fail, newest, run } from './run.mjs'

/** Does so if they are not installed, or are older than the lock file. */
export function install(folder) {
  const lock = join(folder, 'node_modules', '.package-lock.json')
  if (newest(lock) >= newest(join(folder, 'package-lock.json'))) return
  console.log(`Installing ${folder} …`)
  const args = ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error']
  if (!run('npm', args).ok) fail(`The packages of ${folder} could not be installed.`)
}
