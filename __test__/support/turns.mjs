// How long a loop keeps the timers of its thread waiting.

/** The processor time of this process in milliseconds: other programs do not count. */
export function processorTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * Runs `work`, and measures the gaps between the turns that timers get meanwhile, in milliseconds of processor time:
 * other programs take their share of the clock's. Other threads of the process, which collect garbage, take theirs of
 * the process's time: each gap is the shorter one of the two.
 */
export async function gapsDuring(work) {
  const used = () => [performance.now(), processorTime()]
  const gaps = []
  let last = used()
  const measure = () => {
    const now = used()
    gaps.push(Math.min(...now.map((time, at) => time - last[at])))
    last = now
  }
  const timer = setInterval(measure, 1)
  try {
    await work()
    measure()
  } finally {
    clearInterval(timer)
  }
  return gaps.sort((a, b) => a - b)
}

/**
 * Has timers run at least every 10 ms, by the middle one of the gaps: a machine of other programs charges a process for
 * what they take, too. Says the worst.
 */
export async function leavesTimersTheirTurn(t, work) {
  const gaps = await gapsDuring(work)
  const at = (part) => gaps[Math.floor((gaps.length - 1) * part)].toFixed(1)
  const figures = `${gaps.length} turns: half of the gaps up to ${at(0.5)} ms, 9 of 10 up to ${at(0.9)}, the worst ${at(1)}`
  t.log(figures)
  t.true(gaps.length > 5, figures)
  t.true(at(0.5) < 10, figures)
}
