// Medians, spreads and the order in which the sides take their turns.

function quantile(sorted, at) {
  const place = (sorted.length - 1) * at
  const below = sorted[Math.floor(place)]
  return below + (sorted[Math.ceil(place)] - below) * (place % 1)
}

const ascending = (numbers) => Float64Array.from(numbers).sort()

export const median = (numbers) => quantile(ascending(numbers), 0.5)

/** The middle of some rounds, and how far they lie apart: half of them are between `low` and `high`. */
export function summary(rounds) {
  const sorted = ascending(rounds)
  const [low, middle, high] = [0.25, 0.5, 0.75].map((at) => quantile(sorted, at))
  return {
    rounds: sorted.length,
    median: middle,
    low,
    high,
    lowest: sorted[0],
    highest: sorted[sorted.length - 1],
    spread: middle === 0 ? 0 : (high - low) / middle,
  }
}

/** Round by round, one side divided by the other: what happened to the machine happened to both. */
export const ratios = (above, below) =>
  above.slice(0, below.length).map((value, round) => value / below[round])

/** Fewer rounds than this say nothing about their spread. */
const FEWEST = 3

/**
 * Lets every side have its turn in every round, and answers the figures by side. Each round begins
 * with another side, so that none always comes after the same one. On a busy machine, where rounds
 * take much longer than they should, there are fewer of them: as many as fit `seconds`.
 */
export async function alternate({ rounds, seconds }, sides) {
  const names = Object.keys(sides)
  const figures = Object.fromEntries(names.map((name) => [name, []]))
  const end = performance.now() + seconds * 1000
  for (let round = 0; round < rounds; round += 1) {
    if (round >= FEWEST && performance.now() > end) break
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length]
      figures[name].push(await sides[name](round))
    }
  }
  return figures
}

/** Three figures that count, or as many as stand before the point. */
export function figure(value) {
  const size = Math.abs(value)
  if (size >= 100 || value === 0) return String(Math.round(value))
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4)
}
