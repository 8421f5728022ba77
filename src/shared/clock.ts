/*
 * The clock and the timers as they were when the package was loaded: a test framework may replace the
 * global ones by others, which stand still.
 */

const { performance, setTimeout, clearTimeout } = globalThis
const read = performance.now.bind(performance)

/** Milliseconds on the monotonic clock. */
export const now = (): number => read()

export { clearTimeout, setTimeout }
