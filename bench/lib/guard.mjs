// Against getting slower: what is beyond the limit that a goal has for the guard, with a wide margin to what is usual.
// It says that something has gone wrong, not that a goal is missed.

/** The sections that have something to guard. */
export const GUARDED = ['trip', 'locks', 'opening', 'values', 'segments']

/** What is beyond its limit, in sentences, and what could not be looked at though nothing was missing. */
export function guard(goals, missing) {
  return goals.flatMap(({ id, work, against, least, median, guard: limit }) => {
    if (limit === undefined) return []
    // What could not be installed is reported and left out, here as elsewhere.
    if (median === undefined) return missing.length > 0 ? [] : [`"${id}" was not measured`]
    const atLeast = least !== undefined
    if (atLeast ? median >= limit : median <= limit) return []
    const wanted = `${atLeast ? 'at least' : 'at most'} ${limit}`
    return [`${work}, against ${against}: ${median.toFixed(2)}, and the guard wants ${wanted}`]
  })
}
