/*
 * The clock is the addon's, and the timers were saved when the package was loaded: a test framework may
 * replace the runtime's with fake ones, which stand still.
 */

import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { operations } from './native.js'

/** Milliseconds on the monotonic clock. */
export const now = (): number => operations.now()

const timers = { clearImmediate, clearTimeout, setImmediate, setTimeout }

export { timers }
