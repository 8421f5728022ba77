import { isUtf8 } from 'node:buffer'
import { deserialize, serialize } from 'node:v8'
import { checkFunction, checkValue } from '../shared/arguments.js'
import { fail, invalidType, invalidValue } from '../shared/errors.js'
import { checkText, TEXT_ENCODINGS } from '../shared/text.js'
import type { TextEncodingName } from '../shared/types.js'
import type { Codec, EncodingName } from './types.js'

/** The forms of a value that the native code can send. */
export type Encoded = string | ArrayBufferView | ArrayBuffer

/** How the values of a channel become bytes. */
export interface Coder {
  readonly name: string
  /** `name` is the argument's, for errors. The result may change once the program runs again. */
  encode(name: string, value: unknown): Encoded
  /** Of the first bytes of a buffer that is read now or never, unless `keeps`: then it belongs to the value. */
  decode(bytes: Buffer, length: number): unknown
  /** Whether decoded values may refer to the bytes. */
  readonly keeps: boolean
  /** How strings that `encode` returns are stored. */
  readonly text: TextEncodingName
}

const NAMES: readonly EncodingName[] = ['bytes', ...TEXT_ENCODINGS, 'json', 'v8']

/** The encoding that an option names; `undefined` if the option is left out. */
export function checkEncoding(value: unknown): Coder | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string') {
    const coder = builtIn(value)
    if (coder !== undefined) return coder
    throw invalidValue(
      'options.encoding',
      `must be one of: '${NAMES.join("', '")}', or a codec`,
      value,
    )
  }
  const codec = value as Partial<Codec<unknown>> | null
  if (typeof codec !== 'object' || codec === null) {
    throw invalidType('options.encoding', 'of type string or a codec', value)
  }
  const { name, encode, decode } = codec
  if (typeof name !== 'string') throw invalidType('options.encoding.name', 'of type string', name)
  if (name === '' || Buffer.byteLength(name) > 64 || builtIn(name) !== undefined) {
    const rule = 'must have 1 to 64 bytes, and must not be the name of an encoding that is built in'
    throw invalidValue('options.encoding.name', rule, name)
  }
  checkFunction('options.encoding.encode', encode)
  checkFunction('options.encoding.decode', decode)
  return ofCodec(codec as Codec<unknown>)
}

/** The encoding of that name, if it is built in. */
export function builtIn(name: string): Coder | undefined {
  switch (name) {
    case 'bytes':
      return BYTES
    case 'json':
      return JSON_TEXT
    case 'v8':
      return V8
    default:
      return TEXTS.get(name)
  }
}

const BYTES: Coder = {
  name: 'bytes',
  text: 'utf8',
  keeps: true,
  encode(name, value) {
    if (typeof value === 'string') {
      throw invalidType(
        name,
        "an instance of ArrayBufferView or ArrayBuffer, since the channel's encoding is 'bytes': create it with encoding 'utf8' for strings",
        value,
      )
    }
    try {
      return checkValue(name, value, 'utf8')
    } catch {
      throw invalidType(
        name,
        "an instance of ArrayBufferView or ArrayBuffer, since the channel's encoding is 'bytes': create it with encoding 'json' or 'v8' for other values",
        value,
      )
    }
  },
  decode: (bytes, length) => (bytes.length === length ? bytes : bytes.subarray(0, length)),
}

const TEXTS = new Map<string, Coder>(TEXT_ENCODINGS.map((name) => [name, ofText(name)]))

function ofText(encoding: TextEncodingName): Coder {
  return {
    name: encoding,
    text: encoding,
    keeps: false,
    encode(name, value) {
      if (typeof value !== 'string') {
        throw invalidType(
          name,
          `of type string, since the channel's encoding is '${encoding}'`,
          value,
        )
      }
      checkText(name, value, encoding)
      return value
    },
    decode: (bytes, length) => textOf(bytes, length, encoding),
  }
}

/** Throws what says why it is no text. */
function textOf(bytes: Buffer, length: number, encoding: TextEncodingName): string {
  if (encoding === 'utf16le' && length % 2 !== 0) {
    throw new RangeError(`it has an odd number of bytes, ${length}`)
  }
  const text = bytes.toString(encoding, 0, length)
  if (encoding === 'utf8' && text.includes('\ufffd') && !isUtf8(bytes.subarray(0, length))) {
    throw new RangeError('it is not UTF-8 text')
  }
  return text
}

const JSON_TEXT: Coder = {
  name: 'json',
  text: 'utf8',
  keeps: false,
  encode(name, value) {
    const text = encoded(name, value, 'JSON', () => JSON.stringify(value))
    if (text === undefined) {
      const why = 'JSON cannot hold undefined, functions and symbols'
      throw invalidValue(name, `cannot be encoded as JSON (${why})`, value)
    }
    return text
  },
  decode: (bytes, length) => JSON.parse(textOf(bytes, length, 'utf8')),
}

const V8: Coder = {
  name: 'v8',
  text: 'utf8',
  keeps: true,
  encode: (name, value) => encoded(name, value, 'structured clones', () => serialize(value)),
  decode: (bytes, length) => deserialize(BYTES.decode(bytes, length) as Buffer),
}

/** A value that an encoding does not have is a wrong argument. */
function encoded<E>(name: string, value: unknown, what: string, encode: () => E): E {
  try {
    return encode()
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw invalidValue(name, `cannot be encoded as ${what} (${why.replace(/\.$/, '')})`, value)
  }
}

function ofCodec(codec: Codec<unknown>): Coder {
  return {
    name: codec.name,
    text: 'utf8',
    keeps: true,
    encode(_name, value) {
      const bytes: unknown = codec.encode(value)
      if (typeof bytes === 'string') {
        throw invalidType('options.encoding.encode()', 'an instance of Uint8Array', bytes)
      }
      return checkValue('options.encoding.encode()', bytes, 'utf8')
    },
    decode: (bytes, length) => codec.decode(BYTES.decode(bytes, length) as Buffer),
  }
}

/** How many bytes it takes. */
export function byteLengthOf(encoded: Encoded, text: TextEncodingName): number {
  return typeof encoded === 'string' ? Buffer.byteLength(encoded, text) : encoded.byteLength
}

/** The same, for later: the program may change its bytes meanwhile. */
export function keep(encoded: Encoded): Encoded {
  if (typeof encoded === 'string') return encoded
  const bytes = ArrayBuffer.isView(encoded)
    ? new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength)
    : new Uint8Array(encoded)
  return bytes.slice()
}

/** The error for a message that cannot be decoded. */
export function notDecoded(subject: string, index: number, coder: Coder, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `message ${index} cannot be decoded as '${coder.name}' (${why}): receive it as 'bytes'`
  return fail('ERR_MMFILE_NOT_TEXT', subject, message, { cause })
}
