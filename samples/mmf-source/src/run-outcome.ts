import { closedByUser, deserializeTasks, type TaskInfo } from '@mmfile-samples/task-info'
import type { MmFile } from 'mmfile'

export type ProcessEnd =
  | { kind: 'exited'; status: number | null; signal: NodeJS.Signals | null }
  | { kind: 'not-started'; error: Error }

export type RunOutcome =
  | ProcessEnd
  | { kind: 'result'; task: TaskInfo }
  | { kind: 'timeout'; timeout: number }
  /** There is something in the file, but not a result. */
  | { kind: 'unreadable'; error: Error }
  /** By this program, or by its user. */
  | { kind: 'stopped' }

/** Segment 1 is another program's work: it is checked before it is used. */
export function readResult(file: MmFile, tasks: readonly TaskInfo[]): RunOutcome {
  try {
    const [task, ...others] = deserializeTasks(file.read(1))
    if (!task || others.length > 0) {
      throw new Error(
        `it has ${task ? others.length + 1 : 0} tasks in it instead of the one that ran`,
      )
    }
    if (!tasks.some(({ id }) => id.toLowerCase() === task.id.toLowerCase())) {
      throw new Error(`it is about a task ${task.id} that was not asked for`)
    }
    return { kind: 'result', task }
  } catch (error) {
    return { kind: 'unreadable', error: error as Error }
  }
}

/** In a sentence for the user. */
export function describeFailure(
  outcome: Exclude<RunOutcome, { kind: 'result' }>,
  name = 'MmfDestination',
): string {
  switch (outcome.kind) {
    case 'exited':
      if (outcome.signal !== null)
        return `${name} was killed by ${outcome.signal} before it had a result`
      return outcome.status === closedByUser
        ? `${name} was closed before it had a result`
        : `${name} exited with status ${outcome.status} without a result`
    case 'not-started':
      return `${name} could not be started: ${outcome.error.message}`
    case 'timeout':
      return `no result within ${outcome.timeout / 1000} s; ${name} is being stopped`
    case 'unreadable':
      return `the result of ${name} cannot be used: ${outcome.error.message}`
    case 'stopped':
      return `interrupted; ${name} is being stopped`
  }
}
