import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskInfo } from '@mmfile-samples/task-info'

export interface SimulationOptions {
  /** Stop with a failure half-way. */
  fail?: boolean | undefined
  /** From 0 to 1, several times a second. */
  onProgress?: ((progress: number) => void) | undefined
  signal?: AbortSignal | undefined
}

const tick = 50

/** Passes the task's time and returns what became of it; rejects with AbortError if it is aborted. */
export async function simulateTask(
  task: TaskInfo,
  options: SimulationOptions = {},
): Promise<TaskInfo> {
  const { fail = false, onProgress, signal } = options
  const total = task.duration * 1000
  const end = fail ? total / 2 : total
  const started = performance.now()
  onProgress?.(0)
  // Asks the clock each time: timers are late under load, and a sum of their delays would be later still.
  for (;;) {
    signal?.throwIfAborted()
    const passed = performance.now() - started
    if (passed >= end) break
    onProgress?.(passed / total)
    await sleep(Math.min(tick, end - passed), undefined, { signal })
  }
  onProgress?.(fail ? 0.5 : 1)
  const seconds = `${end / 1000} s`
  return {
    ...task,
    status: fail ? 'Failed' : 'Completed',
    completed: new Date(),
    result: fail ? `Failed half-way, after ${seconds}, as it was told to` : `Done in ${seconds}`,
  }
}
