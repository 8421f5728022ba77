import { Channel } from '../channel/channel.js'
import { ANY_CODEC } from '../channel/opening.js'
import { MmFile } from '../file/mmfile.js'
import { OBSERVE } from '../shared/arguments.js'
import { fail, MmFileError } from '../shared/errors.js'
import { list } from '../shared/listing.js'
import type { Access, Kind, ListOptions, ObjectInfo, TextEncodingName } from '../shared/types.js'

/** An option of a command, as `--help` shows it and `parseArgs` takes it. */
export interface CommandOption {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** The meaning of a string value. */
  readonly hint?: string
  readonly summary: string
}

/** The options and operands that a command was given. */
export interface Call {
  readonly operands: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

/** A command: its options and operands, its help, and its action. */
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

/** Options of every command on files. */
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

/** Options of every command on objects of any kind. */
export const OBJECT_OPTIONS = { ...KIND_OPTION, ...PLACE_OPTIONS } as const satisfies Record<
  string,
  CommandOption
>

/** The folder and prefixes that a command was given. */
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

/**
 * Whether an ID operand names that object: a UUID matches in any case, with or without braces; a name must be equal.
 */
export function names(id: string, info: ObjectInfo): boolean {
  const [, uuid] = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i.exec(id) ?? []
  return info.id === (uuid?.toLowerCase() ?? id)
}

/** Whether an ID operand names a file or a channel. Where it is both, --kind has to say which. */
export function kindOfId(call: Call, id = call.operands[0] ?? ''): 'file' | 'channel' {
  const kind = kindOf(call)
  if (kind === 'mutex') throw notOfMutexes('a mutex')
  if (kind !== undefined) return kind
  const kinds = kindsOfId(call, id)
  const [one, another] = kinds.filter((found) => found !== 'mutex')
  if (another !== undefined)
    throw new UsageError(`'${id}' is ${listed([one, another])}: say --kind`)
  if (one !== undefined) return one
  // If something is wrong at a path, opening it as a file reports the error.
  if (isPath(id)) return 'file'
  orNone('file or channel', id, () => {
    try {
      openUnlisted(call, id)
    } catch (error) {
      const isMutex = kinds.length > 0 && MmFileError.is(error, 'ERR_MMFILE_NOT_FOUND')
      throw isMutex ? notOfMutexes(`'${id}' is a mutex: it`) : error
    }
  })
  return 'file'
}

function notOfMutexes(subject: string): UsageError {
  return new UsageError(`${subject} has no contents; 'mmfile peers' shows which processes have it`)
}

/** The kind of the object that an ID operand names. If two kinds have that name, --kind must say which is meant. */
export function kindOfAny(call: Call, id = call.operands[0] ?? ''): Kind {
  const kind = kindOf(call)
  if (kind !== undefined) return kind
  const kinds = kindsOfId(call, id)
  if (kinds.length > 1) throw new UsageError(`'${id}' is ${listed(kinds)}: say --kind`)
  if (kinds[0] !== undefined) return kinds[0]
  if (!isPath(id)) orNone('file, channel or mutex', id, () => openUnlisted(call, id))
  return 'file'
}

/** Maps of other programs are files that no list has. */
function openUnlisted(call: Call, id: string): void {
  open({ ...call, operands: [id] }, OBSERVE).close()
}

/** `a file and a mutex`. */
export function listed(kinds: readonly (Kind | undefined)[]): string {
  const named = kinds.map((kind) => `a ${kind}`)
  return `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`
}

/** All that an ID operand names. */
function kindsOfId(call: Call, id: string): Kind[] {
  if (isPath(id)) return kindsOfPath(id)
  return list(placeOf(call))
    .filter((info) => names(id, info))
    .map(({ kind }) => kind)
}

function kindsOfPath(path: string): Kind[] {
  try {
    MmFile.openFile(path, { access: OBSERVE as never }).close()
    return ['file']
  } catch (error) {
    if (!MmFileError.is(error, 'ERR_MMFILE_INCOMPATIBLE', 'ERR_MMFILE_ACCESS')) return []
  }
  try {
    Channel.openFile(path, { access: OBSERVE as never, encoding: ANY_CODEC as never }).close()
    return ['channel']
  } catch {
    return []
  }
}

/** Does something with an ID of whichever of these kinds. The error for there being none names them all. */
export function orNone<T>(kinds: string, id: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!MmFileError.is(error, 'ERR_MMFILE_NOT_FOUND')) throw error
    const reason = "'mmfile ls' shows what there is; --directory and the prefixes say where to look"
    throw fail('ERR_MMFILE_NOT_FOUND', undefined, `there is no ${kinds} '${id}': ${reason}`)
  }
}

/** Opens what a command is for. If the ID is of another kind, the error says so, and what it is `instead`. */
export function openOnly<T>(call: Call, kind: Kind, instead: string, openIt: () => T): T {
  try {
    return openIt()
  } catch (error) {
    const codes = ['ERR_MMFILE_NOT_FOUND', 'ERR_MMFILE_ACCESS', 'ERR_MMFILE_INCOMPATIBLE'] as const
    if (!MmFileError.is(error, ...codes)) throw error
    const id = call.operands[0] ?? ''
    const kinds = kindsOfId(call, id)
    if (kinds.length === 0 || kinds.includes(kind)) throw error
    const other = kinds.find((found) => found !== 'mutex')
    if (other === undefined) throw notOfMutexes(`'${id}' is a mutex: it`)
    throw new UsageError(`'${id}' is a ${other}: ${instead}`)
  }
}

/**
 * What a command does with the objects that it opens. `OBSERVE` does not join them, so no program sees a peer come
 * and go.
 */
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

export type Range = [from?: number | undefined, limit?: number | undefined]

/** The values of --from and --limit. They are checked before anything is opened. */
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
