import { isUtf8 } from 'node:buffer'
import { invalidValue } from './errors.js'
import type { TextEncodingName } from './types.js'

/** The encodings that strings can have as bytes, in the order by which the native code numbers them. */
export const TEXT_ENCODINGS: readonly TextEncodingName[] = ['utf16le', 'utf8', 'latin1']

const BEYOND_LATIN1 = /[\u0100-\uffff]/

/** The encoding as the native code takes it. */
export function numberOf(encoding: TextEncodingName): number {
  return TEXT_ENCODINGS.indexOf(encoding)
}

/** Refuses a string that would come back as another one: Latin-1 has 256 characters. */
export function checkText(name: string, text: string, encoding: TextEncodingName): void {
  if (encoding === 'latin1' && BEYOND_LATIN1.test(text)) {
    throw invalidValue(name, "must have no character beyond U+00FF, by its encoding 'latin1'", text)
  }
}

/**
 * Decodes bytes in that encoding; `undefined` if they are not text. The bytes must not change meanwhile:
 * shared memory is copied first.
 */
export function decodeText(bytes: Uint8Array, encoding: TextEncodingName): string | undefined {
  const { buffer, byteOffset, byteLength } = bytes
  if (encoding === 'utf8' && !isUtf8(bytes)) return undefined
  if (encoding === 'utf16le' && byteLength % 2 !== 0) return undefined
  return Buffer.from(buffer, byteOffset, byteLength).toString(encoding)
}
