import { parseArgs } from 'node:util'
import {
  pageOptionFlags,
  parsePageOptions,
  parseRunOptions,
  parseSeconds,
  type RunOptions,
  runOptionFlags,
  runOptionsHelp,
  UsageError,
} from '@mmfile-samples/task-info'

export const usage = `Usage: mmf-source [--open] [options]
       mmf-source --headless [options]

Writes a list of tasks to shared memory, lets MmfDestination run one of them in a process of its
own, and shows the result that comes back.

Without --headless it serves a page to this computer's browsers and prints its address.
  --open               open the page in a browser
  --port PORT          serve the page on this port (default: one that is free)
  --store FILE         keep the tasks in FILE (default: in the user's data folder)

With --headless it runs one task in the terminal and ends. So does each of these:
  --tasks FILE         take the tasks from FILE, XML or JSON (default: three ready-made ones)
${runOptionsHelp}

  --timeout SECONDS    how long to wait for a result (default: 600 with a page; in the terminal
                       30 more than the longest task takes)
  --destination CMD…   run this program instead of MmfDestination; all that follows belongs to it,
                       and the id of the file is added as its last argument
  --help               show this text`

export interface Options {
  help: boolean
  headless: boolean
  open: boolean
  port: number | undefined
  store: string | undefined
  tasksFile: string | undefined
  run: RunOptions
  /** Seconds. */
  timeout: number | undefined
  /** A program and its arguments. */
  destination: readonly string[] | undefined
}

export function parseOptions(args: readonly string[]): Options {
  const { own, destination } = splitDestination(args)
  const values = parse(own)
  const page = parsePageOptions(values, ['tasks', ...Object.keys(runOptionFlags)])
  if (page.headless && values.store !== undefined) {
    throw new UsageError('--store is for the page, and there is none here')
  }
  return {
    help: values.help ?? false,
    ...page,
    store: values.store,
    tasksFile: values.tasks,
    run: parseRunOptions(values),
    timeout: values.timeout === undefined ? undefined : parseSeconds('--timeout', values.timeout),
    destination,
  }
}

/** A command has its own options, which this program does not interpret. */
function splitDestination(args: readonly string[]) {
  const at = args.indexOf('--destination')
  if (at < 0) return { own: args, destination: undefined }
  const destination = args.slice(at + 1)
  if (destination.length === 0) throw new UsageError('--destination is followed by a command')
  return { own: args.slice(0, at), destination }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...runOptionFlags,
        ...pageOptionFlags,
        tasks: { type: 'string' },
        timeout: { type: 'string' },
        store: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}
