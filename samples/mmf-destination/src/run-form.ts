import { durationField, priorityField } from '@mmfile-samples/web-kit'
import * as v from 'valibot'

/** Which task a person wants to run, and how. */
export const RunForm = v.object({
  task: v.string('Select a task.'),
  duration: durationField,
  priority: priorityField,
  outcome: v.picklist(['succeed', 'fail'], 'Choose how the task ends.'),
})

export type RunFields = v.InferOutput<typeof RunForm>
