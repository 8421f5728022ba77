import type { MmFile } from '../file/mmfile.js'
import { MmFileError } from '../shared/errors.js'
import type { TextEncodingName } from '../shared/types.js'
import {
  type Command,
  FILE_OPTIONS,
  open,
  RANGE_OPTIONS,
  rangeOf,
  Stopped,
  UsageError,
  wholeNumber,
} from './command.js'
import { write } from './output.js'
import { ENCODING_OPTION, encodingOf, hex, textOf } from './text.js'

const FORMS = {
  bytes: {
    type: 'boolean',
    short: 'b',
    summary: 'as bytes, just as they are, with nothing between',
  },
  json: { type: 'boolean', summary: 'as JSON strings, one a line' },
} as const

const TEXT_NOTE = `Text is written as UTF-8, each segment on a line, and bytes that are no text as <00 ff>. Which it is
is recognised by what it is, unless --encoding says; a segment that is no text of that encoding is an error. Half of a
surrogate pair, which UTF-8 has no bytes for, becomes U+FFFD, and an escape in JSON. In JSON, bytes are an object
{"base64": …}.`

type Form = 'text' | 'bytes' | 'json'

function formOf({ bytes, json }: Readonly<Record<string, unknown>>): Form {
  if (bytes && json) throw new UsageError('--bytes and --json exclude each other')
  if (bytes) return 'bytes'
  return json ? 'json' : 'text'
}

/** Prints one segment. With an encoding, what is no text of it is an error. */
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
  summary: 'Print the segments that are there, or one of them',
  details: TEXT_NOTE,
  example: 'mmfile cat log --from 100 --limit 10',
  options: { ...FORMS, ...RANGE_OPTIONS, ...ENCODING_OPTION, ...FILE_OPTIONS },
  async run(call) {
    const [form, encoding] = [formOf(call.options), encodingOf(call)]
    const [, given] = call.operands
    const only = given === undefined ? undefined : wholeNumber('INDEX', given)
    if (only !== undefined && (call.options.from ?? call.options.limit) !== undefined) {
      throw new UsageError('INDEX is one segment: --from and --limit go without it')
    }
    const file = open(call, 'read', encoding)
    try {
      if (only !== undefined) return await show(file, only, form, encoding)
      const [from, to] = rangeOf(call, file.length)
      for (let index = from; index < to; index += 1) await show(file, index, form, encoding)
    } finally {
      file.close()
    }
  },
}

export const follow: Command = {
  name: 'follow',
  operands: ['ID'],
  summary: 'Print the segments that are there and those that come, until the file is sealed',
  details: TEXT_NOTE,
  example: 'mmfile follow log --from end --json',
  options: {
    ...FORMS,
    from: {
      type: 'string',
      hint: 'INDEX',
      summary: "begin with this segment instead of the first; 'end': with the next that comes",
    },
    ...ENCODING_OPTION,
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
    const file = open(call, 'read', encoding)
    const first = from === 'end' ? file.length : given
    const stop = new AbortController()
    const unlisten = onSignal((status) => stop.abort(new Stopped(status)))
    try {
      for (let next = first; ; ) {
        for (; next < file.length && !stop.signal.aborted; next += 1) {
          await show(file, next, form, encoding)
        }
        await file.waitFor(next, { signal: stop.signal, requirePeer: requirePeer === true })
      }
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason
      if (!MmFileError.is(error, 'ERR_MMFILE_SEALED')) throw error
    } finally {
      unlisten()
      file.close()
    }
  },
}

/** Ends a file cleanly where a signal would have ended the process. The status is the shell's. */
function onSignal(stop: (status: number) => void): () => void {
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
  const listeners = Object.entries(signals).map(([name, status]) => {
    const listener = () => stop(status)
    process.once(name, listener)
    return () => process.off(name, listener)
  })
  return () => {
    for (const remove of listeners) remove()
  }
}

export const append: Command = {
  name: 'append',
  operands: ['ID', '[TEXT]'],
  summary: 'Append a segment, or several, and print the index of each',
  details: `Without TEXT, standard input is one segment, as UTF-8 text; if there is none, nothing is appended. The
text is stored as --encoding says, as UTF-16 without it. A TEXT that begins with a dash goes behind '--'.`,
  example: 'tail -f log.txt | mmfile append log --lines --encoding utf8',
  options: {
    bytes: {
      type: 'boolean',
      short: 'b',
      summary: 'take standard input as bytes, just as they are',
    },
    lines: {
      type: 'boolean',
      short: 'l',
      summary: 'make a segment of each line of standard input',
    },
    'allow-empty': {
      type: 'boolean',
      summary: 'append an empty segment if standard input is empty',
    },
    ...ENCODING_OPTION,
    ...FILE_OPTIONS,
  },
  async run(call) {
    const { bytes, lines, 'allow-empty': allowEmpty } = call.options
    const [, text] = call.operands
    if (bytes && lines) throw new UsageError('--bytes and --lines exclude each other')
    if (text !== undefined && (bytes || lines)) {
      throw new UsageError('--bytes and --lines are about standard input: leave TEXT out')
    }
    const file = open(call, 'read-write', encodingOf(call))
    try {
      for await (const value of given(text, bytes === true, lines === true, allowEmpty === true)) {
        await write(`${file.append(value)}\n`)
      }
    } finally {
      file.close()
    }
  },
}

async function* given(
  text: string | undefined,
  bytes: boolean,
  lines: boolean,
  allowEmpty: boolean,
): AsyncGenerator<string | Buffer> {
  if (text !== undefined) yield text
  else if (lines) yield* eachLine()
  else {
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
    const all = Buffer.concat(chunks)
    if (all.length > 0 || allowEmpty) yield bytes ? all : decoder().decode(all)
  }
}

/** Bytes that are no UTF-8 are refused, not replaced. */
function decoder() {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
}

async function* eachLine(): AsyncGenerator<string> {
  const text = decoder()
  let begun = ''
  for await (const chunk of process.stdin) {
    const [end = '', ...more] = text.decode(chunk as Buffer, { stream: true }).split('\n')
    begun += end
    for (const next of more) {
      yield begun.replace(/\r$/, '')
      begun = next
    }
  }
  begun += text.decode()
  if (begun !== '') yield begun
}

export const seal: Command = {
  name: 'seal',
  operands: ['ID'],
  summary: 'Seal a file: it takes no more segments, and those who follow it end',
  example: 'mmfile seal log',
  options: { ...FILE_OPTIONS },
  run(call) {
    const file = open(call, 'read-write')
    try {
      file.seal()
    } finally {
      file.close()
    }
  },
}
