import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import {
  type Progress,
  type RunOptions,
  serializeTasks,
  type TaskInfo,
} from '@mmfile-samples/task-info'
import { MmFile } from 'mmfile'
import { stopProcess, within } from './child-process.js'
import { type Destination, headlessDestination } from './destination.js'
import { openNews } from './news-channel.js'
import { type RunOutcome, readResult } from './run-outcome.js'
import { watchRun } from './watch-run.js'

export interface RunSettings {
  options: RunOptions
  /** Milliseconds from the start of the destination. */
  timeout: number
  /** Ends the run, and the destination with it. */
  signal: AbortSignal
  /** MmfDestination in the terminal if absent. */
  destination?: Destination | undefined
  /** Gets what the destination prints; if absent, that goes to this program's terminal. */
  onLine?: ((line: string) => void) | undefined
  /** The address of this program's page, for the destination to lead back to. */
  page?: string | undefined
  /** Gets how far the task is, from destinations that tell. */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** One destination at work on one file. Any number of runs can be active at once. */
export interface TaskRun {
  readonly file: MmFile
  /** Undefined if the program could not be started; the outcome says why. */
  readonly pid: number | undefined
  /** Comes as soon as it is known; never rejects. */
  readonly outcome: Promise<RunOutcome>
  /** The destination has exited. */
  readonly ended: Promise<void>
  /** Kills the destination at once, without a chance to tidy up. False if it has exited. */
  kill(): boolean
  /** The result that the destination had written by its end, if any. */
  lateResult(): RunOutcome | undefined
  /** Whether what was written for the destination is still there, byte for byte. */
  isIntact(): boolean
  /** Closes the file, which ends it. */
  close(): void
}

/** How long a destination that has delivered its result may take to exit. */
const farewell = 2000
/** How long what it printed may take to arrive after its end. */
const lastWords = 500

export function startRun(tasks: readonly TaskInfo[], settings: RunSettings): TaskRun {
  const xml = serializeTasks(tasks)
  const capacity = capacityFor(xml)
  const file = MmFile.createNew(capacity)
  let news: Disposable | undefined
  const close = () => {
    news?.[Symbol.dispose]()
    file.close()
  }
  try {
    file.write(0, xml)
    const about = { page: settings.page ?? null, deadline: Date.now() + settings.timeout }
    news = openNews(file.id, about, (progress) => settings.onProgress?.(progress))
    const { child, heard } = startDestination(file.id, settings)
    const outcome = watchRun(file, child, tasks, settings)
    return {
      file,
      pid: child.pid,
      outcome,
      ended: finish(child, heard, outcome),
      kill: () => child.kill('SIGKILL'),
      lateResult: () => (isSegment(file, 1) ? readResult(file, tasks) : undefined),
      isIntact: () => isSegment(file, 0, xml),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** Whether the file has that segment, with that text if it is given. */
function isSegment(file: MmFile, index: number, text?: string): boolean {
  try {
    return text === undefined ? file.length > index : file.read(index) === text
  } catch {
    return false
  }
}

/**
 * Room for the tasks and for one of them with its result. The result is no longer than all the tasks
 * together and what the destination has to say about it, for which 64 KiB is plenty.
 */
function capacityFor(xml: string): number {
  return 2 * (2 * xml.length) + 64 * 1024
}

/** `heard` resolves once its output has ended. */
function startDestination(
  fileId: string,
  { options, onLine, destination = headlessDestination(options) }: RunSettings,
): { child: ChildProcess; heard: Promise<unknown> } {
  const { command, args } = destination.start(fileId)
  // A result comes back only through the file: the printed output is for users.
  const output = onLine ? 'pipe' : 'inherit'
  const child = spawn(command, args, { stdio: ['ignore', output, output] })
  if (onLine === undefined) return { child, heard: Promise.resolve() }
  const closed = [child.stdout, child.stderr].map((input) => {
    return input && once(createInterface({ input }).on('line', onLine), 'close')
  })
  return { child, heard: Promise.allSettled(closed) }
}

async function finish(
  child: ChildProcess,
  heard: Promise<unknown>,
  outcome: Promise<RunOutcome>,
): Promise<void> {
  const { kind } = await outcome
  await stopProcess(child, kind === 'result' ? farewell : 0)
  // Processes that it started may have its output open for longer; they are not waited for.
  await within(heard, lastWords)
  child.stdout?.destroy()
  child.stderr?.destroy()
}
