// A message there and one back, between two processes.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Link } from '../lib/link.mjs'
import { hasMemory } from '../lib/machine.mjs'
import { alternate, median, ratios } from '../lib/statistics.mjs'
import { transports } from '../transports/index.mjs'

const execute = promisify(execFile)
/** mmfile-core without JavaScript, and for how many microseconds it spins before it sleeps. */
const CORE = { core: 1_000_000, coreBlocking: 0 }
const LABELS = {
  core: 'mmfile-core alone, Rust to Rust, with spin',
  coreBlocking: 'mmfile-core alone, Rust to Rust, blocking',
}
/** Not told apart by a round trip. */
const LEFT_OUT = ['mmfileInto', 'mmfileCopy', 'mmfileCached']
/** How many runs a round has where they cannot be long. */
const SHORT_RUNS = 8
const FULL = [64, 1 << 10, 1 << 16, 1 << 20, 1 << 26]
const QUICK = [64, 1 << 20]

/** How many round trips make a round: some milliseconds of them, as far as there is memory. */
function countOf(microseconds, size, { keeps, room = 256 << 20, milliseconds }) {
  const memory = keeps ? Math.floor(room / (2 * size)) : Number.POSITIVE_INFINITY
  return Math.max(2, Math.min(20_000, memory, Math.ceil((milliseconds * 1000) / microseconds)))
}

/** Tries a transport, finds out how fast it is, and answers what a round of it is. */
async function prepare(link, name, milliseconds) {
  const { size } = link
  const { keeps, room } = transports[name]
  // Every byte of these is compared, both ways.
  await link.trips(size > 1 << 20 ? 1 : 8, { all: true })
  let time = await link.trips(countOf(1000, size, { keeps, room, milliseconds }))
  time = await link.trips(countOf(time, size, { keeps, room, milliseconds: milliseconds / 4 }))
  const count = countOf(time, size, { keeps, room, milliseconds })
  const together = Math.max(1, Math.min(32, Math.floor(30 / time)))
  const runs = room ? SHORT_RUNS : 1
  return async () => {
    const times = []
    for (let run = 0; run < runs; run += 1) times.push(await link.trips(count, { together }))
    return median(times)
  }
}

async function measure(context, size, names) {
  const { quick, peers, floor } = context
  const milliseconds = quick ? 40 : 80
  const links = []
  const sides = {}
  try {
    for (const name of names) {
      if (transports[name].fits?.(size) === false) continue
      const link = new Link(name, size, peers)
      links.push(link)
      try {
        sides[name] = await prepare(link, name, milliseconds)
      } catch (error) {
        context.leaveOut(name, `round trip, ${context.report.size(size)}`, error)
      }
    }
    for (const [name, spin] of floor ? Object.entries(CORE) : []) {
      const guess = spin > 0 ? 2 : 60
      const time = size <= 4096 ? guess : guess + size / 1500
      const count = countOf(time, size, { keeps: true, milliseconds })
      const args = ['trip', size, count, spin].map(String)
      sides[name] = async () => Number((await execute(floor.program, args)).stdout) / 1000
    }
    const { rounds, seconds } = context.turns
    return await alternate(
      { rounds: size > 1 << 20 ? Math.min(5, rounds) : rounds, seconds },
      sides,
    )
  } finally {
    for (const link of links) await link.close()
  }
}

export async function roundTrip(context) {
  const { quick, report, has } = context
  const names = Object.keys(transports).filter(
    (name) => !LEFT_OUT.includes(name) && has(transports[name].peer),
  )
  const columns = []
  const figures = {}
  for (const size of quick ? QUICK : FULL) {
    if (!hasMemory(8 * size + (512 << 20))) {
      report.note(`round trips of ${report.size(size)} were left out: too little memory`)
      continue
    }
    report.progress(`round trip, ${report.size(size)}`)
    figures[size] = await measure(context, size, names)
    columns.push(size)
  }
  report.table({
    id: 'round-trip',
    title: 'Round trip',
    unit: 'µs',
    columns: columns.map((size) => report.size(size)),
    rows: [...names, ...(context.floor ? Object.keys(CORE) : [])].map((name) => ({
      label: transports[name]?.label ?? LABELS[name],
      cells: columns.map((size) => figures[size][name]),
    })),
  })
  const small = figures[64]
  const large = figures[1 << 20]
  if (small.core) report.floor('round trip of mmfile-core, 64 B', small.core)
  const goal = (id, work, against, least, rounds) =>
    report.goal({ id, work, against, least, unit: '× faster', rounds })
  const spin = 'round trip, blocking with spin, 64 B'
  goal('trip-spin', spin, 'Unix domain socket', 50, ratios(small.socket, small.mmfileSpin))
  report.goal({
    id: 'trip-core',
    work: spin,
    against: 'mmfile-core alone, Rust to Rust',
    most: 4,
    unit: '×',
    rounds: small.core && ratios(small.mmfileSpin, small.core),
  })
  const ring = 'a ring over shm-typed-array'
  const exclusive = (figures) =>
    figures.shmView && ratios(figures.shmView, figures.channelExclusive)
  goal('trip-channel', 'channel, round trip, spinning, 64 B', ring, 1, exclusive(small))
  goal('trip-channel-mebibyte', 'channel, round trip, 1 MiB', ring, 1, exclusive(large))
  const block = ratios(small.socket, small.mmfileBlock)
  const anywhere = 'wherever the scheduler puts it'
  goal(
    'trip-block',
    `round trip, blocking without spin, 64 B, ${anywhere}`,
    'Unix domain socket',
    1.7,
    block,
  )
  const copied = ratios(small.socket, small.mmfileAsyncCopy)
  goal(
    'trip-async',
    `round trip, asynchronous, 64 B, ${anywhere}`,
    'Unix domain socket',
    1.2,
    copied,
  )
  const view = ratios(large.socket, large.mmfileAsyncView)
  const work = 'round trip, asynchronous, view, 1 MiB'
  goal('trip-view', work, 'Unix domain socket', 5, view)
  const touched = ratios(large.socket, large.mmfileAsyncTouched)
  goal('trip-touched', `${work}, pages touched before`, 'Unix domain socket', 5, touched)
  const cached = large.mmfileAsyncCached && ratios(large.socket, large.mmfileAsyncCached)
  goal('trip-cached', `${work}, within the cache`, 'Unix domain socket', 5, cached)
}
