import { unlinkSync } from 'node:fs'
import { Channel } from '../channel/channel.js'
import { OBSERVE } from '../shared/arguments.js'
import { list, mutexPeers, remove, sweep } from '../shared/listing.js'
import type { ObjectInfo, Peer, TextEncodingName } from '../shared/types.js'
import { lookAtChannel, openChannel, participantsTable } from './channels.js'
import {
  type Call,
  type Command,
  Failures,
  FILE_OPTIONS,
  isPath,
  KIND_OPTION,
  kindOf,
  kindOfAny,
  kindOfId,
  listed,
  names,
  OBJECT_OPTIONS,
  open,
  orNone,
  PLACE_OPTIONS,
  placeOf,
  RANGE_OPTIONS,
  type Range,
  rangeGiven,
  rangeOf,
  UsageError,
} from './command.js'
import { greatest, paint, table, write } from './output.js'
import { ENCODING_OPTION, encodingOf, preview } from './text.js'

const JSON_OPTION = { json: { type: 'boolean', summary: 'print JSON' } } as const
const ROWS_OPTIONS = {
  ...JSON_OPTION,
  quiet: { type: 'boolean', short: 'q', summary: 'print the ids alone' },
} as const
/** Segments that are shown of a file, unless --limit says otherwise. */
const SHOWN = 100

export const ls: Command = {
  name: 'ls',
  operands: [],
  summary: 'List the files, channels and mutexes of this user on this machine',
  details: `A stale one is one that no live process has open; 'mmfile sweep' removes it. With a prefix of files or
channels, the others and mutexes are listed only with theirs.`,
  example: 'mmfile ls --json | jq .',
  options: { ...ROWS_OPTIONS, ...OBJECT_OPTIONS },
  run(call) {
    const kind = kindOf(call)
    const infos = list(placeOf(call)).filter((info) => kind === undefined || info.kind === kind)
    return writeRows(infos, call)
  },
}

function writeRows(infos: ObjectInfo[], { options }: Call): Promise<void> {
  infos.sort((a, b) => +a.createdAt - +b.createdAt)
  if (options.quiet) return write(infos.map(({ id }) => `${id}\n`).join(''))
  if (options.json) return writeJson(infos)
  return write(`${table(COLUMNS, infos.map(row))}\n`)
}

function writeJson(value: unknown): Promise<void> {
  return write(`${JSON.stringify(value, null, 2)}\n`)
}

const COLUMNS = [
  'ID',
  'KIND',
  'LENGTH',
  'USED',
  'CAPACITY',
  'LIFETIME',
  'CREATOR',
  'CREATED',
  'STATE',
]

function row(info: ObjectInfo) {
  return [
    info.id,
    info.kind,
    info.length,
    info.size,
    info.capacity,
    info.lifetime,
    info.creatorPid,
    info.createdAt.toISOString(),
    state(info),
  ]
}

function state({ stale, sealed }: ObjectInfo) {
  const text = [stale ? 'stale' : 'in use', ...(sealed ? ['sealed'] : [])].join(', ')
  return { text, colour: paint(process.stdout, stale ? 'yellow' : 'green') }
}

export const inspect: Command = {
  name: 'inspect',
  operands: ['ID'],
  summary: 'Show what a file or a channel is and how what is in it begins',
  details: `It shows ${SHOWN} segments or messages unless --limit says otherwise: as text where they are text, else as <bytes>.`,
  example: 'mmfile inspect log --from 1000 --limit 20',
  options: {
    ...JSON_OPTION,
    ...RANGE_OPTIONS,
    ...ENCODING_OPTION,
    ...KIND_OPTION,
    ...FILE_OPTIONS,
  },
  async run(call) {
    const [encoding, range] = [encodingOf(call), rangeGiven(call)]
    if (kindOfId(call) === 'channel') return inspectChannel(call, range)
    const facts = look(call, encoding, range)
    if (call.options.json) return writeJson(facts)
    const { segments, ...rest } = facts
    await writeFacts(rest)
    await writeContents(segments, facts.length)
  },
}

async function inspectChannel(call: Call, [from, limit = SHOWN]: Range): Promise<void> {
  const facts = lookAtChannel(call, from, limit)
  if (call.options.json) return writeJson(facts)
  const { participants, messages, path, ...rest } = facts
  await writeFacts(path === undefined ? rest : { ...rest, path })
  if (participants.length > 0) await write(`\n${participantsTable(participants)}\n`)
  await writeContents(messages, facts.nextIndex)
}

async function writeFacts(facts: object): Promise<void> {
  const named = Object.entries(facts).map(([name, value]) => [name, String(value)] as const)
  const width = greatest(named, ([name]) => name.length)
  const dim = paint(process.stdout, 'dim')
  for (const [name, value] of named) await write(`${dim(name.padEnd(width))}  ${value}\n`)
}

async function writeContents(
  contents: readonly { index: number; bytes: number; preview: string }[],
  end: number,
): Promise<void> {
  const rows = contents.map(({ index, bytes, preview }) => [index, bytes, preview])
  if (rows.length > 0) await write(`\n${table(['INDEX', 'BYTES', 'BEGINS WITH'], rows)}\n`)
  const left = end - (contents.at(-1)?.index ?? end - 1) - 1
  const dim = paint(process.stdout, 'dim')
  if (left > 0) await write(`${dim(`… and ${left} more: --from and --limit show others`)}\n`)
}

function look(call: Call, encoding: TextEncodingName | undefined, range: Range) {
  const file = open(call, OBSERVE, encoding)
  try {
    const [from, to] = rangeOf(range, file.length, SHOWN)
    const segments = Array.from({ length: Math.max(0, to - from) }, (_, at) => {
      const index = from + at
      const bytes = file.byteLength(index)
      return { index, bytes, preview: preview(file.view(index), encoding) }
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
  const info = list(placeOf(call)).find((one) => one.kind === 'file' && one.id === id)
  if (info === undefined) return {}
  const { lifetime, createdAt, creatorPid } = info
  return { lifetime, createdAt: createdAt.toISOString(), creatorPid }
}

export const peers: Command = {
  name: 'peers',
  operands: ['ID'],
  summary: 'Show which processes have it open, who holds the lock, and who takes part in a channel',
  example: 'mmfile peers log',
  options: { ...JSON_OPTION, ...OBJECT_OPTIONS },
  async run(call) {
    const kind = kindOfAny(call)
    if (kind === 'mutex') {
      const rows = mutexPeers(call.operands[0] ?? '', placeOf(call))
      return call.options.json ? writeJson(rows) : write(`${peersTable(rows)}\n`)
    }
    const isChannel = kind === 'channel'
    const one = isChannel ? openChannel(call, OBSERVE) : open(call, OBSERVE)
    // It is a peer itself where no process has the thing open, on disk.
    const rows = one.peers().filter(({ self }) => !self)
    const participants = one instanceof Channel ? one.participants() : []
    one.close()
    if (call.options.json) return writeJson(isChannel ? { peers: rows, participants } : rows)
    if (participants.length > 0) await write(`${participantsTable(participants)}\n\n`)
    return write(`${peersTable(rows)}\n`)
  },
}

function peersTable(rows: readonly Peer[]): string {
  const cells = rows.map(({ pid, access, since, isCreator, holdsLock }) => [
    pid,
    access,
    since.toISOString(),
    isCreator ? 'creator' : '',
    holdsLock ? 'holds the lock' : '',
  ])
  return table(['PID', 'ACCESS', 'SINCE', 'CREATOR', 'LOCK'], cells)
}

export const rm: Command = {
  name: 'rm',
  operands: ['ID...'],
  summary: 'Remove files, channels or mutexes',
  details: `Nothing can open such a thing from then on; a process that has it open goes on using it. Where ID is
several things, --kind says which. A path is unlinked, if it is a file or a channel of mmfile.`,
  example: 'mmfile rm log ./old.mmf',
  options: { ...OBJECT_OPTIONS },
  run(call) {
    const [kind, place, failures] = [kindOf(call), placeOf(call), [] as unknown[]]
    const infos = kind === undefined ? list(place) : []
    for (const id of call.operands) {
      try {
        if (isPath(id)) {
          // Nothing else is removed.
          if (kindOfId(call, id) === 'file') open({ ...call, operands: [id] }, OBSERVE).close()
          unlinkSync(id)
          continue
        }
        const found = infos.filter((info) => names(id, info))
        if (found.length > 1)
          throw new UsageError(`'${id}' is ${listed(found.map((info) => info.kind))}: say --kind`)
        const only = kind ?? found[0]?.kind
        if (only !== undefined) remove(id, { kind: only, ...place })
        else orNone('file, channel or mutex', id, () => remove(id, place))
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
  summary: 'Remove what no live process has open, and print what it was',
  example: 'mmfile sweep --quiet',
  options: { ...ROWS_OPTIONS, ...PLACE_OPTIONS },
  run: (call) => writeRows(sweep(placeOf(call)), call),
}
