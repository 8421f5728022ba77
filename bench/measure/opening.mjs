// Making, opening and closing, 64 KiB.

import { hasTinybench, micro } from '../lib/micro.mjs'
import { Partner } from '../lib/partner.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'

const PEER = 'shm-typed-array'
const SIZE = 64 << 10

export async function opening({ mmfile, peers, has, report, turns }) {
  if (!hasTinybench()) return report.note('making and opening files needs tinybench')
  report.progress('making, opening and closing')
  const { MmFile } = mmfile
  const shm = has(PEER) ? peers[PEER].default : undefined
  const partner = new Partner('keeper', { args: shm ? [PEER] : [] })
  const { id, key } = await partner.ask({ size: SIZE })
  const calls = 10
  const repeat = (work) => ({
    calls,
    iterations: 20,
    work() {
      for (let call = 0; call < calls; call += 1) work()
    },
  })
  const sides = {
    create: repeat(() => MmFile.createNew(SIZE).close()),
    open: repeat(() => MmFile.openExisting(id).close()),
  }
  if (shm) {
    sides.peerCreate = repeat(() => {
      const memory = shm.create(SIZE, 'Buffer')
      if (!shm.destroy(memory.key)) throw new Error('it was not destroyed')
    })
    sides.peerOpen = repeat(() => {
      const memory = shm.get(key, 'Buffer')
      if (memory.length !== SIZE || shm.detach(key) < 1) throw new Error('it was not there')
    })
  }
  let figures
  try {
    figures = await alternate(turns, micro(sides))
  } finally {
    await partner.end()
  }
  const micros = (times) => times?.map((time) => time / 1e3)
  report.table({
    id: 'opening',
    title: 'Making and opening, 64 KiB',
    unit: 'µs',
    columns: ['make + close', 'open + close'],
    rows: [
      { label: 'mmfile', cells: [micros(figures.create), micros(figures.open)] },
      ...(shm
        ? [{ label: PEER, cells: [micros(figures.peerCreate), micros(figures.peerOpen)] }]
        : []),
    ],
  })
  const goal = (id, work, against, ours, theirs) =>
    report.goal({
      id,
      work,
      against: `${PEER} ${against}`,
      most: 4,
      unit: '×',
      rounds: theirs && ratios(ours, theirs),
    })
  const { create, open, peerCreate, peerOpen } = figures
  goal('create', 'createNew + close, 64 KiB', 'create + destroy', create, peerCreate)
  goal('open', 'openExisting + close, 64 KiB', 'get + detach', open, peerOpen)
}
