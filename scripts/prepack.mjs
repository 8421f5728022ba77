// npm runs this before `npm pack` and `npm publish` at the root, which would make a package without its
// platforms. The packages are packed from folders that have no scripts: see lib/pack.mjs.

import { fail } from './lib/run.mjs'

fail(
  'A package of this folder would lack the binaries: npm run build:all packs all packages into target/packages.',
)
