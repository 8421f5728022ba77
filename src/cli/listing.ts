import { list, remove, sweep } from '../listing.js'
import type { FileInfo } from '../types.js'
import { type Call, type Command, Failures, open, PREFIX_OPTIONS, prefixesOf } from './command.js'
import { paint, printable, table, write } from './output.js'

const JSON_OPTION = { json: { type: 'boolean', summary: 'print JSON' } } as const
const PREVIEWED = 60

export const ls: Command = {
  name: 'ls',
  operands: [],
  summary: 'List the files of this user on this machine',
  details: "A stale file is one that no live process has open; 'mmfile sweep' removes it.",
  options: {
    ...JSON_OPTION,
    quiet: { type: 'boolean', short: 'q', summary: 'print the ids alone' },
    ...PREFIX_OPTIONS,
  },
  async run(call) {
    const infos = list(prefixesOf(call)).sort((a, b) => +a.created - +b.created)
    if (call.options.quiet) await write(infos.map(({ id }) => `${id}\n`).join(''))
    else if (call.options.json) await write(`${JSON.stringify(infos, null, 2)}\n`)
    else await write(`${table(COLUMNS, infos.map(row))}\n`)
  },
}

const COLUMNS = ['ID', 'SEGMENTS', 'USED', 'CAPACITY', 'LIFETIME', 'CREATOR', 'CREATED', 'STATE']

function row(info: FileInfo) {
  return [
    info.id,
    info.length,
    info.size,
    info.capacity,
    info.lifetime,
    info.creator,
    info.created.toISOString(),
    state(info),
  ]
}

function state({ stale, sealed }: FileInfo) {
  const text = [stale ? 'stale' : 'in use', ...(sealed ? ['sealed'] : [])].join(', ')
  return { text, colour: paint(process.stdout, stale ? 'yellow' : 'green') }
}

export const inspect: Command = {
  name: 'inspect',
  operands: ['ID'],
  summary: 'Show what a file is and which segments it has',
  options: {
    ...JSON_OPTION,
    ...PREFIX_OPTIONS,
  },
  async run(call) {
    const facts = look(call)
    if (call.options.json) return write(`${JSON.stringify(facts, null, 2)}\n`)
    const { segments, ...rest } = facts
    const named = Object.entries(rest).map(([name, value]) => [name, String(value)] as const)
    const width = Math.max(...named.map(([name]) => name.length))
    const dim = paint(process.stdout, 'dim')
    for (const [name, value] of named) await write(`${dim(name.padEnd(width))}  ${value}\n`)
    const rows = segments.map(({ index, bytes, preview }) => [index, bytes, preview])
    if (rows.length > 0) await write(`\n${table(['INDEX', 'BYTES', 'BEGINS WITH'], rows)}\n`)
  },
}

function look(call: Call) {
  const file = open(call, 'read')
  try {
    const segments = Array.from({ length: file.length }, (_, index) => {
      const bytes = file.byteLength(index)
      return { index, bytes, preview: preview(file.view(index)) }
    })
    const info = file.path === undefined ? about(file.id, call) : { path: file.path }
    return {
      id: file.id,
      ...info,
      capacity: file.capacity,
      size: file.size,
      length: file.length,
      sealed: file.sealed,
      segments,
    }
  } finally {
    file.close()
  }
}

function about(id: string, call: Call) {
  const info = list(prefixesOf(call)).find((one) => one.id === id)
  if (info === undefined) return {}
  const { lifetime, created, creator } = info
  return { lifetime, created: created.toISOString(), creator }
}

/** The beginning as text where it is text, else as bytes. */
function preview(view: Uint8Array): string {
  const begin = Buffer.from(view.subarray(0, 2 * PREVIEWED))
  const more = view.length > begin.length ? '…' : ''
  if (view.length % 2 === 0) {
    const text = begin.toString('utf16le').replace(more ? /[\ud800-\udbff]$/ : '', '')
    if (!/[\0\p{Cs}\p{Cn}\p{Co}]/u.test(text)) return printable(text) + more
  }
  const hex = begin
    .subarray(0, 16)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
  return `<${hex}${view.length > 16 ? ' …' : ''}>`
}

export const rm: Command = {
  name: 'rm',
  operands: ['ID...'],
  summary: 'Take the ids of files away',
  details: 'Nothing can open such a file from then on; whoever has it open goes on using it.',
  options: { ...PREFIX_OPTIONS },
  run(call) {
    const failures: unknown[] = []
    for (const id of call.operands) {
      try {
        remove(id, prefixesOf(call))
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new Failures(failures)
  },
}

export const sweepCommand: Command = {
  name: 'sweep',
  operands: [],
  summary: 'Remove the files that no live process has open, and print their ids',
  options: { ...JSON_OPTION, ...PREFIX_OPTIONS },
  async run(call) {
    const ids = sweep(prefixesOf(call))
    if (call.options.json) await write(`${JSON.stringify(ids, null, 2)}\n`)
    else await write(ids.map((id) => `${id}\n`).join(''))
  },
}
