import type { MmFile } from '../file/mmfile.js'
import { OBSERVE } from '../shared/arguments.js'
import { MmFileError } from '../shared/errors.js'
import type { TextEncodingName } from '../shared/types.js'
import { catChannel, type Form, followChannel, openChannel } from './channels.js'
import {
  type Command,
  FILE_OPTIONS,
  KIND_OPTION,
  kindOfId,
  open,
  openOnly,
  RANGE_OPTIONS,
  rangeGiven,
  rangeOf,
  UsageError,
  wholeNumber,
} from './command.js'
import { given, INPUT_OPTIONS } from './input.js'
import { write } from './output.js'
import { onSignal } from './signals.js'
import { ENCODING_OPTION, encodingOf, hex, textOf, usualEncoding } from './text.js'

const FORMS = {
  bytes: {
    type: 'boolean',
    short: 'b',
    summary: 'as bytes, just as they are, with nothing between',
  },
  json: { type: 'boolean', summary: 'as JSON strings, one a line' },
} as const

const TEXT_NOTE = `Text is written as UTF-8, each segment or message on a line, and bytes that are no text as <00 ff>. Which it is
is recognised by what it is, unless --encoding says; a segment that is no text of that encoding is an error. Half of a
surrogate pair, which UTF-8 has no bytes for, becomes U+FFFD, and an escape in JSON. In JSON, bytes are an object
{"base64": …}. Messages of a channel are shown by its own encoding.`

function formOf({ bytes, json }: Readonly<Record<string, unknown>>): Form {
  if (bytes && json) throw new UsageError('--bytes and --json exclude each other')
  if (bytes) return 'bytes'
  return json ? 'json' : 'text'
}

/** Prints one segment. With an encoding, bytes that it cannot decode are an error. */
function show(
  file: MmFile,
  index: number,
  form: Form,
  encoding: TextEncodingName | undefined,
): Promise<void> {
  const bytes = file.readBytes(index)
  if (form === 'bytes') return write(bytes)
  const text = encoding === undefined ? textOf(bytes, undefined) : file.read(index)
  if (form === 'text') return write(`${text ?? hex(bytes)}\n`)
  return write(`${JSON.stringify(text ?? { base64: bytes.toString('base64') })}\n`)
}

export const cat: Command = {
  name: 'cat',
  operands: ['ID', '[INDEX]'],
  summary: 'Print the segments or messages that are there, or one of them',
  details: TEXT_NOTE,
  example: 'mmfile cat log --from 100 --limit 10',
  options: { ...FORMS, ...RANGE_OPTIONS, ...ENCODING_OPTION, ...KIND_OPTION, ...FILE_OPTIONS },
  async run(call) {
    const [form, encoding] = [formOf(call.options), encodingOf(call)]
    const [, given] = call.operands
    const only = given === undefined ? undefined : wholeNumber('INDEX', given)
    if (only !== undefined && (call.options.from ?? call.options.limit) !== undefined) {
      throw new UsageError('INDEX is one segment: --from and --limit go without it')
    }
    const range = rangeGiven(call)
    if (kindOfId(call) === 'channel') {
      if (only !== undefined) return catChannel(call, form, only, 1, true)
      return catChannel(call, form, ...range)
    }
    const file = open(call, OBSERVE, encoding)
    try {
      if (only !== undefined) return await show(file, only, form, encoding)
      const [from, to] = rangeOf(range, file.length)
      for (let index = from; index < to; index += 1) await show(file, index, form, encoding)
    } finally {
      file.close()
    }
  },
}

export const follow: Command = {
  name: 'follow',
  operands: ['ID'],
  summary: 'Print the segments or messages that are there and those that come, until it is sealed',
  details: TEXT_NOTE,
  example: 'mmfile follow log --from end --json',
  options: {
    ...FORMS,
    from: {
      type: 'string',
      hint: 'INDEX',
      summary: "begin with this one instead of the first; 'end': with the next that comes",
    },
    limit: RANGE_OPTIONS.limit,
    ...ENCODING_OPTION,
    ...KIND_OPTION,
    'require-peer': {
      type: 'boolean',
      summary: 'fail with ERR_MMFILE_PEER_GONE when no other process has it open any more',
    },
    ...FILE_OPTIONS,
  },
  async run(call) {
    const [form, encoding] = [formOf(call.options), encodingOf(call)]
    const { from, 'require-peer': requirePeer } = call.options
    const given = typeof from === 'string' && from !== 'end' ? wholeNumber('--from', from) : 0
    const limit =
      rangeGiven({ ...call, options: { limit: call.options.limit } })[1] ?? Number.POSITIVE_INFINITY
    const isChannel = kindOfId(call) === 'channel'
    const stop = new AbortController()
    const unlisten = onSignal((stopped) => stop.abort(stopped))
    let file: MmFile | undefined
    try {
      if (isChannel) {
        const position = from === 'end' ? 'new' : from === undefined ? undefined : given
        return await followChannel(call, form, position, limit, stop.signal, requirePeer === true)
      }
      file = open(call, 'read', encoding)
      const first = from === 'end' ? file.length : given
      for (let next = first; ; ) {
        for (; next < file.length && !stop.signal.aborted; next += 1) {
          if (next >= first + limit) return
          await show(file, next, form, encoding)
        }
        if (next >= first + limit) return
        await file.waitFor(next, { signal: stop.signal, requirePeer: requirePeer === true })
      }
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason
      if (!MmFileError.is(error, 'ERR_MMFILE_SEALED')) throw error
    } finally {
      unlisten()
      file?.close()
    }
  },
}

export const append: Command = {
  name: 'append',
  operands: ['ID', '[TEXT]'],
  summary: 'Append a segment, or several, and print the index of each',
  details: `Without TEXT, standard input is one segment, as UTF-8 text; if there is none, nothing is appended. The
text is stored as --encoding says. Without it, as the newest segments that are text, by what 'cat' recognises them as;
as UTF-16 where there are none. A TEXT that begins with a dash goes behind '--'.`,
  example: 'tail -f log.txt | mmfile append log --lines --encoding utf8',
  options: {
    ...INPUT_OPTIONS,
    ...ENCODING_OPTION,
    ...FILE_OPTIONS,
  },
  async run(call) {
    const values = given(call)
    const asked = encodingOf(call)
    const instead = "'mmfile send' sends to it"
    const file = openOnly(call, 'file', instead, () => open(call, 'read-write', asked))
    try {
      let encoding = asked
      for await (const value of values) {
        encoding ??= usualEncoding(file)
        const isToEncode = asked === undefined && typeof value === 'string'
        await write(`${file.append(isToEncode ? Buffer.from(value, encoding) : value)}\n`)
      }
    } finally {
      file.close()
    }
  },
}

export const seal: Command = {
  name: 'seal',
  operands: ['ID'],
  summary: 'Seal a file or a channel: it takes no more, and what follows it ends',
  example: 'mmfile seal log',
  options: { ...KIND_OPTION, ...FILE_OPTIONS },
  run(call) {
    const isChannel = kindOfId(call) === 'channel'
    const one = isChannel ? openChannel(call, 'read-write') : open(call, 'read-write')
    try {
      one.seal()
    } finally {
      one.close()
    }
  },
}
