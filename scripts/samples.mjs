// Installs and builds the sample applications, as far as they are not.

import { build } from './build.mjs'
import { fail, newest, run } from './lib.mjs'

export function buildSamples() {
  build()
  if (newest('samples/node_modules/.package-lock.json') < newest('samples/package-lock.json')) {
    console.log('Installing the samples …')
    if (
      !run('npm', ['ci', '--prefix', 'samples', '--no-audit', '--no-fund', '--loglevel=error']).ok
    ) {
      fail('The samples could not be installed.')
    }
  }
  if (!run('tsc', ['-b', 'samples']).ok) fail('The samples could not be built.')
}
