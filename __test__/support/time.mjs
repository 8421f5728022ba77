// Time limits that also hold on a busy machine, or one that stands still for some seconds.

/** The limit, in milliseconds, for something that comes at once. A wait that should not end waits longer. */
export const PROMPT = 10_000

/** Milliseconds since now, without those for which this process was held up. */
export function stopwatch() {
  const started = performance.now()
  let last = started
  let heldUp = 0
  const timer = setInterval(() => {
    const now = performance.now()
    heldUp += Math.max(0, now - last - 30)
    last = now
  }, 10)
  return () => {
    clearInterval(timer)
    return performance.now() - started - heldUp
  }
}
