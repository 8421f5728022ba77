import type { ChildProcess } from 'node:child_process'
import type { TaskInfo } from '@mmfile-samples/task-info'
import type { MmFile } from 'mmfile'
import { whenExited } from './child-process.js'
import { type RunOutcome, readResult } from './run-outcome.js'
import type { RunSettings } from './task-run.js'

/** setTimeout takes anything longer for 1 ms. */
const longestTimer = 2 ** 31 - 1

/** Waits for the first of these: the result, the destination's end, the time limit, or a stop. */
export async function watchRun(
  file: MmFile,
  child: ChildProcess,
  tasks: readonly TaskInfo[],
  { timeout, signal }: Pick<RunSettings, 'timeout' | 'signal'>,
): Promise<RunOutcome> {
  const done = new AbortController()
  try {
    const failure = await Promise.race([
      whenWritten(file, done.signal),
      whenExited(child),
      whenTimeIsUp(timeout, done.signal),
      whenStopped(signal, done.signal),
    ])
    // The exit of a destination can be noticed before its last act is.
    if (failure === undefined || file.length > 1) return readResult(file, tasks)
    return failure
  } catch (error) {
    return { kind: 'unreadable', error: error as Error }
  } finally {
    done.abort()
  }
}

/** Undefined once the result is there. */
async function whenWritten(file: MmFile, done: AbortSignal): Promise<RunOutcome | undefined> {
  try {
    await file.waitFor(1, { signal: done })
    return undefined
  } catch (error) {
    return { kind: 'unreadable', error: error as Error }
  }
}

function whenTimeIsUp(timeout: number, done: AbortSignal): Promise<RunOutcome> {
  return new Promise((resolve) => {
    const outcome: RunOutcome = { kind: 'timeout', timeout }
    const timer = setTimeout(resolve, Math.min(timeout, longestTimer), outcome)
    done.addEventListener('abort', () => clearTimeout(timer))
  })
}

function whenStopped(signal: AbortSignal, done: AbortSignal): Promise<RunOutcome> {
  return new Promise((resolve) => {
    const stop = () => resolve({ kind: 'stopped' })
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { signal: done })
  })
}
