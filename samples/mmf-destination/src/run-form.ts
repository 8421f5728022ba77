import { durationField, priorityField } from '@mmfile-samples/web-kit'
import * as v from 'valibot'

/** Which task the user wants to run, and how. */
export const runForm = (limit?: number) =>
  v.object({
    task: v.string('Select a task.'),
    duration: durationField(limit),
    priority: priorityField,
    outcome: v.picklist(['succeed', 'fail'], 'Choose how the task ends.'),
  })

export type RunFields = v.InferOutput<ReturnType<typeof runForm>>
