import { isUuid, priorities, type TaskPriority } from './task-info.js'
import { UsageError } from './usage-error.js'

/** The options of a run, which MmfSource passes on and MmfDestination uses. */
export interface RunOptions {
  /** A position in the list, counted from 1, or an id. The first pending task if absent. */
  task?: number | string | undefined
  /** Whole seconds, in place of the task's own. */
  duration?: number | undefined
  priority?: TaskPriority | undefined
  /** Let the task fail half-way. */
  fail?: boolean | undefined
}

/** For node:util's parseArgs. */
export const runOptionFlags = {
  task: { type: 'string' },
  duration: { type: 'string' },
  priority: { type: 'string' },
  fail: { type: 'boolean' },
} as const

export const runOptionsHelp = `  --task N|ID          the task to run: its place in the list, from 1, or its id
                       (default: the first that is pending)
  --duration SECONDS   how long it takes, in whole seconds (default: as the task says)
  --priority PRIORITY  ${priorities.join(', ')} (default: as the task says)
  --fail               let it fail half-way`

interface RunOptionValues {
  task?: string | undefined
  duration?: string | undefined
  priority?: string | undefined
  fail?: boolean | undefined
}

export function parseRunOptions(values: RunOptionValues): RunOptions {
  return {
    task: values.task === undefined ? undefined : parseTask(values.task),
    duration: values.duration === undefined ? undefined : parseDuration(values.duration),
    priority: values.priority === undefined ? undefined : parsePriority(values.priority),
    fail: values.fail,
  }
}

/** The same options as arguments for another program. */
export function toArguments(options: RunOptions): string[] {
  const { task, duration, priority, fail } = options
  return [
    ...(task === undefined ? [] : ['--task', String(task)]),
    ...(duration === undefined ? [] : ['--duration', String(duration)]),
    ...(priority === undefined ? [] : ['--priority', priority]),
    ...(fail ? ['--fail'] : []),
  ]
}

/** Seconds, with or without a fraction. */
export function parseSeconds(flag: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0
  if (seconds > 0) return seconds
  throw new UsageError(`${flag} is a number of seconds greater than 0, not "${text}"`)
}

function parseTask(text: string): number | string {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  if (isUuid(text)) return text
  throw new UsageError(`--task is a number from 1 or the id of a task, not "${text}"`)
}

function parseDuration(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`--duration is a whole number of seconds, not "${text}"`)
}

function parsePriority(text: string): TaskPriority {
  const priority = priorities.find((candidate) => candidate.toLowerCase() === text.toLowerCase())
  if (priority) return priority
  throw new UsageError(`--priority is ${priorities.join(', ')}, not "${text}"`)
}
