// Eight processes that append to one file, beside one that does.

import { Partner } from '../lib/partner.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'

const SIZE = 64
const WRITERS = 8

/** Looks at every segment: whole, and each writer's in the order in which it wrote them. */
function check(file, writers, count) {
  if (file.length !== writers * count + 1) throw new Error('segments are missing')
  const next = new Uint32Array(writers)
  for (let index = 1; index < file.length; index += 1) {
    const bytes = Buffer.from(file.view(index))
    const [writer, number] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)]
    const whole = bytes.length === SIZE && bytes.readUInt32LE(SIZE - 4) === number
    if (!whole || number !== next[writer] || bytes[SIZE / 2] !== writer + 1) {
      throw new Error(`segment ${index} is not what writer ${writer} wrote next`)
    }
    next[writer] += 1
  }
}

/** Appends a second, of all of them together. */
async function together(MmFile, partners, total) {
  const count = total / partners.length
  const file = MmFile.createNew((total + 1) * (SIZE + 4))
  await Promise.all(partners.map((partner, writer) => partner.ask({ id: file.id, writer, count })))
  file.append('go')
  const done = await Promise.all(partners.map((partner) => partner.hear()))
  const started = Math.min(...done.map((one) => one.started))
  const ended = Math.max(...done.map((one) => one.ended))
  check(file, partners.length, count)
  file.close()
  return (total / (ended - started)) * 1e9
}

export async function writers({ mmfile, report, turns, quick }) {
  report.progress('eight writers')
  const total = quick ? 200_000 : 800_000
  const partners = Array.from({ length: WRITERS }, () => new Partner('writer'))
  const one = partners.slice(0, 1)
  try {
    await together(mmfile.MmFile, partners, total / 4)
    const figures = await alternate(turns, {
      one: () => together(mmfile.MmFile, one, total),
      eight: () => together(mmfile.MmFile, partners, total),
    })
    report.table({
      id: 'writers',
      title: 'Writers of one file, 64 B',
      unit: 'thousand appends/s, of all together',
      columns: ['1 writer', `${WRITERS} writers`],
      rows: [
        {
          label: 'mmfile, append',
          cells: [figures.one, figures.eight].map((rates) => rates.map((rate) => rate / 1e3)),
        },
      ],
    })
    report.goal('writers', ratios(figures.eight, figures.one))
  } finally {
    for (const partner of partners) await partner.end()
  }
}
