// Installs and builds the sample applications, as far as they are not.

import { build } from '../build.mjs'
import { install } from './install.mjs'
import { fail, run } from './run.mjs'

export function buildSamples() {
  build()
  install('samples')
  if (!run('tsc', ['-b', 'samples']).ok) fail('The samples could not be built.')
}

/** The same for their tests, which take a browser. */
export function buildSamplesAndTests() {
  buildSamples()
  install('samples/test')
}
