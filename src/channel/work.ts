import { checkFunction, checkOptions, checkTime, checkWhole } from '../shared/arguments.js'
import { MmFileError } from '../shared/errors.js'
import { checkSignal, onAbort } from '../shared/signals.js'
import type { Pending } from '../shared/waits.js'
import type { Member } from './member.js'
import type { Job } from './messages.js'
import { receiveSoon } from './receiving.js'
import type { WorkOptions } from './types.js'

const WORK_OPTIONS = ['concurrency', 'signal', 'spin', 'onError', 'retryDelay'] as const

/** Ends the wait for a job when no more are wanted: a signal for each wait takes longer than most jobs. */
const STOPPED = Symbol('stopped')

/** The options of `work`. */
export interface Working {
  readonly concurrency: number
  readonly spin: number
  readonly signal: AbortSignal | undefined
  readonly onError: (error: unknown, job: { index: number; attempt: number }) => void
  readonly retryDelay: (attempt: number) => number
}

export function checkWork(options: WorkOptions | undefined): Working {
  const given = checkOptions<WorkOptions>(options, WORK_OPTIONS)
  if (given.onError !== undefined) checkFunction('options.onError', given.onError)
  if (given.retryDelay !== undefined) checkFunction('options.retryDelay', given.retryDelay)
  return {
    concurrency: checkWhole('options.concurrency', given.concurrency ?? 1, 1),
    spin: checkTime('options.spin', given.spin, 0),
    signal: checkSignal(given.signal),
    onError: given.onError ?? warn,
    retryDelay: given.retryDelay ?? ((attempt) => 100 * attempt),
  }
}

function warn(error: unknown, { index, attempt }: { index: number; attempt: number }): void {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(`attempt ${attempt} at job ${index} failed: ${why}`, {
    code: 'MMFILE_JOB_FAILED',
  })
}

/**
 * Takes jobs and runs up to `concurrency` handlers at a time, until the signal aborts, the channel is sealed and the
 * group has acknowledged everything, or something goes wrong: `handle` can say so, too. Then it waits for those that
 * run.
 */
export async function workOn<V>(
  member: Member<V>,
  { concurrency, signal, onError, retryDelay }: Working,
  handle: (job: Job<V>, end: (error: unknown) => void) => unknown,
): Promise<void> {
  const running = new Set<Promise<void>>()
  let stopped = false
  /** The wait for the next job. */
  let waiting: Pending<unknown> | undefined
  const stop = (): void => {
    stopped = true
    waiting?.reject(STOPPED)
  }
  let failure: { readonly error: unknown } | undefined
  const fail = (error: unknown): void => {
    failure ??= { error }
    stop()
  }

  async function run(job: Job<V>): Promise<void> {
    const { index, attempt } = job
    try {
      await handle(job, fail)
    } catch (error) {
      try {
        onError(error, { index, attempt })
        job.nak({ delay: retryDelay(attempt) })
      } catch (error) {
        job.nak()
        fail(error)
      }
      return
    }
    try {
      job.ack()
    } catch (error) {
      fail(error) // it was evicted, or closed, and the job has gone to another one
    }
  }

  let unlisten = (): void => {}
  try {
    unlisten = onAbort(signal, stop)
  } catch {
    stop()
  }
  try {
    while (!stopped) {
      if (running.size >= concurrency) {
        await Promise.race(running)
        continue
      }
      const job = await receiveSoon(member, (pending) => {
        waiting = pending
        return () => {
          waiting = undefined
        }
      })
      const done = run(job).finally(() => running.delete(done))
      running.add(done)
    }
  } catch (error) {
    if (error !== STOPPED && !MmFileError.is(error, 'ERR_MMFILE_SEALED')) fail(error)
  } finally {
    unlisten()
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure.error
}
