import { randomUUID } from 'node:crypto'
import {
  describeIssue,
  parseDateTime,
  type TaskInfo,
  TaskInfoSchema,
} from '@mmfile-samples/task-info'
import * as v from 'valibot'

/**
 * Tasks as an array of objects with TaskInfo's property names and times as ISO texts. Only `name` and
 * `duration` are required: a user who writes a list by hand has no UUIDs.
 */
export function tasksFromJson(text: string): TaskInfo[] {
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list)) throw new Error('the JSON is not an array of tasks')
  return list.map((item, index) => {
    const checked = v.safeParse(TaskInfoSchema, complete(item))
    if (checked.success) return checked.output
    const { key, problem } = describeIssue(checked.issues[0])
    throw new Error(`task ${index + 1}${key === undefined ? '' : `, ${key}`} ${problem}`)
  })
}

function complete(item: unknown): unknown {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
  const given = item as Record<string, unknown>
  return {
    id: randomUUID(),
    description: '',
    priority: 'Normal',
    status: 'Pending',
    result: null,
    ...given,
    created: given.created === undefined ? new Date() : readDate(given.created),
    completed: given.completed === undefined ? null : readDate(given.completed),
  }
}

/** An invalid time is left unchanged, for the schema to refuse. */
function readDate(value: unknown): unknown {
  return typeof value === 'string' ? (parseDateTime(value) ?? value) : value
}
