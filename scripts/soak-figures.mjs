// The resources of a soak's survivors, at its start and at its end.

/** The permitted growth of the runtime's memory, in MiB; descriptors and threads may not grow at all. */
export const TOLERANCE = 24

/** Prints a survivor's figures, and adds what is wrong with them to `problems`. */
export function judge(name, measured, problems) {
  const [first, last] = [measured[0], measured.at(-1)]
  if (measured.length < 2) {
    problems.push(`${name} was not measured twice`)
    return
  }
  const row = (what, digits = 0) => `${first[what].toFixed(digits)} → ${last[what].toFixed(digits)}`
  console.log(
    `${name}: resident ${row('resident', 1)} MiB, descriptors ${row('descriptors')}, threads ${row('threads')}`,
  )
  if (last.resident - first.resident > TOLERANCE) problems.push(`${name}: resident memory grew`)
  if (last.descriptors > first.descriptors) problems.push(`${name}: descriptors are left open`)
  if (last.threads > first.threads) problems.push(`${name}: threads are left running`)
}
