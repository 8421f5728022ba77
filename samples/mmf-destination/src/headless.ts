import {
  countTasks,
  formatTable,
  printable,
  type RunOptions,
  type TaskInfo,
} from '@mmfile-samples/task-info'
import { explain } from './explain.js'
import { createProgressBar } from './progress-bar.js'
import { fail, say } from './say.js'
import type { TaskSession } from './task-session.js'
import { withSession } from './with-session.js'

/** The whole program in a terminal: shows the tasks, runs one, reports it. Returns the exit status. */
export async function runHeadless(
  id: string,
  options: RunOptions,
  signal: AbortSignal,
): Promise<number> {
  return withSession(id, async (session) => {
    try {
      return await runOne(session, options, signal)
    } catch (error) {
      if (signal.aborted) return fail('interrupted; there is no result')
      return fail(explain(error, id))
    }
  })
}

async function runOne(
  session: TaskSession,
  options: RunOptions,
  signal: AbortSignal,
): Promise<number> {
  say(`file ${session.id} has ${countTasks(session.tasks)}`)
  console.log(taskTable(session.tasks))
  const task = session.choose(options)
  say(`running "${printable(task.name)}", ${task.duration} s, priority ${task.priority}`)
  const bar = createProgressBar(process.stdout)
  let finished: TaskInfo
  try {
    finished = await session.run(task, { fail: options.fail, onProgress: bar.update, signal })
  } finally {
    bar.end()
  }
  const segment = session.report(finished)
  say(`${finished.status.toLowerCase()}; wrote the result as segment ${segment}`)
  return 0
}

function taskTable(tasks: readonly TaskInfo[]): string {
  const rows = tasks.map((task, index) => [
    String(index + 1),
    task.name,
    task.priority,
    `${task.duration} s`,
    task.status,
  ])
  return formatTable(['#', 'Name', 'Priority', 'Duration', 'Status'], rows, {
    width: process.stdout.columns,
    maxLines: 2,
  })
}
