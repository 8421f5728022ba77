import { Channel } from '../channel/channel.js'
import { ANY_CODEC } from '../channel/opening.js'
import { MmFile } from '../file/mmfile.js'
import { OBSERVE } from '../shared/arguments.js'
import { MmFileError } from '../shared/errors.js'
import { list } from '../shared/listing.js'
import type { Access, Kind, ListOptions, ObjectInfo, TextEncodingName } from '../shared/types.js'

/** An option of a command, as `--help` shows it and `parseArgs` takes it. */
export interface CommandOption {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** What a string stands for. */
  readonly hint?: string
  readonly summary: string
}

/** What a command was given. */
export interface Call {
  readonly operands: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

/** A command: what it is called with, what it says of itself, what it does. */
export interface Command {
  readonly name: string
  /** In order; one in brackets may be left out, one that ends in dots may be repeated. */
  readonly operands: readonly string[]
  readonly summary: string
  readonly details?: string
  /** A command line, to be copied. */
  readonly example: string
  readonly options: Readonly<Record<string, CommandOption>>
  run(call: Call): Promise<void> | void
}

/** The command line makes no sense. */
export class UsageError extends Error {}

/** Some of several things went wrong. */
export class Failures extends Error {
  constructor(readonly errors: readonly unknown[]) {
    super('several things went wrong')
  }
}

/** A signal ended the command. */
export class Stopped extends Error {
  constructor(readonly status: number) {
    super('stopped')
  }
}

/** What every command on files takes. */
export const FILE_OPTIONS = {
  directory: {
    type: 'string',
    hint: 'FOLDER',
    summary: 'where they are, if not where the system or MMFILE_DIRECTORY says',
  },
  'data-prefix': {
    type: 'string',
    hint: 'PREFIX',
    summary: "what files' names begin with",
  },
  'channel-prefix': {
    type: 'string',
    hint: 'PREFIX',
    summary: "what channels' names begin with",
  },
  'mutex-prefix': {
    type: 'string',
    hint: 'PREFIX',
    summary: "what the names of files' locks begin with, which have names on Windows alone",
  },
} as const satisfies Record<string, CommandOption>

/** Which of several things of the same ID is meant. */
export const KIND_OPTION = {
  kind: { type: 'string', hint: 'KIND', summary: "'file', 'channel' or 'mutex'" },
} as const satisfies Record<string, CommandOption>

/** Where objects of all kinds are. */
export const PLACE_OPTIONS = {
  ...FILE_OPTIONS,
  prefix: { type: 'string', hint: 'PREFIX', summary: "what mutexes' names begin with" },
} as const satisfies Record<string, CommandOption>

/** What every command on objects of any kind takes. */
export const OBJECT_OPTIONS = { ...KIND_OPTION, ...PLACE_OPTIONS } as const satisfies Record<
  string,
  CommandOption
>

/** Where a command was told to look. */
export function placeOf({ options }: Call): ListOptions {
  const data = text(options['data-prefix'])
  const mutex = text(options['mutex-prefix'])
  const channel = text(options['channel-prefix'])
  const own = data !== undefined || mutex !== undefined || channel !== undefined
  return {
    directory: text(options.directory),
    prefixes: own ? { data, mutex, channel } : undefined,
    prefix: text(options.prefix),
  }
}

/** The kind that a command was given. */
export function kindOf({ options: { kind } }: Call): Kind | undefined {
  if (kind === undefined || kind === 'file' || kind === 'channel' || kind === 'mutex') return kind
  throw new UsageError(`--kind is 'file', 'channel' or 'mutex', not '${kind}'`)
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Whether an ID operand is the path of a file on disk: it has a slash. */
export function isPath(id: string): boolean {
  return /[\\/]/.test(id)
}

/** Whether an ID operand names that: a UUID in any case, with or without braces, a name as it is. */
export function names(id: string, info: ObjectInfo): boolean {
  const [, uuid] = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i.exec(id) ?? []
  return info.id === (uuid?.toLowerCase() ?? id)
}

/** Whether an ID operand names a file or a channel. Where it is both, --kind has to say which. */
export function kindOfId(call: Call, id = call.operands[0] ?? ''): 'file' | 'channel' {
  const kind = kindOf(call)
  if (kind === 'mutex') throw new UsageError('a mutex has no contents')
  if (kind !== undefined) return kind
  if (isPath(id)) return kindOfPath(id)
  const kinds = list(placeOf(call))
    .filter((info) => info.kind !== 'mutex' && names(id, info))
    .map((info) => info.kind)
  if (kinds.length > 1) throw new UsageError(`'${id}' is a file and a channel: say --kind`)
  return kinds[0] === 'channel' ? 'channel' : 'file'
}

/** What stands at a path. Whatever is wrong with it, opening it as a file says. */
function kindOfPath(path: string): 'file' | 'channel' {
  try {
    MmFile.openFile(path, { access: OBSERVE as never }).close()
    return 'file'
  } catch (error) {
    if (!MmFileError.is(error, 'ERR_MMFILE_INCOMPATIBLE', 'ERR_MMFILE_ACCESS')) return 'file'
  }
  try {
    Channel.openFile(path, { access: OBSERVE as never, encoding: ANY_CODEC as never }).close()
    return 'channel'
  } catch {
    return 'file'
  }
}

/** What a command does with what it opens. `OBSERVE` joins nothing, so that no program sees a peer come and go. */
export type CommandAccess = Access | typeof OBSERVE

/** Opens what an ID operand names. */
export function open(call: Call, how: CommandAccess, encoding?: TextEncodingName): MmFile {
  const [id, access] = [call.operands[0] ?? '', how as Access]
  if (isPath(id)) return MmFile.openFile(id, { access, encoding })
  const { directory, prefixes } = placeOf(call)
  return MmFile.openExisting(id, { access, encoding, directory, prefixes })
}

/** Which of the segments are shown. */
export const RANGE_OPTIONS = {
  from: { type: 'string', hint: 'INDEX', summary: 'begin with this one instead of the first' },
  limit: { type: 'string', hint: 'COUNT', summary: 'show so many at most' },
} as const satisfies Record<string, CommandOption>

type Range = [from?: number | undefined, limit?: number | undefined]

/** What --from and --limit say. Asked before anything is opened: they may be wrong. */
export function rangeGiven({ options: { from, limit } }: Call): Range {
  return [
    typeof from === 'string' ? wholeNumber('--from', from) : undefined,
    typeof limit === 'string' ? wholeNumber('--limit', limit) : undefined,
  ]
}

/** The first segment that is shown, and the one behind the last. */
export function rangeOf(
  [first = 0, count]: Range,
  length: number,
  most = Number.POSITIVE_INFINITY,
): [from: number, to: number] {
  return [first, Math.min(length, first + (count ?? most))]
}

/** A whole number that was given as text. */
export function wholeNumber(name: string, text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new UsageError(`${name} is no whole number: '${text}'`)
  return number
}
