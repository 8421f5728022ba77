import { MmFile } from '../file/mmfile.js'
import type { Access, Kind, ListOptions, TextEncodingName } from '../shared/types.js'

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
  'mutex-prefix': {
    type: 'string',
    hint: 'PREFIX',
    summary: "what the names of files' locks begin with, which have names on Windows alone",
  },
} as const satisfies Record<string, CommandOption>

/** What every command on files and mutexes takes. */
export const OBJECT_OPTIONS = {
  kind: { type: 'string', hint: 'KIND', summary: "'file' or 'mutex'" },
  ...FILE_OPTIONS,
  prefix: { type: 'string', hint: 'PREFIX', summary: "what mutexes' names begin with" },
} as const satisfies Record<string, CommandOption>

/** Where a command was told to look. */
export function placeOf({ options }: Call): ListOptions {
  const data = text(options['data-prefix'])
  const mutex = text(options['mutex-prefix'])
  return {
    directory: text(options.directory),
    prefixes: data === undefined && mutex === undefined ? undefined : { data, mutex },
    prefix: text(options.prefix),
  }
}

/** The kind that a command was given. */
export function kindOf({ options: { kind } }: Call): Kind | undefined {
  if (kind === undefined || kind === 'file' || kind === 'mutex') return kind
  throw new UsageError(`--kind is 'file' or 'mutex', not '${kind}'`)
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Whether an ID operand is the path of a file on disk: it has a slash. */
export function isPath(id: string): boolean {
  return /[\\/]/.test(id)
}

/** Opens what an ID operand names. */
export function open(call: Call, access: Access, encoding?: TextEncodingName): MmFile {
  const id = call.operands[0] ?? ''
  if (isPath(id)) return MmFile.openFile(id, { access, encoding })
  const { directory, prefixes } = placeOf(call)
  return MmFile.openExisting(id, { access, encoding, directory, prefixes })
}

/** Which of the segments are shown. */
export const RANGE_OPTIONS = {
  from: { type: 'string', hint: 'INDEX', summary: 'begin with this segment instead of the first' },
  limit: { type: 'string', hint: 'COUNT', summary: 'show so many segments at most' },
} as const satisfies Record<string, CommandOption>

/** The first segment that is shown, and the one behind the last. */
export function rangeOf(
  { options: { from, limit } }: Call,
  length: number,
  most = Number.POSITIVE_INFINITY,
): [from: number, to: number] {
  const first = typeof from === 'string' ? wholeNumber('--from', from) : 0
  const count = typeof limit === 'string' ? wholeNumber('--limit', limit) : most
  return [first, Math.min(length, first + count)]
}

/** A whole number that was given as text. */
export function wholeNumber(name: string, text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new UsageError(`${name} is no whole number: '${text}'`)
  return number
}
