import { Stopped } from './command.js'

/**
 * Ends a command cleanly where a signal would have ended the process; a second signal ends it at once. The status is
 * the shell's.
 */
export function onSignal(stop: (stopped: Stopped) => void): () => void {
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
  let stopping = false
  const listeners = Object.entries(signals).map(([name, status]) => {
    const listener = () => {
      if (stopping) process.exit(status)
      stopping = true
      stop(new Stopped(status))
    }
    // Not `once`: without a listener of the command's, libraries take the signal for the process's end.
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  return () => {
    for (const remove of listeners) remove()
  }
}
