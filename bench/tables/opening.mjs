// Creating, opening and closing: 64 KiB, with many files of the user, and beside a large creation.

import { hasTinybench, micro } from '../lib/micro.mjs'
import { Partner } from '../lib/partner.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'

const PEER = 'shm-typed-array'
const SIZE = 64 << 10

export async function opening({ mmfile, peers, has, report, turns }) {
  if (!hasTinybench()) return report.note('creating and opening files needs tinybench')
  report.progress('creating, opening and closing')
  const { Channel, MmFile } = mmfile
  const shm = has(PEER) ? peers[PEER].default : undefined
  const partner = new Partner('keeper', { args: shm ? [PEER] : [] })
  const { id, key, channel } = await partner.ask({ size: SIZE })
  const calls = 10
  const repeat = (work) => ({ calls, iterations: 20, work: () => repeatedly(calls, work) })
  const sides = {
    create: repeat(() => MmFile.createNew(SIZE).close()),
    open: repeat(() => MmFile.openExisting(id).close()),
    createChannel: repeat(() => Channel.createNew({ capacity: SIZE }).close()),
    openChannel: repeat(() => Channel.openExisting(channel).close()),
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
    title: 'Creating and opening, 64 KiB',
    unit: 'µs',
    columns: ['create + close', 'open + close'],
    rows: [
      { label: 'mmfile', cells: [micros(figures.create), micros(figures.open)] },
      {
        label: 'mmfile, a channel',
        cells: [micros(figures.createChannel), micros(figures.openChannel)],
      },
      ...(shm
        ? [{ label: PEER, cells: [micros(figures.peerCreate), micros(figures.peerOpen)] }]
        : []),
    ],
  })
  const { create, open, peerCreate, peerOpen } = figures
  report.goal('create', peerCreate && ratios(create, peerCreate))
  report.goal('open', peerOpen && ratios(open, peerOpen))
  await besideManyFiles({ MmFile, report, turns })
  await besideLargeCreation({ MmFile, report, turns })
}

/** How many live files of the user there are beside the one that is created. */
const MANY = [300, 3000]

async function besideManyFiles({ MmFile, report, turns }) {
  const createAndClose = micro({
    create: {
      calls: 100,
      iterations: 5,
      work: () => repeatedly(100, () => MmFile.createNew(SIZE).close()),
    },
  }).create
  const beside = (count) => async (round) => {
    const partner = new Partner('keeper')
    try {
      await partner.ask({ size: 1000, count })
      return await createAndClose(round)
    } finally {
      await partner.end()
    }
  }
  const sides = { none: createAndClose }
  for (const count of MANY) sides[count] = beside(count)
  const figures = await alternate(turns, sides)
  report.table({
    id: 'many-files',
    title: 'createNew + close, 64 KiB, with so many live files of the user',
    unit: 'µs',
    columns: ['none', ...MANY.map(String)],
    rows: [
      {
        label: 'mmfile',
        cells: [figures.none, ...MANY.map((count) => figures[count])].map((times) =>
          times.map((time) => time / 1e3),
        ),
      },
    ],
  })
  report.goal('many-files', ratios(figures[MANY.at(-1)], figures.none))
}

const LARGE = 1 << 30

async function besideLargeCreation({ MmFile, report, turns }) {
  /** The time that 99 of 100 creations take at most, in nanoseconds. */
  const slowest = () => {
    const times = []
    for (let call = 0; call < 2000; call += 1) {
      const begun = process.hrtime.bigint()
      MmFile.createNew(1000).close()
      times.push(Number(process.hrtime.bigint() - begun))
    }
    return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]
  }
  const partner = new Partner('large-creator')
  let figures
  try {
    figures = await alternate(turns, {
      alone: slowest,
      async beside() {
        await partner.ask({ size: LARGE })
        const time = slowest()
        await partner.ask({ size: 0 })
        return time
      },
    })
  } catch (error) {
    if (!/NO_SPACE|shared memory/.test(error.message)) throw error
    return report.note(`beside a creation of 1 GiB: left out (${error.message.split('\n')[0]})`)
  } finally {
    await partner.end()
  }
  report.goal('beside-large', ratios(figures.beside, figures.alone))
}

function repeatedly(times, work) {
  for (let call = 0; call < times; call += 1) work()
}
