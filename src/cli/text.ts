import type { MmFile } from '../file/mmfile.js'
import { decodeText, TEXT_ENCODINGS } from '../shared/text.js'
import type { TextEncodingName } from '../shared/types.js'
import { type Call, type CommandOption, UsageError } from './command.js'
import { printable } from './output.js'

export const ENCODING_OPTION = {
  encoding: {
    type: 'string',
    hint: 'ENCODING',
    summary: "how text is stored: 'utf8', 'utf16le' or 'latin1'",
  },
} as const satisfies Record<string, CommandOption>

/** The encoding that a command was given. */
export function encodingOf({ options: { encoding } }: Call): TextEncodingName | undefined {
  if (encoding === undefined) return undefined
  const found = TEXT_ENCODINGS.find((one) => one === encoding)
  if (found !== undefined) return found
  throw new UsageError(`--encoding is 'utf8', 'utf16le' or 'latin1', not '${encoding}'`)
}

/** Characters that hardly any text has: lone surrogates, unassigned code points, and control characters. */
const STRANGE = /(?!\s)\p{Cc}|[\p{Cs}\p{Cn}\p{Co}]/u

/** Whether it is likely text; a terminal's escape sequences do. */
function isPlausible(text: string): boolean {
  return !STRANGE.test(text.replaceAll('\u001b', ''))
}

/**
 * Decodes bytes as text, and guesses the encoding if none is given; `undefined` if they are not text. A
 * `part` of a segment may end inside a character.
 */
export function textOf(
  bytes: Uint8Array,
  encoding: TextEncodingName | undefined,
  part = false,
): string | undefined {
  if (encoding !== undefined) return decoded(bytes, encoding, part)
  return recognised(bytes, part)?.text
}

interface Recognised {
  readonly encoding: TextEncodingName
  readonly text: string
}

function recognised(bytes: Uint8Array, part: boolean): Recognised | undefined {
  const text = decoded(bytes, 'utf8', part)
  if (text !== undefined && isPlausible(text)) return { encoding: 'utf8', text }
  const wide = decoded(bytes, 'utf16le', part)
  if (wide === undefined || !(isPlausible(wide) || wide.length === 1)) return undefined
  return { encoding: 'utf16le', text: wide }
}

/** How many of the newest segments tell a file's encoding, and how many bytes of each. */
const NEWEST = 16
const BEGINNING = 4096

/** The encoding that most of a file's newest segments seem to have; UTF-16 if no segment looks like text. */
export function usualEncoding(file: MmFile): TextEncodingName {
  let lead = 0
  for (let index = file.length - 1, last = index - NEWEST; index >= 0 && index > last; index -= 1) {
    const view = file.view(index)
    const begin = Buffer.from(view.subarray(0, BEGINNING))
    if (begin.length === 0) continue // it is text of any encoding
    const encoding = recognised(begin, view.length > begin.length)?.encoding
    if (encoding !== undefined) lead += encoding === 'utf8' ? 1 : -1
  }
  return lead > 0 ? 'utf8' : 'utf16le'
}

/** Bytes that a preview shows, and twice as many of text. */
const PREVIEWED = 60

/** How bytes begin: as text where they are text, else in hexadecimal. They may be shared memory, which is read once. */
export function preview(bytes: Uint8Array, encoding: TextEncodingName | undefined): string {
  const begin = Buffer.from(bytes.subarray(0, 2 * PREVIEWED))
  const part = bytes.length > begin.length
  const text = textOf(begin, encoding, part)
  if (text === undefined) return hex(begin.subarray(0, PREVIEWED), 16)
  return printable(text) + (part ? '…' : '')
}

function decoded(bytes: Uint8Array, encoding: TextEncodingName, part: boolean): string | undefined {
  const text = decodeText(bytes, encoding)
  if (!part) return text
  if (encoding === 'utf16le') return text?.replace(/[\ud800-\udbff]$/, '')
  // A character of UTF-8 has up to four bytes.
  for (let cut = 1; text === undefined && cut < 4; cut += 1) {
    const shorter = decodeText(bytes.subarray(0, bytes.length - cut), encoding)
    if (shorter !== undefined) return shorter
  }
  return text
}

/** Bytes as people read them, in angle brackets; those past `most` are left out. */
export function hex(bytes: Uint8Array, most = Number.POSITIVE_INFINITY): string {
  const shown = bytes.subarray(0, most)
  const pairs = Buffer.from(shown)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
  return `<${pairs}${bytes.length > shown.length ? ' …' : ''}>`
}
