// What 0.1.0 reached, against 0.1.0 itself.

import { appending } from '../lib/appending.mjs'
import { Link } from '../lib/link.mjs'
import { micro } from '../lib/micro.mjs'
import { placed } from '../lib/placed.mjs'
import { processors } from '../lib/placement.mjs'
import { prepareTrip, prepareWay } from '../lib/prepare.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'
import { current, previous } from '../lib/versions.mjs'

const ROUNDS = 5
const MILLISECONDS = 60
const NOTHING = () => {}
const SIZE = 64 << 10

/** Calls in one process, as `micro` takes them. */
function calls(version) {
  const { MmFile } = version.library()
  const { options } = version
  const files = {
    createNew: (capacity) => MmFile.createNew(capacity, options),
    openExisting: (id) => MmFile.openExisting(id, options),
  }
  const repeat = (count, work) => ({
    calls: count,
    iterations: 20,
    work() {
      for (let call = 0; call < count; call += 1) work()
    },
  })
  const kept = files.createNew(SIZE)
  const many = { calls: 1000, iterations: 50 }
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(12).slice(0, 512)
  return {
    'append-8': appending(files, Buffer.from('8 bytes.'), 8, many),
    'append-string': appending(files, text, 1024, { calls: 200, iterations: 60 }),
    create: repeat(10, () => files.createNew(SIZE).close()),
    open: repeat(10, () => files.openExisting(kept.id).close()),
    lock: repeat(1000, () => version.withLock(kept, NOTHING)),
  }
}

/** Between processes: by the names of goals, which transports and how much. */
const LINKS = {
  'trip-spin': { ours: 'mmfileSpin', theirs: 'previousSpin', size: 64, prepare: prepareTrip },
  'way-64': { ours: 'mmfileBlock', theirs: 'previousBlock', size: 64, prepare: prepareWay },
  'way-1048576': {
    ours: 'mmfileBlock',
    theirs: 'previousBlock',
    size: 1 << 20,
    prepare: prepareWay,
  },
}
const PLACED = {
  'trip-block': ['mmfileBlock', 'previousBlock'],
  'trip-async': ['mmfileAsyncCopy', 'previousAsyncCopy'],
}

async function linked({ ours, theirs, size, prepare }, turns) {
  const links = [new Link(ours, size, {}), new Link(theirs, size, {})]
  try {
    const [now, before] = [
      await prepare(links[0], ours, MILLISECONDS),
      await prepare(links[1], theirs, MILLISECONDS),
    ]
    const figures = await alternate(turns, { now, before })
    const { now: first, before: second } = figures
    // Of rates, the time is the inverse.
    return prepare === prepareWay ? ratios(second, first) : ratios(first, second)
  } finally {
    for (const link of links) await link.close()
  }
}

export async function before(context) {
  const { report, has } = context
  if (!has('0.1.0')) return
  report.progress('0.1.0')
  const turns = { rounds: ROUNDS, seconds: context.turns.seconds }
  const [ours, theirs] = [current, previous].map((version) => micro(calls(version)))
  for (const name of Object.keys(ours)) {
    const figures = await alternate(turns, { ours: ours[name], theirs: theirs[name] })
    report.goal(`previous-${name}`, ratios(figures.ours, figures.theirs))
  }
  for (const [name, link] of Object.entries(LINKS)) {
    report.goal(`previous-${name}`, await linked(link, turns))
  }
  const [first, second] = processors()
  if (second === undefined) return
  const names = Object.values(PLACED).flat()
  const figures = await placed({ ...context, turns }, names, [first, first])
  for (const [name, [ours, theirs]] of Object.entries(PLACED)) {
    report.goal(`previous-${name}`, ratios(figures[ours], figures[theirs]))
  }
}
