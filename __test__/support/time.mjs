// Times that a machine that stands still for some seconds, or is busy, does not spoil.

/** What comes at once comes within so many milliseconds. What waits in vain waits longer. */
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
