import { constants } from 'node:os'
import { type TaskInfo, UsageError } from '@mmfile-samples/task-info'
import { exampleTasks } from './example-tasks.js'
import { runHeadless } from './headless.js'
import { type Options, parseOptions, usage } from './options.js'
import { readTasksFile } from './tasks-file.js'

async function main(args: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = parseOptions(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`MmfSource: ${error.message}\n\n${usage}`)
    return 2
  }
  if (options.help) {
    console.log(usage)
    return 0
  }
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Once: a second one ends the program the hard way.
    process.once(name, () => interrupt.abort(name))
  }
  const status = await run(options, interrupt.signal)
  if (!interrupt.signal.aborted || status === 0) return status
  return 128 + constants.signals[interrupt.signal.reason as NodeJS.Signals]
}

async function run(options: Options, signal: AbortSignal): Promise<number> {
  try {
    const tasks: TaskInfo[] =
      options.tasksFile === undefined ? exampleTasks() : readTasksFile(options.tasksFile)
    return await runHeadless(tasks, { options: options.run, timeout: options.timeout, signal })
  } catch (error) {
    console.error(`MmfSource: ${(error as Error).message}`)
    return 1
  }
}

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
