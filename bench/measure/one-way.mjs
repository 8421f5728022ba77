// As many messages as possible, one way, from one process to another that looks at each.

import { bySize } from '../lib/by-size.mjs'
import { median, ratios } from '../lib/statistics.mjs'
import { transports } from '../transports/index.mjs'

/** One way there are no two ways to block: the writer does not wait. */
const LEFT_OUT = ['channelBlock', 'mmfileSpin', 'mmfileAsyncTouched', 'mmfileAsyncCached']
const LABELS = {
  mmfileBlock: 'mmfile, append + view',
  mmfileTouched: 'mmfile, append + view, pages touched before',
  mmfileCached: 'mmfile, append + view, touched before, within the cache',
  mmfileInto: 'mmfile, append + readInto',
  mmfileCopy: 'mmfile, append + readBytes (a copy)',
  mmfileAsyncView: 'mmfile, append + asynchronous iterator, view',
  mmfileAsyncCopy: 'mmfile, append + asynchronous iterator, copy',
  channelReserve: 'mmfile, channel, reserve, numbers alone written, view',
  channelSendWith: 'mmfile, channel, trySendWith, numbers alone written, view',
}
/** The sizes of which channels have goals. */
const CHANNEL_SIZES = [64, 1 << 16, 1 << 20]
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
  const goal = (id, ours, theirs) => report.goal(id, ours && theirs && ratios(ours, theirs))
  for (const size of CHANNEL_SIZES) {
    for (const name of ['channelExclusive', 'channelShared']) {
      goal(`way-${name}-${size}`, figures[size]?.[name], figures[size]?.shmView)
    }
  }
  goal('in-place-reserve', mebibyte.channelReserve, mebibyte.channelExclusive)
  goal('in-place-sendWith', mebibyte.channelSendWith, mebibyte.channelShared)
  goal('way-socket', bytes.mmfileBlock, bytes.socket)
  goal('way-shm', bytes.mmfileBlock, bytes.shmView)
  goal('way-iterator', bytes.mmfileAsyncView, bytes.socket)
  goal('way-copy', bytes.mmfileAsyncCopy, bytes.socket)
  goal('way-mebibyte', mebibyte.mmfileBlock, mebibyte.socket)
  goal('way-touched', mebibyte.mmfileTouched, mebibyte.socket)
  goal('way-cached', mebibyte.mmfileCached, mebibyte.socket)
}
