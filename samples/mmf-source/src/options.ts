import { parseArgs } from 'node:util'
import {
  parseRunOptions,
  parseSeconds,
  type RunOptions,
  runOptionFlags,
  runOptionsHelp,
  UsageError,
} from '@mmfile-samples/task-info'

export const usage = `Usage: mmf-source [--headless] [options]

Writes a list of tasks to shared memory, lets MmfDestination run one of them in a process of its
own, and shows the result that comes back.

  --tasks FILE         take the tasks from FILE, XML or JSON (default: three ready-made ones)
${runOptionsHelp}
  --timeout SECONDS    how long to wait for the result
                       (default: 30 more than the longest task takes)
  --headless           run in the terminal (default, as there is nothing else yet)
  --help               show this text`

export interface Options {
  help: boolean
  tasksFile: string | undefined
  run: RunOptions
  /** Seconds. */
  timeout: number | undefined
}

export function parseOptions(args: readonly string[]): Options {
  const values = parse(args)
  return {
    help: values.help ?? false,
    tasksFile: values.tasks,
    run: parseRunOptions(values),
    timeout: values.timeout === undefined ? undefined : parseSeconds('--timeout', values.timeout),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...runOptionFlags,
        tasks: { type: 'string' },
        timeout: { type: 'string' },
        headless: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}
