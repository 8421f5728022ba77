import { operations } from './native.js'

/*
 * The clock is the addon's, and the timers are those of when the package was loaded: a test framework replaces
 * the runtime's by others, which stand still.
 */

const { setTimeout, clearTimeout } = globalThis

/** Milliseconds on the monotonic clock. */
export const now = (): number => operations.now()

export { clearTimeout, setTimeout }
