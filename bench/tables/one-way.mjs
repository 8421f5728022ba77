// As many messages as possible, one way, from one process to another that looks at each.

import { bySize } from '../lib/by-size.mjs'
import { prepareWay } from '../lib/prepare.mjs'
import { ratios } from '../lib/statistics.mjs'
import { transports } from '../transports/index.mjs'

/** One way there are no two ways to block: the writer does not wait. */
const LEFT_OUT = ['channelBlock', 'mmfileSpin', 'mmfileAsyncTouched', 'mmfileAsyncCached']
/** Nothing is copied: no figure to set beside the others'. */
const IN_PLACE = ['channelReserve', 'channelSendWith']
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
export async function oneWay(context) {
  const { quick, report } = context
  const { names, sizes, figures } = await bySize(context, {
    title: 'one way',
    leftOut: LEFT_OUT,
    apart: true,
    needs: (size) => 12 * size + (1 << 30),
    takes: (name, size) => name !== 'forkJson' || size <= 1 << 20, // it takes minutes
    prepare: (link, name) => prepareWay(link, name, quick ? 80 : 150),
  })
  const small = (size) => size <= 1 << 10
  report.table({
    id: 'one-way',
    title: 'One way, a processor each',
    unit: 'thousand messages/s up to 1 KiB, MB/s above',
    columns: sizes.map((size) => report.size(size)),
    rows: names.map((name) => ({
      label: LABELS[name] ?? transports[name].label,
      drawn: !IN_PLACE.includes(name),
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
