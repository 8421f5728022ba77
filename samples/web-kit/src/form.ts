import { priorities } from '@mmfile-samples/task-info'
import * as v from 'valibot'

export type FormResult<T> = { ok: true; fields: T } | { ok: false; errors: Record<string, string> }

/** The range of .NET's type for a duration. */
const longestDuration = 2 ** 31 - 1

/**
 * As it was typed: text that is not a number gets the same message as an invalid number. A task that takes
 * longer than its run may take could never end, so `limit` is that, in seconds.
 */
export function durationField(limit = longestDuration) {
  const most = Math.max(0, Math.floor(limit))
  const why = limit === longestDuration ? '' : ': MmfSource ends the run then'
  return v.pipe(
    v.string('Give a number of seconds.'),
    v.trim(),
    v.regex(/^\d+$/, 'Give a whole number of seconds, 0 or more.'),
    v.transform(Number),
    v.maxValue(most, `Give at most ${most.toLocaleString('en')} seconds${why}.`),
  )
}

export const priorityField = v.picklist(priorities, `Choose ${priorities.join(', ')}.`)

/** Every field that is wrong is named, so that a page can say it beside each. */
export function readForm<T>(schema: v.GenericSchema<unknown, T>, input: unknown): FormResult<T> {
  const checked = v.safeParse(schema, input, { abortPipeEarly: true })
  if (checked.success) return { ok: true, fields: checked.output }
  const errors: Record<string, string> = {}
  for (const issue of checked.issues) {
    // If it is no object at all, the message is shown at the top of the form.
    const key = String(issue.path?.[0]?.key ?? 'name')
    errors[key] ??= issue.input === undefined ? 'This is missing.' : issue.message
  }
  return { ok: false, errors }
}

/** The body of a request. Invalid JSON counts as an empty form. */
export async function formOf(request: { json(): Promise<unknown> }): Promise<unknown> {
  return request.json().catch(() => ({}))
}
