import {
  countTasks,
  formatDateTime,
  formatTable,
  type RunOptions,
  type TaskInfo,
} from '@mmfile-samples/task-info'
import type { Destination } from './destination.js'
import { describeFailure } from './run-outcome.js'
import { startRun } from './task-run.js'

/** Seconds that a run may take beyond the longest task: to start a process, and on a busy machine. */
const allowance = 30

export interface HeadlessSettings {
  options: RunOptions
  /** Seconds. */
  timeout: number | undefined
  signal: AbortSignal
  /** MmfDestination if absent. */
  destination?: Destination | undefined
}

/** One run in a terminal. Returns the exit status. */
export async function runHeadless(
  tasks: readonly TaskInfo[],
  settings: HeadlessSettings,
): Promise<number> {
  const { options, signal, destination } = settings
  const seconds = settings.timeout ?? longest(tasks, options) + allowance
  const run = startRun(tasks, { options, timeout: seconds * 1000, signal, destination })
  say(`wrote ${countTasks(tasks)} to file ${run.file.id} (${run.file.capacity} bytes)`)
  if (run.pid !== undefined)
    say(`started ${destination?.name ?? 'MmfDestination'} as process ${run.pid}`)

  const outcome = await run.outcome
  // At once, and before the destination has ended, which may take a moment.
  if (outcome.kind !== 'result') complain(describeFailure(outcome, destination?.name))
  await run.ended
  run.close()
  if (outcome.kind !== 'result') return 1
  say('the result that came back')
  console.log(resultTable(outcome.task))
  return 0
}

function longest(tasks: readonly TaskInfo[], { duration }: RunOptions): number {
  return duration ?? tasks.reduce((most, task) => Math.max(most, task.duration), 0)
}

function resultTable(task: TaskInfo): string {
  const rows = [
    ['Id', task.id],
    ['Name', task.name],
    ['Description', task.description],
    ['Duration', `${task.duration} s`],
    ['Priority', task.priority],
    ['Status', task.status],
    ['Created', formatDateTime(task.created)],
    ['Completed', task.completed ? formatDateTime(task.completed) : ''],
    ['Result', task.result ?? ''],
  ]
  return formatTable(['Field', 'Value'], rows, { width: process.stdout.columns })
}

function complain(message: string): void {
  // On a terminal, a destination that was killed leaves its progress bar without a line end.
  console.error(`${process.stdout.isTTY ? '\n' : ''}MmfSource: ${message}`)
}

function say(message: string): void {
  console.log(`MmfSource: ${message}`)
}
