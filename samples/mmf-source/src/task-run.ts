import { type ChildProcess, spawn } from 'node:child_process'
import {
  type RunOptions,
  serializeTasks,
  type TaskInfo,
  toArguments,
} from '@mmfile-samples/task-info'
import { MmFile } from 'mmfile'
import { stopProcess } from './child-process.js'
import type { RunOutcome } from './run-outcome.js'
import { watchRun } from './watch-run.js'

export interface RunSettings {
  options: RunOptions
  /** Milliseconds from the start of the destination. */
  timeout: number
  /** Ends the run, and the destination with it. */
  signal: AbortSignal
}

/** One destination at work on one file. Any number of runs can go on at once. */
export interface TaskRun {
  readonly fileId: string
  readonly capacity: number
  /** Undefined if the program could not be started; the outcome says why. */
  readonly pid: number | undefined
  /** Comes as soon as it is known; never rejects. */
  readonly outcome: Promise<RunOutcome>
  /** The destination has exited and the file is closed. */
  readonly ended: Promise<void>
}

/** How long a destination that has delivered its result may take to exit. */
const farewell = 2000

export function startRun(tasks: readonly TaskInfo[], settings: RunSettings): TaskRun {
  const xml = serializeTasks(tasks)
  const capacity = capacityFor(xml)
  const file = MmFile.createNew(capacity)
  try {
    file.write(0, xml)
    const child = startDestination(file.id, settings.options)
    const outcome = watchRun(file, child, tasks, settings)
    return {
      fileId: file.id,
      capacity,
      pid: child.pid,
      outcome,
      ended: finish(file, child, outcome),
    }
  } catch (error) {
    file.close()
    throw error
  }
}

/**
 * Room for the tasks and for one of them with its result. The result is no longer than all the tasks
 * together and what the destination has to say about it, for which 64 KiB is plenty.
 */
function capacityFor(xml: string): number {
  return 2 * (2 * xml.length) + 64 * 1024
}

function startDestination(fileId: string, options: RunOptions): ChildProcess {
  const program = require.resolve('@mmfile-samples/mmf-destination')
  const args = [program, fileId, '--headless', ...toArguments(options)]
  // The bar goes straight to the terminal; nothing comes back but through the file.
  return spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
}

async function finish(
  file: MmFile,
  child: ChildProcess,
  outcome: Promise<RunOutcome>,
): Promise<void> {
  try {
    const { kind } = await outcome
    await stopProcess(child, kind === 'result' ? farewell : 0)
  } finally {
    file.close()
  }
}
