// As many messages as possible, one way, from one process to another that looks at each.

import { bySize } from '../lib/by-size.mjs'
import { median, ratios } from '../lib/statistics.mjs'
import { transports } from '../transports/index.mjs'

/** One way there are no two ways to block: the writer does not wait. */
const LEFT_OUT = ['mmfileSpin', 'mmfileAsyncTouched', 'mmfileAsyncCached']
const LABELS = {
  mmfileBlock: 'mmfile, append + view',
  mmfileTouched: 'mmfile, append + view, pages touched before',
  mmfileCached: 'mmfile, append + view, touched before, within the cache',
  mmfileInto: 'mmfile, append + readInto',
  mmfileCopy: 'mmfile, append + readBytes (a copy)',
  mmfileAsyncView: 'mmfile, append + asynchronous iterator, view',
  mmfileAsyncCopy: 'mmfile, append + asynchronous iterator, copy',
}
/** How many runs a round has where they cannot be long. */
const SHORT_RUNS = 12

function countOf(nanoseconds, size, { keeps, room = 512 << 20, milliseconds }) {
  const memory = keeps ? Math.floor(room / size) : Number.POSITIVE_INFINITY
  const least = size > 1 << 20 ? 2 : 4
  return Math.max(least, Math.min(1_000_000, memory, Math.ceil((milliseconds * 1e6) / nanoseconds)))
}

/** Tries a transport, finds out how fast it is, and answers what a round of it is. */
async function prepare(link, name, milliseconds) {
  const { size } = link
  const { keeps, room } = transports[name]
  // Every byte of these is compared.
  await link.oneWay(size > 1 << 20 ? 2 : 50, { all: true })
  let count = countOf(20_000, size, { keeps, room, milliseconds: milliseconds / 4 })
  for (const part of [4, 1]) {
    const time = (await link.oneWay(count)) / count
    count = countOf(time, size, { keeps, room, milliseconds: milliseconds / part })
  }
  const runs = room ? SHORT_RUNS : 1
  // Messages a second.
  return async () => {
    const rates = []
    for (let run = 0; run < runs; run += 1) rates.push((count / (await link.oneWay(count))) * 1e9)
    return median(rates)
  }
}

export async function oneWay(context) {
  const { quick, report } = context
  const { names, sizes, figures } = await bySize(context, {
    title: 'one way',
    leftOut: LEFT_OUT,
    needs: (size) => 12 * size + (1 << 30),
    takes: (name, size) => name !== 'forkJson' || size <= 1 << 20, // it takes minutes
    prepare: (link, name) => prepare(link, name, quick ? 80 : 150),
  })
  const small = (size) => size <= 1 << 10
  report.table({
    id: 'one-way',
    title: 'One way',
    unit: 'thousand messages/s up to 1 KiB, MB/s above',
    columns: sizes.map((size) => report.size(size)),
    rows: names.map((name) => ({
      label: LABELS[name] ?? transports[name].label,
      cells: sizes.map((size) =>
        figures[size][name]?.map((rate) => (small(size) ? rate / 1e3 : (rate * size) / 1e6)),
      ),
    })),
  })
  const [bytes, mebibyte] = [figures[64], figures[1 << 20]]
  const goal = (id, work, against, least, rounds) =>
    report.goal({ id, work, against, least, unit: '×', rounds })
  const view = bytes.mmfileBlock
  const work = 'one way, 64 B, append + view'
  goal('way-socket', work, 'Unix domain socket', 8, ratios(view, bytes.socket))
  const shm = bytes.shmView && ratios(view, bytes.shmView)
  goal('way-shm', work, 'shm-typed-array (no lock, no order, no crash safety)', 1, shm)
  const ring = 'a ring over shm-typed-array (no lock, no order, no crash safety)'
  const channels = {
    channelExclusive: ['exclusive writer', 1.5],
    channelShared: ['shared writers', 1],
  }
  for (const [name, [writers, least]] of Object.entries(channels)) {
    const against = bytes.shmView && ratios(bytes[name], bytes.shmView)
    goal(
      `way-${name}`,
      `channel, ${writers}, one way, 64 B, tryReceiveAll of views`,
      ring,
      least,
      against,
    )
    const large = mebibyte.shmView && ratios(mebibyte[name], mebibyte.shmView)
    goal(`way-${name}-mebibyte`, `channel, ${writers}, one way, 1 MiB`, ring, 1, large)
  }
  const [iterated, copied] = [bytes.mmfileAsyncView, bytes.mmfileAsyncCopy]
  const iterator = 'one way, 64 B, asynchronous iterator'
  goal('way-iterator', `${iterator}, view`, 'Unix domain socket', 3, ratios(iterated, bytes.socket))
  goal('way-copy', `${iterator}, copy`, 'Unix domain socket', 3, ratios(copied, bytes.socket))
  const megabyte = ratios(mebibyte.mmfileBlock, mebibyte.socket)
  const large = 'one way, 1 MiB, append + view'
  goal('way-mebibyte', large, 'Unix domain socket', 13, megabyte)
  const touched = ratios(mebibyte.mmfileTouched, mebibyte.socket)
  goal('way-touched', `${large}, pages touched before`, 'Unix domain socket', 13, touched)
  const cached = mebibyte.mmfileCached && ratios(mebibyte.mmfileCached, mebibyte.socket)
  goal('way-cached', `${large}, within the cache`, 'Unix domain socket', 13, cached)
}
