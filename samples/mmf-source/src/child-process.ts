import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessEnd } from './run-outcome.js'

/** How long a process that was asked to end may take before it is made to. */
const patience = 500

/** Settles once the process is gone, or turns out never to have been there. */
export function whenExited(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    if (hasExited(child))
      resolve({ kind: 'exited', status: child.exitCode, signal: child.signalCode })
    child.once('exit', (status, signal) => resolve({ kind: 'exited', status, signal }))
    child.once('error', (error) => {
      // Also emitted for a signal that could not be sent; the process is still there then.
      if (child.pid === undefined) resolve({ kind: 'not-started', error })
    })
  })
}

/** Lets the process end by itself for so long, then asks it to, then kills it. */
export async function stopProcess(child: ChildProcess, grace: number): Promise<void> {
  if (child.pid === undefined || hasExited(child)) return
  const exited = whenExited(child)
  if (grace > 0 && (await within(exited, grace))) return
  child.kill('SIGTERM')
  if (await within(exited, patience)) return
  child.kill('SIGKILL')
  await exited
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Whether it happens in that time. */
export async function within(event: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false)
  try {
    return await Promise.race([event.then(() => true), late])
  } finally {
    timer.abort()
  }
}
