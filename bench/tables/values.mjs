// What it costs to put bytes and strings into a file and to take strings out, in one process.

import { APPENDS, appending, fileFor, touch } from '../lib/appending.mjs'
import { hasTinybench, micro } from '../lib/micro.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'

const MEBIBYTE = 1 << 20
async function bytes({ mmfile, floor, report, turns }) {
  const source = Buffer.alloc(MEBIBYTE)
  for (let at = 0; at < MEBIBYTE; at += 1) source[at] = (at * 31) & 255
  const target = new Uint8Array(MEBIBYTE)
  const targets = new Uint8Array(APPENDS * MEBIBYTE).fill(1)
  const plain = new Uint8Array(source.buffer, source.byteOffset, MEBIBYTE)
  let turn = 0
  const check = (copied) => {
    if (!copied) throw new Error('nothing was copied')
  }
  const figures = await alternate(
    turns,
    micro({
      warm: { iterations: APPENDS, work: () => check(floor.addon.copy(target, 0, plain)) },
      places: {
        iterations: APPENDS,
        before: () => touch(targets),
        work: () => check(floor.addon.copy(targets, (turn++ % APPENDS) * MEBIBYTE, plain)),
      },
      first: appending(mmfile.MmFile, source, MEBIBYTE, { touched: false }),
      touched: appending(mmfile.MmFile, source, MEBIBYTE, { touched: true }),
    }),
  )
  if (Buffer.compare(target, source) !== 0) throw new Error('memcpy did not copy')
  report.floor('memcpy of 1 MiB', figures.warm)
  const rate = (times) => times.map((time) => (MEBIBYTE / time) * 1e3)
  report.table({
    id: 'bytes',
    title: 'Bytes of 1 MiB into a file',
    unit: 'MB/s',
    columns: ['1 MiB'],
    rows: [
      { label: 'memcpy, to the same warm place every time', cells: [rate(figures.warm)] },
      { label: `memcpy, to ${APPENDS} warm places in turn`, cells: [rate(figures.places)] },
      { label: 'append, to pages that were touched before', cells: [rate(figures.touched)] },
      { label: 'append, to a new file', cells: [rate(figures.first)] },
    ],
  })
  const { warm, places, touched, first } = figures
  report.goal('append-places', ratios(places, touched))
  report.goal('append-touched', ratios(warm, touched))
  report.goal('append-first', ratios(warm, first))
}

const ASCII = 'The quick brown fox jumps over the lazy dog. '
const OTHER = 'Съешь ещё этих мягких французских булок. '

/** Text that takes `size` bytes as UTF-16. */
const textOf = (sample, size) => {
  const text = sample.repeat(Math.ceil(size / 2 / sample.length)).slice(0, size / 2)
  // Not as a tree of pieces, nor as a piece of something longer: as it comes from elsewhere.
  const latin = sample === ASCII
  return latin
    ? Buffer.from(text, 'latin1').toString('latin1')
    : Buffer.from(text, 'utf16le').toString('utf16le')
}

async function strings({ mmfile, report, turns }) {
  const rows = []
  const kinds = { ASCII, Cyrillic: OTHER }
  for (const [size, calls] of [
    [MEBIBYTE, 1],
    [1 << 10, 200],
  ]) {
    const iterations = calls === 1 ? APPENDS : 60
    for (const [kind, sample] of Object.entries(kinds)) {
      const text = textOf(sample, size)
      const target = Buffer.alloc(size, 1)
      const targets = Buffer.alloc(APPENDS * size, 1)
      let turn = 0
      const stored = Buffer.from(text, 'utf16le')
      let file
      let got
      const repeat = (work) => ({
        calls,
        iterations,
        work() {
          for (let call = 0; call < calls; call += 1) work()
        },
      })
      const figures = await alternate(
        turns,
        micro({
          write: repeat(() => target.write(text, 'utf16le')),
          places: {
            ...repeat(() => {
              targets.write(text, (turn++ % APPENDS) * size, 'utf16le')
            }),
            before: () => touch(targets),
          },
          first: appending(mmfile.MmFile, text, size, { calls, iterations }),
          touched: appending(mmfile.MmFile, text, size, { calls, iterations, touched: true }),
          toString: repeat(() => {
            got = stored.toString('utf16le')
          }),
          read: {
            ...repeat(() => {
              got = file.read(0)
            }),
            before() {
              file = mmfile.MmFile.createNew(size + 8)
              file.append(text)
            },
            after() {
              if (got !== text) throw new Error('a string was changed on its way')
              file.close()
            },
          },
        }),
      )
      if (Buffer.compare(target, stored) !== 0) throw new Error('Buffer.write wrote something else')
      const label = `${report.size(size)}, ${kind}`
      const cells = ['write', 'places', 'touched', 'first', 'toString', 'read']
      rows.push({ label, cells: cells.map((name) => figures[name].map((time) => time / 1e3)) })
      const goal = (id, ours, theirs) => report.goal(`${id}-${size}-${kind}`, ratios(ours, theirs))
      goal('string-places', figures.touched, figures.places)
      goal('string', figures.touched, figures.write)
      goal('string-first', figures.first, figures.write)
      goal('read', figures.read, figures.toString)
    }
  }
  report.table({
    id: 'strings',
    title: 'Strings, stored as UTF-16',
    unit: 'µs',
    columns: [
      'Buffer.write',
      `to ${APPENDS} places`,
      'append, touched pages',
      'append, new pages',
      'Buffer.toString',
      'read',
    ],
    rows,
  })
}

/** ASCII by a handle whose text is UTF-8. */
async function utf8({ mmfile, report, turns }) {
  const size = 1 << 10
  const text = Buffer.from(ASCII.repeat(size).slice(0, size), 'latin1').toString('latin1')
  const target = Buffer.alloc(size)
  const [calls, iterations] = [200, 60]
  const work = () => {
    for (let call = 0; call < calls; call += 1) target.write(text, 'utf8')
  }
  const figures = await alternate(
    turns,
    micro({
      write: { calls, iterations, work },
      append: appending(mmfile.MmFile, text, size, { calls, iterations, encoding: 'utf8' }),
    }),
  )
  const micros = (times) => times.map((time) => time / 1e3)
  report.table({
    id: 'utf8',
    title: '1 KiB of ASCII, as UTF-8',
    unit: 'µs',
    columns: ['Buffer.write', 'append'],
    rows: [{ label: "encoding: 'utf8'", cells: [micros(figures.write), micros(figures.append)] }],
  })
  report.goal('utf8', ratios(figures.append, figures.write))
}

async function calls({ mmfile, floor, report, turns }) {
  const value = Buffer.from('8 bytes.')
  const { noop } = floor.addon
  const count = 1000
  let file
  let channel
  const figures = await alternate(
    turns,
    micro({
      noop: {
        calls: count,
        iterations: 50,
        work() {
          for (let call = 0; call < count; call += 1) noop(call, value)
        },
      },
      append: appending(mmfile.MmFile, value, 8, { calls: count, iterations: 50 }),
      send: {
        calls: count,
        iterations: 50,
        before() {
          channel = mmfile.Channel.createNew({ capacity: 1 << 20 })
        },
        work() {
          for (let call = 0; call < count; call += 1) channel.trySend(value)
        },
        after: () => channel.close(),
      },
      length: {
        calls: count,
        iterations: 50,
        before() {
          file = fileFor(mmfile.MmFile, 1, 8)
        },
        work() {
          for (let call = 0; call < count; call += 1) file.length
        },
        after: () => file.close(),
      },
      view: {
        calls: count,
        iterations: 50,
        before() {
          file = fileFor(mmfile.MmFile, 1, 8)
        },
        work() {
          for (let call = 0; call < count; call += 1) file.view(0)
        },
        after: () => file.close(),
      },
    }),
  )
  report.floor('a call of a no-op N-API function', figures.noop)
  report.table({
    id: 'calls',
    title: 'Single calls',
    unit: 'ns',
    columns: ['a call'],
    rows: [
      { label: 'a no-op N-API function', cells: [figures.noop] },
      { label: 'append, 8 B', cells: [figures.append] },
      { label: 'channel, trySend, 8 B', cells: [figures.send] },
      { label: 'length', cells: [figures.length] },
      { label: 'view of the same segment', cells: [figures.view] },
    ],
  })
  report.goal('append-8', ratios(figures.append, figures.noop))
}

export async function values(context) {
  const { floor, report } = context
  if (!hasTinybench()) return report.note('bytes, strings and single calls need tinybench')
  if (floor) {
    report.progress('single calls')
    await calls(context)
    report.progress('bytes')
    await bytes(context)
  } else report.note('single calls and bytes need the floors in Rust')
  report.progress('strings')
  await strings(context)
  await utf8(context)
}
