#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import type { Progress } from '../options.js'
import { pull } from '../pull.js'
import { push } from '../push.js'
import { connectTo, settingsOf } from './connection.js'
import { open, openOrCreate } from './things.js'
import { COMMANDS, type CommandName, help, UsageError } from './usage.js'

const { version } = require('../../package.json') as { version: string }

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

interface Call {
  readonly name: CommandName
  readonly operands: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

/** Runs one command line and returns its exit status. */
async function run(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined) {
    process.stderr.write(`${help()}\n`)
    return 2
  }
  if (name === '--help' || name === '-h' || name === 'help') return say(help())
  if (name === '--version' || name === '-v') return say(version)
  if (name !== 'push' && name !== 'pull') throw new UsageError(`there is no command '${name}'`)
  const { options: known, operands } = COMMANDS[name]
  const { values, positionals } = parseArgs({ args: rest, options: known, allowPositionals: true })
  if (values.help) return say(help(name))
  if (positionals.length < operands.length)
    throw new UsageError(`'${name}' needs ${operands[positionals.length]}`)
  if (positionals.length > operands.length)
    throw new UsageError(`'${name}' has no use for '${positionals.at(-1)}'`)
  return copy({ name, operands: positionals, options: values as Call['options'] })
}

async function copy(call: Call): Promise<number> {
  const { name, operands, options } = call
  const [first = '', second = ''] = operands
  const [id, stream] = name === 'push' ? [first, second] : [second, first]
  const settings = settingsOf(options, process.env)
  const place = { kind: kindGiven(options.kind), directory: text(options.directory) }
  const config = configOf(options)
  const stop = new AbortController()
  let status = 0
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // The second signal ends it at once: messages on their way may never get a reply.
      if (stop.signal.aborted) process.exit(code)
      status = code
      stop.abort()
    })
  }
  const report = new Report(`${name} ${stream}`, options)
  const thing =
    name === 'push'
      ? open(id, place, 'read')
      : openOrCreate(id, place, number('--capacity', options.capacity), text(options.encoding))
  let connection: NatsConnection | undefined
  try {
    const { signal } = stop
    const onRetry = (error: Error) => report.retry(error)
    connection = await connectTo(settings, `mmfile-nats ${name}`, signal, onRetry)
    if (connection === undefined) return status
    const { jetstream_domain: domain, jetstream_api_prefix: apiPrefix } = settings
    const js = jetstream(connection, domain ? { domain } : apiPrefix ? { apiPrefix } : {})
    const onProgress = (progress: Progress) => report.progress(progress)
    const common = { signal, onProgress, onRetry }
    if (name === 'push') {
      const [subject, group] = [text(options.subject), text(options.group)]
      await push(thing, { js, stream, subject, group, config, ...common })
    } else {
      await pull({ js, stream }, thing, common)
    }
    return status
  } finally {
    report.end()
    thing.close()
    await connection?.close()
  }
}

/** Tells how far it is: a line a second at most, and what is tried again. */
class Report {
  readonly #what: string
  readonly #json: boolean
  readonly #quiet: boolean
  #next = 0
  #last: Progress | undefined
  #retried: string | undefined

  constructor(what: string, { json, quiet }: Call['options']) {
    this.#what = what
    this.#json = json === true
    this.#quiet = quiet === true
    // The reader of the output is gone, as with a signal SIGPIPE.
    process.stdout.on('error', () => process.exit(141))
  }

  progress(progress: Progress): void {
    this.#retried = undefined
    this.#last = progress
    if (this.#quiet || performance.now() < this.#next) return
    this.#next = performance.now() + 1000
    this.#show('progress', progress)
  }

  /** The same reason is printed once. */
  retry(error: Error): void {
    const { code, message } = error as { code?: string | number; message: string }
    if (this.#quiet || this.#retried === message) return
    this.#retried = message
    if (this.#json) this.#line({ event: 'retry', code, message })
    else process.stderr.write(`${this.#what}: trying again: ${message}\n`)
  }

  end(): void {
    if (this.#quiet || this.#last === undefined) return
    this.#show('end', this.#last)
    if (process.stderr.isTTY && !this.#json) process.stderr.write('\n')
  }

  #show(event: string, progress: Progress): void {
    if (this.#json) {
      this.#line({ event, ...progress })
      return
    }
    const { messages, bytes, lag, sealed } = progress
    const text = `${this.#what}: ${messages} messages, ${bytes} bytes, ${lag} behind${sealed ? ', sealed' : ''}`
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
  }

  #line(object: object): void {
    process.stdout.write(`${JSON.stringify(object)}\n`)
  }
}

function configOf(options: Call['options']): object {
  const replicas = number('--replicas', options.replicas)
  const age = number('--max-age', options['max-age'])
  return {
    ...(replicas === undefined ? {} : { num_replicas: replicas }),
    ...(age === undefined ? {} : { max_age: age * 1e9 }),
  }
}

function kindGiven(kind: unknown): 'file' | 'channel' | undefined {
  if (kind === undefined || kind === 'file' || kind === 'channel') return kind
  throw new UsageError(`--kind is 'file' or 'channel', not '${kind}'`)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const number = /^\d+$/.test(String(value)) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new UsageError(`${name} is no whole number: '${value}'`)
  return number
}

function say(line: string): number {
  process.stdout.write(`${line}\n`)
  return 0
}

/** Tells on standard error what went wrong, and returns the exit status. */
function explain(error: unknown): number {
  const { code, message } = error as { code?: string | number; message: string }
  const usage =
    error instanceof UsageError || /^ERR_(PARSE_ARGS|INVALID_ARG|OUT_OF_RANGE)/.test(String(code))
  const says = error instanceof UsageError || code === undefined || message.startsWith(`${code}:`)
  const reason = says ? message : `${code}: ${message}`
  process.stderr.write(`mmfile-nats: ${reason}\n${usage ? "Try 'mmfile-nats --help'.\n" : ''}`)
  return usage ? 2 : 1
}

run(process.argv.slice(2))
  .catch(explain)
  .then((status) => {
    process.exit(status)
  })
