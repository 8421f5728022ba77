import { formatDateTime, parseDateTime } from './date-time.js'
import type { TaskInfo } from './task-info.js'

export const rootName = 'TaskInfoCollection'
export const itemName = 'TaskInfo'

export interface Field {
  element: string
  key: keyof TaskInfo
  /** The value of an absent or nil element; a field without this is required. */
  absent?: null | ''
  /** The value of the text, or undefined if it is invalid; the schema checks the rest. */
  read(text: string): unknown
  /** The form that `read` expects, for the message. */
  expected: string
}

const asIs = (text: string) => text

/**
 * In the order in which they are written. Text and enumerations are taken exactly as they are. XmlSerializer
 * writes no element for a string that is null, and keeps a string's initial value if it reads no element.
 */
export const fields: readonly Field[] = [
  { element: 'Id', key: 'id', read: readGuid, expected: 'a UUID' },
  { element: 'Name', key: 'name', absent: '', read: asIs, expected: 'text' },
  { element: 'Description', key: 'description', absent: '', read: asIs, expected: 'text' },
  { element: 'Duration', key: 'duration', read: readInteger, expected: 'a whole number' },
  { element: 'Priority', key: 'priority', read: asIs, expected: 'a priority' },
  { element: 'Status', key: 'status', read: asIs, expected: 'a status' },
  { element: 'Created', key: 'created', read: readDate, expected: 'a date and time' },
  {
    element: 'Completed',
    key: 'completed',
    absent: null,
    read: readDate,
    expected: 'a date and time',
  },
  { element: 'Result', key: 'result', absent: null, read: asIs, expected: 'text' },
]

export function writeValue(value: string | number | Date): string {
  return value instanceof Date ? formatDateTime(value) : String(value)
}

/** XmlConvert.ToGuid takes braces, too. */
function readGuid(text: string): string {
  return trim(text).replace(/^\{(.*)\}$/s, '$1')
}

function readInteger(text: string): number | undefined {
  const digits = trim(text)
  // "-0" is a number that .NET reads as 0.
  return /^[+-]?\d+$/.test(digits) ? Number(digits) || 0 : undefined
}

function readDate(text: string): Date | undefined {
  return parseDateTime(trim(text))
}

/** XML's own white space only; String.prototype.trim removes much more. */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start += 1
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
}
