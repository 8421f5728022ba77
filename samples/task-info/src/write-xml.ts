import * as v from 'valibot'
import { TaskInfoError } from './error.js'
import { fields, itemName, rootName, writeValue } from './fields.js'
import { describeIssue, type TaskInfo, TaskInfoSchema } from './task-info.js'

/** Everything outside XML 1.0's `Char`. With the u flag a lone surrogate is a separate code point. */
const forbidden = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u

/** Whether XML can carry the text: most control characters and half surrogate pairs it cannot. */
export function isXmlText(text: string): boolean {
  return !forbidden.test(text)
}

/**
 * The tasks as .NET's XmlSerializer would write a List<TaskInfo>. The declaration says utf-16 because
 * strings in the mapped file are UTF-16; it does not describe a file on disk.
 */
export function serializeTasks(tasks: readonly TaskInfo[]): string {
  if (!Array.isArray(tasks)) {
    throw new TaskInfoError('ERR_TASKINFO_VALUE', 'the tasks are not an array')
  }
  const head = '<?xml version="1.0" encoding="utf-16"?>\n'
  if (tasks.length === 0) return `${head}<${rootName} />`
  const items = Array.from(tasks, (task, index) => writeTask(task, index))
  return `${head}<${rootName}>\n${items.join('')}</${rootName}>`
}

function writeTask(input: TaskInfo, index: number): string {
  const itemPath = `${itemName}[${index + 1}]`
  const checked = v.safeParse(TaskInfoSchema, input)
  if (!checked.success) {
    const { key, problem } = describeIssue(checked.issues[0])
    const field = fields.find((candidate) => candidate.key === key)
    const path = field ? `${itemPath}/${field.element}` : itemPath
    throw new TaskInfoError('ERR_TASKINFO_VALUE', problem, { path })
  }
  let xml = `  <${itemName}>\n`
  for (const { element, key } of fields) {
    const value = checked.output[key]
    if (value === null) continue
    const text = escapeText(writeValue(value), `${itemPath}/${element}`)
    xml += text === '' ? `    <${element} />\n` : `    <${element}>${text}</${element}>\n`
  }
  return `${xml}  </${itemName}>\n`
}

function escapeText(text: string, path: string): string {
  const at = text.search(forbidden)
  if (at >= 0) {
    const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
    const problem = `contains U+${code} at offset ${at}, a character that XML 1.0 cannot carry`
    throw new TaskInfoError('ERR_TASKINFO_CHARACTER', problem, { path })
  }
  // A bare CR would come back as LF: every XML reader normalizes line ends. The `>` matters in "]]>".
  return text.replace(/[&<>\r]/g, (character) => escapes[character] ?? character)
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' }
