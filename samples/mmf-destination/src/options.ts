import { parseArgs } from 'node:util'
import {
  pageOptionFlags,
  parsePageOptions,
  parseRunOptions,
  type RunOptions,
  runOptionFlags,
  runOptionsHelp,
  UsageError,
} from '@mmfile-samples/task-info'

export const usage = `Usage: mmf-destination ID [--open] [--port PORT]
       mmf-destination ID --headless [options]

Opens the file ID that MmfSource created, runs one of the tasks in it and appends the result.

Without --headless it serves a page to this computer's browsers and prints its address.
  --open               open the page in a browser
  --port PORT          serve the page on this port (default: one that is free)

With --headless it runs one task in the terminal. So does each of these:
${runOptionsHelp}

  --help               show this text`

export interface Options {
  help: boolean
  /** Absent if the program was started by hand, without knowing any. */
  id: string | undefined
  headless: boolean
  run: RunOptions
  open: boolean
  port: number | undefined
}

export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args)
  if (positionals.length > 1) {
    throw new UsageError(
      `one ID is expected, and there are ${positionals.length}: ${positionals.join(' ')}`,
    )
  }
  return {
    help: values.help ?? false,
    id: positionals[0],
    run: parseRunOptions(values),
    ...parsePageOptions(values, Object.keys(runOptionFlags)),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...runOptionFlags,
        ...pageOptionFlags,
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}
