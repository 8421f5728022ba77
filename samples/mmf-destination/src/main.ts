import { interruptedStatus, UsageError, whenInterrupted } from '@mmfile-samples/task-info'
import { startedWithoutId } from './explain.js'
import { runHeadless } from './headless.js'
import { type Options, parseOptions, usage } from './options.js'
import { runWithPage } from './web/page-program.js'

async function main(args: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = parseOptions(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`MmfDestination: ${error.message}\n\n${usage}`)
    return 2
  }
  if (options.help) {
    console.log(usage)
    return 0
  }
  if (options.id === undefined) {
    console.error(`MmfDestination: ${startedWithoutId}\n\n${usage}`)
    return 1
  }
  const { id, run, headless, open, port } = options
  const signal = whenInterrupted()
  const status = headless
    ? await runHeadless(id, run, signal)
    : await runWithPage(id, { open, port }, signal)
  return interruptedStatus(status, signal)
}

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
