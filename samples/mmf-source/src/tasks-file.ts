import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { deserializeTasks, type TaskInfo } from '@mmfile-samples/task-info'
import { tasksFromJson } from './tasks-json.js'

/** Reads a list of tasks that a user or another program wrote; errors name the file. */
export function readTasksFile(path: string): TaskInfo[] {
  try {
    const text = decode(readFileSync(path))
    const tasks = isXml(text, path) ? deserializeTasks(text) : tasksFromJson(text)
    if (tasks.length === 0) throw new Error('there are no tasks in it')
    return tasks
  } catch (error) {
    throw new Error(`cannot read the tasks in ${path}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** .NET writes UTF-16 files with a byte order mark where it declares utf-16; all else is UTF-8. */
function decode(bytes: Buffer): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (error) {
    throw new Error(`it is not ${encoding.toUpperCase()} text`, { cause: error })
  }
}

/** The first character decides the format. The file name counts only if that character fits neither format. */
function isXml(text: string, path: string): boolean {
  const first = text.trimStart().charAt(0)
  if (first === '<') return true
  if (first === '[' || first === '{') return false
  return extname(path).toLowerCase() === '.xml'
}
