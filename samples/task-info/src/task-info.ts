import * as v from 'valibot'
import { isRepresentable } from './date-time.js'

export const priorities = ['Low', 'Normal', 'High'] as const
export type TaskPriority = (typeof priorities)[number]

export const statuses = ['Pending', 'Running', 'Completed', 'Failed', 'Cancelled'] as const
export type TaskStatus = (typeof statuses)[number]

export interface TaskInfo {
  /** A UUID; the case that it came in is kept. */
  id: string
  name: string
  description: string
  /** Whole seconds. */
  duration: number
  priority: TaskPriority
  status: TaskStatus
  created: Date
  completed: Date | null
  result: string | null
}

/** .NET holds a duration in an Int32, so a larger one would be unreadable there. */
const maxDuration = 2 ** 31 - 1

const uuid = v.pipe(v.string('is not a string'), v.uuid('is not a UUID'))

const date = v.pipe(
  v.date('is not a valid Date'),
  v.check(isRepresentable, 'is outside the years 1 to 9999, which is all that .NET has'),
)

/**
 * One schema for records from everywhere: XML, JSON, a form, or a program's own objects.
 * Each message reads on from the name of the field.
 */
export const TaskInfoSchema = v.object({
  id: uuid,
  name: v.string('is not a string'),
  description: v.string('is not a string'),
  duration: v.pipe(
    v.number('is not a number'),
    v.integer('is not a whole number of seconds'),
    v.minValue(0, 'is less than 0'),
    v.maxValue(maxDuration, `is more than ${maxDuration}`),
  ),
  priority: v.picklist(priorities, `is not one of ${priorities.join(', ')}`),
  status: v.picklist(statuses, `is not one of ${statuses.join(', ')}`),
  created: date,
  completed: v.nullable(date),
  result: v.nullable(v.string('is neither a string nor null')),
}) satisfies v.GenericSchema<unknown, TaskInfo>

/** An issue of the schema in words: which field it is about, and what is the matter with it. */
export function describeIssue(issue: v.BaseIssue<unknown>): {
  key: string | undefined
  problem: string
} {
  const key = issue.path?.[0]?.key
  if (key === undefined) return { key: undefined, problem: 'is not an object' }
  // The schema's own "Expected … but received undefined" would not read on from the field's name.
  const problem = issue.input === undefined ? 'is missing' : issue.message
  return { key: String(key), problem }
}

/** "3 tasks", in a sentence. */
export function countTasks(tasks: readonly TaskInfo[]): string {
  return tasks.length === 1 ? '1 task' : `${tasks.length} tasks`
}

export function isUuid(text: string): boolean {
  return v.is(uuid, text)
}
