// Readers of a channel: what each of four takes, beside one; and the memory of a channel's processes in the long run.

import { Partner } from '../lib/partner.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'

const SIZE = 64
const READERS = 4
const CAPACITY = 1 << 20
const PATIENCE = 30_000
const MEBIBYTE = 1 << 20
/** V8's room for young objects grows by itself, by 40 MiB and more: here it does not. */
const FLAGS = ['--expose-gc', '--max-semi-space-size=1']
const FEW = 100_000
const MANY = 10_000_000

/** Nanoseconds of processor time that a message takes each of these readers. */
async function receiving(Channel, partners, count) {
  const channel = Channel.createNew({ capacity: CAPACITY })
  await Promise.all(partners.map((partner) => partner.ask({ id: channel.id, count })))
  const writer = await channel.exclusiveWriter()
  const value = Buffer.alloc(SIZE)
  for (let sent = 0; sent < count; sent += 1) {
    if (writer.trySend(value) === undefined) writer.sendSync(value, { timeout: PATIENCE })
  }
  const said = await Promise.all(partners.map((partner) => partner.hear()))
  channel.close()
  return said.reduce((sum, { time }) => sum + time, 0) / partners.length
}

/** Mebibytes by which the process that grows most has grown, garbage aside. */
async function growth(Channel) {
  const channel = Channel.createNew({ capacity: CAPACITY })
  const partners = ['sender', 'reader'].map((name) => new Partner(name, { execArgv: FLAGS }))
  const [sender, reader] = partners
  const { id } = channel
  /** What both take after so many messages more. */
  async function after(count, first) {
    const tell = { count, memory: true }
    if (first) await reader.ask({ ...tell, id })
    else reader.tell(tell)
    const said = await Promise.all([sender.ask({ id, count }), reader.hear()])
    return said.map(({ bytes }) => bytes)
  }
  try {
    const before = await after(FEW, true)
    const grown = await after(MANY - FEW, false)
    return Math.max(...grown.map((bytes, at) => bytes - before[at])) / MEBIBYTE
  } finally {
    for (const partner of partners) await partner.end()
    channel.close()
  }
}

export async function readers({ mmfile, report, turns, quick }) {
  const { Channel } = mmfile
  report.progress('readers of a channel')
  const count = quick ? 200_000 : 1_000_000
  const partners = Array.from({ length: READERS }, () => new Partner('reader'))
  let figures
  try {
    await receiving(Channel, partners, count / 4)
    figures = await alternate(turns, {
      one: () => receiving(Channel, partners.slice(0, 1), count),
      four: () => receiving(Channel, partners, count),
    })
  } finally {
    for (const partner of partners) await partner.end()
  }
  report.table({
    id: 'readers',
    title: 'Readers of one exclusive writer, 64 B',
    unit: 'ns of processor time a message and reader',
    columns: ['1 reader', `${READERS} readers`],
    rows: [{ label: 'mmfile, channel, tryReceiveAll', cells: [figures.one, figures.four] }],
  })
  report.goal('channel-readers', ratios(figures.four, figures.one))
  if (quick) return
  report.progress('memory of a channel')
  const { grown } = await alternate({ ...turns, rounds: 3 }, { grown: () => growth(Channel) })
  report.goal('channel-memory', grown)
}
