import { parseArgs } from 'node:util'
import { type Call, type Command, Failures, Stopped, UsageError } from './command.js'
import { commands } from './commands.js'
import { commandHelp, generalHelp, optionsOf } from './help.js'
import { complain, fail, greatest, stopWhenNobodyReads } from './output.js'

const { version } = require('../../package.json') as { version: string }

/** Runs one command line and returns its exit status: 0, 1 for a failure, 2 for wrong usage. */
export async function run(args: readonly string[]): Promise<number> {
  stopWhenNobodyReads()
  try {
    const [name, ...rest] = args
    if (name === undefined) {
      process.stderr.write(`${generalHelp(commands)}\n`)
      return 2
    }
    if (name === '--help' || name === '-h') return say(help(rest[0]))
    if (name === 'help') return say(help(rest[0]))
    if (name === '--version' || name === '-v') return say(version)
    const command = find(name)
    const call = parse(command, rest)
    if (call === undefined) return say(commandHelp(command))
    await command.run(call)
    return 0
  } catch (error) {
    return explain(error)
  }
}

function say(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}

function help(name: string | undefined): string {
  return name === undefined ? generalHelp(commands) : commandHelp(find(name))
}

function find(name: string): Command {
  const command = commands.find((one) => one.name === name)
  if (command === undefined) throw new UsageError(`there is no command '${name}'`)
  return command
}

/** The parsed arguments, or `undefined` if help was asked for. */
function parse(command: Command, args: string[]): Call | undefined {
  const { values, positionals } = parseArgs({
    args,
    options: optionsOf(command),
    allowPositionals: true,
    strict: true,
  })
  if (values.help) return undefined
  const least = command.operands.filter((operand) => !operand.startsWith('[')).length
  const repeats = command.operands.some((operand) => operand.endsWith('...'))
  if (positionals.length < least) {
    throw new UsageError(`'${command.name}' needs ${command.operands[positionals.length]}`)
  }
  if (!repeats && positionals.length > command.operands.length) {
    throw new UsageError(`'${command.name}' has no use for '${positionals.at(-1)}'`)
  }
  return { operands: positionals, options: values as Call['options'] }
}

/** Tells on standard error what went wrong, and returns the exit status. */
function explain(error: unknown): number {
  if (error instanceof Stopped) return error.status
  if (error instanceof Failures) return greatest(error.errors, explain)
  const { code, message } = error as { code?: string; message: string }
  const wrongUsage =
    error instanceof UsageError || /^ERR_(PARSE_ARGS|INVALID_ARG|OUT_OF_RANGE)/.test(code ?? '')
  if (wrongUsage) {
    const reason = error instanceof UsageError ? message : `${code}: ${message}`
    complain(`${reason}\nTry 'mmfile --help'.`)
    return 2
  }
  return fail(error)
}
