import { constants } from 'node:os'

/** A terminal signals every process of a group at once, and parents pass it on: all of these count as one request. */
const oneRequest = 1000

/** Aborts when the program is asked to end, with the signal as the reason. A second signal ends it immediately. */
export function whenInterrupted(): AbortSignal {
  const interrupt = new AbortController()
  let asked = 0
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!interrupt.signal.aborted) {
        asked = performance.now()
        interrupt.abort(name)
      } else if (performance.now() - asked > oneRequest) {
        process.exit(128 + constants.signals[name])
      }
    })
  }
  return interrupt.signal
}

/** The exit status of a program that could not finish because it was asked to end, as shells have it. */
export function interruptedStatus(status: number, interrupted: AbortSignal): number {
  if (!interrupted.aborted || status === 0) return status
  return 128 + constants.signals[interrupted.reason as NodeJS.Signals]
}
