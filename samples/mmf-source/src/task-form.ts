import { isXmlText, type TaskInfo } from '@mmfile-samples/task-info'
import { durationField, priorityField } from '@mmfile-samples/web-kit'
import * as v from 'valibot'

/** The fields of a task that the user can set; the program sets the rest. */
export type TaskFields = Pick<TaskInfo, 'name' | 'description' | 'duration' | 'priority'>

const longestText = 100_000

const text = v.pipe(
  v.string('Give a text.'),
  v.maxLength(longestText, `Use at most ${longestText.toLocaleString('en')} characters.`),
  v.check(isXmlText, 'Remove the control characters: they cannot be passed on.'),
)

/** `limit` is how long a run may take, in seconds. */
export const taskForm = (limit: number) =>
  v.object({
    name: v.pipe(
      text,
      v.check((name) => name.trim() !== '', 'Give the task a name.'),
    ),
    description: text,
    duration: durationField(limit),
    priority: priorityField,
  }) satisfies v.GenericSchema<unknown, TaskFields>
