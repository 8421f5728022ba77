// Small costs, with tinybench: the sides take turns in rounds, each a short bench of its own.

/** Longer than what looking at the clock costs, by so much that it does not matter. */
let Bench

export function useTinybench(module) {
  Bench = module?.Bench
}

export const hasTinybench = () => Bench !== undefined

/**
 * One round of one side: the median time of a call in nanoseconds. `work` makes `calls` calls, and is
 * run `iterations` times; `before` and `after` are not measured.
 */
async function once(name, { work, calls = 1, iterations, before, after }) {
  const bench = new Bench({ iterations, time: 0, warmup: false, throws: true })
  bench.add(name, work, { beforeAll: before, afterAll: after })
  await bench.run()
  return (bench.getTask(name).result.latency.p50 * 1e6) / calls
}

/** The sides by name, as functions for `alternate`. */
export const micro = (sides) =>
  Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, () => once(name, side)]))
