import { constants } from 'node:os'
import { UsageError } from '@mmfile-samples/task-info'
import { startedWithoutId } from './explain.js'
import { runHeadless } from './headless.js'
import { type Options, parseOptions, usage } from './options.js'

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
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Once: a second one ends the program the hard way.
    process.once(name, () => interrupt.abort(name))
  }
  const status = await runHeadless(options.id, options.run, interrupt.signal)
  if (!interrupt.signal.aborted || status === 0) return status
  return 128 + constants.signals[interrupt.signal.reason as NodeJS.Signals]
}

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
