// Ten million segments in one file.

import { Partner } from '../lib/partner.mjs'
import { ratios } from '../lib/statistics.mjs'

const MILLION = 1_000_000
const COUNT = 10 * MILLION
const SIZE = 8
const OPENS = 9

export async function segments({ mmfile, floor, report, quick }) {
  report.progress('ten million segments')
  const { MmFile } = mmfile
  const value = Buffer.alloc(SIZE)
  const millions = []
  const opens = []
  const reads = []
  const memory = []
  const fills = quick ? 2 : 5
  // One whose code is being compiled would make the first million slow.
  const warm = MmFile.createNew(12 * 200_000)
  for (let index = 0; index < 200_000; index += 1) warm.append(value)
  warm.close()
  for (let fill = 0; fill < fills; fill += 1) {
    const file = MmFile.createNew(COUNT * (SIZE + 4))
    const times = []
    for (let million = 0; million < COUNT / MILLION; million += 1) {
      const started = performance.now()
      for (let index = 0; index < MILLION; index += 1) {
        value.writeUInt32LE(million * MILLION + index)
        file.append(value)
      }
      times.push(performance.now() - started)
    }
    millions.push(times)
    // Numbers some way apart, of which every one must be where it was put.
    for (let index = 0; index < COUNT; index += 99_991) {
      if (file.readBytes(index).readUInt32LE() !== index)
        throw new Error(`segment ${index} is lost`)
    }
    const bytes = new Uint8Array(file.view(0).buffer)
    for (let turn = 0; turn < OPENS; turn += 1) {
      let started = performance.now()
      const other = MmFile.openExisting(file.id)
      const { length } = other
      other.close()
      opens.push(performance.now() - started)
      if (length !== COUNT) throw new Error(`${length} segments instead of ${COUNT}`)
      if (!floor) continue
      started = performance.now()
      floor.addon.sum(bytes)
      reads.push(performance.now() - started)
    }
    const walker = new Partner('walker', { execArgv: ['--expose-gc'] })
    const walked = await walker.ask({ id: file.id })
    if (walked.length !== COUNT) throw new Error('the other process saw another length')
    memory.push(walked.bytes)
    await walker.end()
    file.close()
  }
  const nanoseconds = (time) => (time * 1e6) / MILLION
  const at = (million) => millions.map((times) => nanoseconds(times.at(million)))
  report.table({
    id: 'segments',
    title: 'Ten million segments of 8 B',
    unit: '',
    columns: [''],
    rows: [
      { label: 'append, first million, ns each', cells: [at(0)] },
      { label: 'append, second million, ns each', cells: [at(1)] },
      { label: 'append, last million, ns each', cells: [at(-1)] },
      { label: 'openExisting + length + close, µs', cells: [opens.map((time) => time * 1e3)] },
      { label: 'reading the same bytes once, µs', cells: [reads.map((time) => time * 1e3)] },
      {
        label: 'private memory of a handle that has found every segment, MB',
        cells: [memory.map((bytes) => bytes / 1e6)],
      },
    ],
  })
  report.goal('fill', ratios(at(-1), at(0)))
  report.goal('open-many', floor && ratios(opens, reads))
  report.goal(
    'memory',
    memory.map((bytes) => bytes / (8 * COUNT)),
  )
}
