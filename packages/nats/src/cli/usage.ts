/** An option, as `--help` shows it and `parseArgs` takes it. */
interface Option {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** The meaning of a string value. */
  readonly hint?: string
  readonly summary: string
}

/** The command line makes no sense. */
export class UsageError extends Error {}

/** How the server is reached. None takes a secret: every user of the machine can see arguments. */
const CONNECTION = {
  server: {
    type: 'string',
    short: 's',
    hint: 'URL',
    summary: 'servers, with commas between (NATS_URL)',
  },
  context: {
    type: 'string',
    hint: 'NAME',
    summary: "a context of the 'nats' command (NATS_CONTEXT)",
  },
  creds: { type: 'string', hint: 'FILE', summary: 'credentials (NATS_CREDS)' },
  nkey: { type: 'string', hint: 'FILE', summary: "an nkey's seed (NATS_NKEY)" },
  tlscert: { type: 'string', hint: 'FILE', summary: 'certificate of this client (NATS_CERT)' },
  tlskey: { type: 'string', hint: 'FILE', summary: 'its private key (NATS_KEY)' },
  tlsca: { type: 'string', hint: 'FILE', summary: "who signs the server's certificate (NATS_CA)" },
  tlsfirst: { type: 'boolean', summary: "TLS before the server's greeting" },
  'js-domain': { type: 'string', hint: 'DOMAIN', summary: 'JetStream domain' },
} as const satisfies Record<string, Option>

const COMMON = {
  ...CONNECTION,
  kind: { type: 'string', hint: 'KIND', summary: "'file' or 'channel', where it is both or new" },
  directory: {
    type: 'string',
    hint: 'FOLDER',
    summary: 'where it is, if not where MMFILE_DIRECTORY says',
  },
  json: { type: 'boolean', summary: 'progress as JSON on standard output, an object a line' },
  quiet: { type: 'boolean', short: 'q', summary: 'no progress' },
  help: { type: 'boolean', short: 'h', summary: 'show this help' },
} as const satisfies Record<string, Option>

const PUSH = {
  subject: {
    type: 'string',
    hint: 'SUBJECT',
    summary: "of the messages. Default: the stream's name",
  },
  replicas: { type: 'string', hint: 'COUNT', summary: 'of a stream that is made. Default 1' },
  'max-age': {
    type: 'string',
    hint: 'SECONDS',
    summary: 'of messages in a stream that is made. Default: without end',
  },
  group: {
    type: 'string',
    hint: 'NAME',
    summary: "that keeps a channel's messages. Default 'push:STREAM'",
  },
} as const satisfies Record<string, Option>

const PULL = {
  capacity: {
    type: 'string',
    hint: 'BYTES',
    summary: 'makes ID where it is not there, with so much room',
  },
  encoding: { type: 'string', hint: 'NAME', summary: 'of a channel that is made. Default bytes' },
} as const satisfies Record<string, Option>

/** The commands, with the operands and options of each. */
export const COMMANDS = {
  push: {
    operands: ['ID', 'STREAM'],
    summary: 'Copy a file or a channel into a stream, which is made if it is not there',
    options: { ...PUSH, ...COMMON },
    example: 'mmfile-nats push orders ORDERS --server nats.example.org',
  },
  pull: {
    operands: ['STREAM', 'ID'],
    summary: 'Copy a stream, which is waited for, into a file or a channel',
    options: { ...PULL, ...COMMON },
    example: 'mmfile-nats pull ORDERS orders --kind channel --capacity 4194304',
  },
} as const

export type CommandName = keyof typeof COMMANDS

const NOTES = `ID is a UUID or a name; with a slash in it, it is a path on disk. A copy goes on until the source is sealed, or a
signal ends it, and reconnects without end. Where it ended, it goes on when it is run again.

Users, passwords and tokens come from NATS_USER, NATS_PASSWORD and NATS_TOKEN, or from a context.

Exit status: 0 when the seal has been copied; 1 for a failure, with its code on standard error; 2 for wrong usage;
130, 143 and 129 after SIGINT, SIGTERM and SIGHUP.`

/** The output of `--help`. */
export function help(name?: CommandName): string {
  if (name === undefined) {
    const lines = Object.entries(COMMANDS).map(
      ([command, { operands, summary }]) => [`${command} ${operands.join(' ')}`, summary] as const,
    )
    return ['Usage: mmfile-nats COMMAND [OPTIONS]', '', ...columns(lines), '', NOTES].join('\n')
  }
  const { operands, summary, options, example } = COMMANDS[name]
  const lines = Object.entries<Option>(options).map(([long, { short, hint, summary }]) => {
    const left = `${short ? `-${short}, ` : '    '}--${long}${hint ? ` ${hint}` : ''}`
    return [left, summary] as const
  })
  const usage = `Usage: mmfile-nats ${name} ${operands.join(' ')} [OPTIONS]`
  return [
    usage,
    '',
    `${summary}.`,
    '',
    ...columns(lines),
    '',
    NOTES,
    '',
    `Example: ${example}`,
  ].join('\n')
}

function columns(lines: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...lines.map(([left]) => left.length))
  return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
