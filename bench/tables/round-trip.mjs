// A message there and one back, between two processes.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bySize } from '../lib/by-size.mjs'
import { prepareTrip, tripsOf } from '../lib/prepare.mjs'
import { ratios } from '../lib/statistics.mjs'
import { transports } from '../transports/index.mjs'

const execute = promisify(execFile)
/** mmfile-core without JavaScript, and for how many microseconds it spins before it sleeps. */
const CORE = { core: 1_000_000, coreBlocking: 0 }
const LABELS = {
  core: 'mmfile-core alone, Rust to Rust, with spin',
  coreBlocking: 'mmfile-core alone, Rust to Rust, blocking',
}
/** A round trip does not distinguish them. */
const LEFT_OUT = ['mmfileInto', 'mmfileCopy', 'mmfileCached', 'channelReserve', 'channelSendWith']
/** The sizes of which channels have goals. */
const CHANNEL_SIZES = [64, 1 << 16, 1 << 20]
/** What mmfile-core needs without JavaScript. */
function core(floor, size, milliseconds) {
  const sides = Object.entries(CORE).map(([name, spin]) => {
    const guess = spin > 0 ? 2 : 60
    const time = size <= 4096 ? guess : guess + size / 1500
    const count = tripsOf(time, size, { keeps: true, milliseconds })
    const args = ['trip', size, count, spin].map(String)
    return [name, async () => Number((await execute(floor.program, args)).stdout) / 1000]
  })
  return Object.fromEntries(sides)
}

export async function roundTrip(context) {
  const { quick, report, floor } = context
  const milliseconds = quick ? 40 : 80
  const { names, sizes, figures } = await bySize(context, {
    title: 'round trip',
    leftOut: LEFT_OUT,
    needs: (size) => 8 * size + (512 << 20),
    prepare: (link, name) => prepareTrip(link, name, milliseconds),
    others: (size) => (floor ? core(floor, size, milliseconds) : {}),
  })
  report.table({
    id: 'round-trip',
    title: 'Round trip',
    unit: 'µs',
    columns: sizes.map((size) => report.size(size)),
    rows: [...names, ...(floor ? Object.keys(CORE) : [])].map((name) => ({
      label: transports[name]?.label ?? LABELS[name],
      cells: sizes.map((size) => figures[size][name]),
    })),
  })
  const small = figures[64]
  const large = figures[1 << 20]
  if (small.core) report.floor('round trip of mmfile-core, 64 B', small.core)
  const goal = (id, theirs, ours) => report.goal(id, theirs && ours && ratios(theirs, ours))
  goal('trip-spin', small.socket, small.mmfileSpin)
  report.goal('trip-core', small.core && ratios(small.mmfileSpin, small.core))
  for (const size of CHANNEL_SIZES) {
    const { shmView, channelExclusive } = figures[size] ?? {}
    goal(`trip-channel-${size}`, shmView, channelExclusive)
  }
  goal('trip-block', small.socket, small.mmfileBlock)
  goal('trip-async', small.socket, small.mmfileAsyncCopy)
  goal('trip-view', large.socket, large.mmfileAsyncView)
  goal('trip-touched', large.socket, large.mmfileAsyncTouched)
  goal('trip-cached', large.socket, large.mmfileAsyncCached)
}
