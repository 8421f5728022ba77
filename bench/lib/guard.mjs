// Against getting slower: limits with a wide margin to what is usual, all of them ratios to a floor or a
// peer of the same run. They say that something has gone wrong, not that a goal is missed.

/** By the ids of goals: a figure beyond it is a failure. */
const LIMITS = {
  'trip-core': { most: 12 },
  'trip-async': { least: 0.2 },
  lock: { least: 100 },
  create: { most: 40 },
  open: { most: 20 },
  'append-8': { most: 36 },
  'append-touched': { least: 0.25 },
  'string-1048576-ASCII': { most: 4 },
  'string-1024-ASCII': { most: 8 },
  'read-1048576-ASCII': { most: 4 },
  'read-1024-ASCII': { most: 8 },
  fill: { most: 2 },
  'open-many': { most: 9 },
  memory: { most: 0.5 },
}

/** The sections that have something to guard. */
export const GUARDED = ['trip', 'locks', 'opening', 'values', 'segments']

/** What is beyond its limit, in sentences, and what could not be looked at though nothing was missing. */
export function guard(goals, missing) {
  const measured = new Set(goals.filter(({ median }) => median !== undefined).map(({ id }) => id))
  const unmeasured = Object.keys(LIMITS).filter((id) => !measured.has(id))
  // What could not be installed is reported and left out, here as elsewhere.
  const unknown = missing.length > 0 ? [] : unmeasured.map((id) => `"${id}" was not measured`)
  const beyond = goals.flatMap(({ id, work, against, median }) => {
    const { least, most } = LIMITS[id] ?? {}
    if (median === undefined || (least === undefined && most === undefined)) return []
    if (most !== undefined && median <= most) return []
    if (least !== undefined && median >= least) return []
    const limit = most === undefined ? `at least ${least}` : `at most ${most}`
    return [`${work}, against ${against}: ${median.toFixed(2)}, and the guard wants ${limit}`]
  })
  return [...unknown, ...beyond]
}
