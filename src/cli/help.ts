import type { Command, CommandOption } from './command.js'
import { greatest } from './output.js'

const HELP: CommandOption = { type: 'boolean', short: 'h', summary: 'show this help' }

const NOTES = `ID is a UUID or a name; with a slash in it, it is a path on disk.

Exit status: 0; 1 for a failure, with the error's code on standard error; 2 for wrong usage.`

/** The options of a command, with those that every command takes. */
export function optionsOf(command: Command): Record<string, CommandOption> {
  return { ...command.options, help: HELP }
}

/** The output of `mmfile --help`. */
export function generalHelp(commands: readonly Command[]): string {
  const lines = commands.map((command) => [usage(command), command.summary] as const)
  return [
    'Usage: mmfile COMMAND [OPTIONS]',
    '',
    'Shows files and channels in shared memory, and changes them.',
    '',
    ...columns(lines),
    '',
    NOTES,
    '',
    "'mmfile COMMAND --help' says more of a command; 'mmfile --version' tells the version.",
  ].join('\n')
}

/** The output of `mmfile COMMAND --help`. */
export function commandHelp(command: Command): string {
  const lines = Object.entries(optionsOf(command)).map(([name, option]) => {
    const long = `--${name}${option.hint ? ` ${option.hint}` : ''}`
    return [option.short ? `-${option.short}, ${long}` : `    ${long}`, option.summary] as const
  })
  const details = command.details === undefined ? [] : ['', command.details]
  return [
    `Usage: mmfile ${usage(command)} [OPTIONS]`,
    '',
    `${command.summary}.`,
    ...details,
    '',
    ...columns(lines),
    '',
    `Example: ${command.example}`,
  ].join('\n')
}

function usage(command: Command): string {
  return [command.name, ...command.operands].join(' ')
}

function columns(lines: readonly (readonly [string, string])[]): string[] {
  const width = greatest(lines, ([left]) => left.length)
  return lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
