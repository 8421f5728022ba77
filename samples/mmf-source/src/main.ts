import { interruptedStatus, UsageError, whenInterrupted } from '@mmfile-samples/task-info'
import { commandDestination } from './destination.js'
import { exampleTasks } from './example-tasks.js'
import { runHeadless } from './headless.js'
import { type Options, parseOptions, usage } from './options.js'
import { readTasksFile } from './tasks-file.js'
import { runWithPage } from './web/page-program.js'

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
  const signal = whenInterrupted()
  return interruptedStatus(await run(options, signal), signal)
}

async function run(options: Options, signal: AbortSignal): Promise<number> {
  try {
    return await (options.headless ? runInTerminal(options, signal) : runWithPage(options, signal))
  } catch (error) {
    console.error(`MmfSource: ${(error as Error).message}`)
    return 1
  }
}

function runInTerminal(options: Options, signal: AbortSignal): Promise<number> {
  const tasks = options.tasksFile === undefined ? exampleTasks() : readTasksFile(options.tasksFile)
  const destination = options.destination && commandDestination(options.destination)
  return runHeadless(tasks, { options: options.run, timeout: options.timeout, signal, destination })
}

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
