import { type Call, UsageError } from './command.js'

/** How standard input is taken. */
export const INPUT_OPTIONS = {
  bytes: {
    type: 'boolean',
    short: 'b',
    summary: 'take standard input as bytes, just as they are',
  },
  lines: {
    type: 'boolean',
    short: 'l',
    summary: 'take each line of standard input for one',
  },
  'allow-empty': {
    type: 'boolean',
    summary: 'take standard input for an empty one if it is empty',
  },
} as const

/** The values that a command was given to write, or reads from standard input. */
export function given({ operands, options }: Call): AsyncGenerator<string | Buffer> {
  const { bytes, lines, 'allow-empty': allowEmpty } = options
  const [, text] = operands
  if (bytes && lines) throw new UsageError('--bytes and --lines exclude each other')
  if (text !== undefined && (bytes || lines)) {
    throw new UsageError('--bytes and --lines are about standard input: leave TEXT out')
  }
  return values(text, bytes === true, lines === true, allowEmpty === true)
}

async function* values(
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
