import { decodeText, TEXT_ENCODINGS } from '../shared/text.js'
import type { TextEncodingName } from '../shared/types.js'
import { type Call, type CommandOption, UsageError } from './command.js'

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

/** What hardly any text has: halves of pairs, what is assigned to no character, and control characters. */
const STRANGE = /(?!\s)\p{Cc}|[\p{Cs}\p{Cn}\p{Co}]/u

/** Whether it is likely text; a terminal's escape sequences do. */
function isPlausible(text: string): boolean {
  return !STRANGE.test(text.replaceAll('\u001b', ''))
}

/**
 * The text that bytes are, by what they are where no encoding is given; `undefined` if they are none. Of a
 * `part` of a segment, the end may be half of a character.
 */
export function textOf(
  bytes: Uint8Array,
  encoding: TextEncodingName | undefined,
  part = false,
): string | undefined {
  if (encoding !== undefined) return decoded(bytes, encoding, part)
  const text = decoded(bytes, 'utf8', part)
  if (text !== undefined && isPlausible(text)) return text
  const wide = decoded(bytes, 'utf16le', part)
  return wide !== undefined && (isPlausible(wide) || wide.length === 1) ? wide : undefined
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
