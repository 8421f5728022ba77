// Finds out how fast a transport is, and how much of it makes a round.

import { transports } from '../transports/index.mjs'
import { median } from './statistics.mjs'

/** How many runs a round has where they cannot be long. */
const SHORT_RUNS = { trip: 8, way: 12 }

/** How many round trips make a round: some milliseconds of them, as far as there is memory. */
export function tripsOf(microseconds, size, { keeps, room = 256 << 20, milliseconds }) {
  const memory = keeps ? Math.floor(room / (2 * size)) : Number.POSITIVE_INFINITY
  return Math.max(2, Math.min(20_000, memory, Math.ceil((milliseconds * 1000) / microseconds)))
}

/** Tries a transport, finds out how fast it is, and answers what a round of it is. */
export async function prepareTrip(link, name, milliseconds) {
  const { size } = link
  const { keeps, room } = transports[name]
  // Every byte of these is compared, both ways.
  await link.trips(size > 1 << 20 ? 1 : 8, { all: true })
  let time = await link.trips(tripsOf(1000, size, { keeps, room, milliseconds }))
  time = await link.trips(tripsOf(time, size, { keeps, room, milliseconds: milliseconds / 4 }))
  const count = tripsOf(time, size, { keeps, room, milliseconds })
  const together = Math.max(1, Math.min(32, Math.floor(30 / time)))
  const runs = room ? SHORT_RUNS.trip : 1
  return async () => {
    const times = []
    for (let run = 0; run < runs; run += 1) times.push(await link.trips(count, { together }))
    return median(times)
  }
}

function messagesOf(nanoseconds, size, { keeps, room = 512 << 20, milliseconds }) {
  const memory = keeps ? Math.floor(room / size) : Number.POSITIVE_INFINITY
  const least = size > 1 << 20 ? 2 : 4
  return Math.max(least, Math.min(1_000_000, memory, Math.ceil((milliseconds * 1e6) / nanoseconds)))
}

/** Tries a transport, finds out how fast it is, and answers what a round of it is. */
export async function prepareWay(link, name, milliseconds) {
  const { size } = link
  const { keeps, room } = transports[name]
  // Every byte of these is compared. Then a first guess: 20 µs, and a nanosecond a byte.
  await link.oneWay(size > 1 << 20 ? 2 : 50, { all: true })
  let count = messagesOf(20_000 + size, size, { keeps, room, milliseconds: milliseconds / 4 })
  for (const part of [4, 1]) {
    const time = (await link.oneWay(count)) / count
    count = messagesOf(time, size, { keeps, room, milliseconds: milliseconds / part })
  }
  const runs = room ? SHORT_RUNS.way : 1
  // Messages a second.
  return async () => {
    const rates = []
    for (let run = 0; run < runs; run += 1) rates.push((count / (await link.oneWay(count))) * 1e9)
    return median(rates)
  }
}
