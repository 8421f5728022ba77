// The same as mmfile's, by 0.1.0.

import { previous } from '../lib/versions.mjs'
import { mmfileAsyncCopy, mmfileBlock, mmfileSpin } from './mmfile.mjs'

const ofPrevious = (transport) => ({
  ...transport,
  label: `0.1.0: ${transport.label}`,
  open: (role) => transport.open(role, undefined, undefined, previous),
})

export const previousSpin = ofPrevious(mmfileSpin)
export const previousBlock = ofPrevious(mmfileBlock)
export const previousAsyncCopy = ofPrevious(mmfileAsyncCopy)
