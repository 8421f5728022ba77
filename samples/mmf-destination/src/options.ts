import { parseArgs } from 'node:util'
import {
  parseRunOptions,
  type RunOptions,
  runOptionFlags,
  runOptionsHelp,
  UsageError,
} from '@mmfile-samples/task-info'

export const usage = `Usage: mmf-destination ID [--headless] [options]

Opens the file ID that MmfSource created, runs one of the tasks in it and appends the result.

${runOptionsHelp}
  --headless           run in the terminal (default, as there is nothing else yet)
  --help               show this text`

export interface Options {
  help: boolean
  /** Absent if the program was started by hand, without knowing any. */
  id: string | undefined
  run: RunOptions
}

export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args)
  if (positionals.length > 1) {
    throw new UsageError(
      `one ID is expected, and there are ${positionals.length}: ${positionals.join(' ')}`,
    )
  }
  return { help: values.help ?? false, id: positionals[0], run: parseRunOptions(values) }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...runOptionFlags,
        headless: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}
