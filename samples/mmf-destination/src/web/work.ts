import { closedByUser, printable, type TaskInfo } from '@mmfile-samples/task-info'
import { toMessage } from '@mmfile-samples/web-kit'
import type { StateMessage } from '../../page/messages.js'
import type { RunFields } from '../run-form.js'
import type { TaskSession } from '../task-session.js'

export interface WorkEvents {
  onState(state: StateMessage): void
  /** From 0 to 1. */
  onProgress(progress: number): void
  say(message: string): void
}

/** The one task that the program is there for: chosen, run to its end or cancelled, and reported. */
export class Work {
  /** The exit status, once there is nothing more to do. */
  readonly ended: Promise<number>
  #end!: (status: number) => void
  #phase: StateMessage['phase'] = 'choosing'
  #chosen: string | undefined
  readonly #cancelled = new AbortController()
  readonly #abandoned = new AbortController()

  constructor(
    private readonly session: TaskSession,
    private readonly events: WorkEvents,
  ) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    events.onState({ phase: 'choosing' })
  }

  /** False if another task has been chosen already. Throws if there is no such task. */
  start({ task: id, duration, priority, outcome }: RunFields): boolean {
    if (this.#phase !== 'choosing') return id === this.#chosen
    this.#chosen = id
    const task = this.session.choose({ task: id, duration, priority })
    this.events.say(`running "${printable(task.name)}", ${duration} s, priority ${priority}`)
    this.events.onProgress(0)
    this.#enter({ phase: 'running', task: toMessage(task) })
    this.#run(task, outcome === 'fail').catch((error) => this.abandon((error as Error).message))
    return true
  }

  /** Ends the task that runs; how far it came is its result. False if none was chosen. */
  cancel(): boolean {
    if (this.#phase === 'choosing') return false
    if (this.#phase === 'running') this.#cancelled.abort()
    return true
  }

  /** Ends the program without a result, at the user's request. False if a task runs. */
  close(): boolean {
    if (this.#phase === 'running') return false
    if (this.#phase === 'choosing') this.#finish('Closed without running a task.', closedByUser)
    return true
  }

  /** Ends the program without a result, in any phase. */
  abandon(problem: string): void {
    if (this.#phase === 'done' || this.#phase === 'ended') return
    this.#abandoned.abort()
    this.#finish(problem, 1)
  }

  async #run(task: TaskInfo, fail: boolean): Promise<void> {
    const started = performance.now()
    const signal = AbortSignal.any([this.#cancelled.signal, this.#abandoned.signal])
    const onProgress = this.events.onProgress
    let finished: TaskInfo
    try {
      finished = await this.session.run(task, { fail, onProgress, signal })
    } catch (error) {
      if (this.#abandoned.signal.aborted) return
      if (!this.#cancelled.signal.aborted) throw error
      finished = cancel(task, performance.now() - started)
    }
    const segment = this.session.report(finished)
    this.events.say(`${finished.status.toLowerCase()}; wrote the result as segment ${segment}`)
    this.#enter({ phase: 'done', task: toMessage(finished), segment })
    this.#end(0)
  }

  #finish(problem: string, status: number): void {
    this.events.say(problem)
    this.#enter({ phase: 'ended', problem })
    this.#end(status)
  }

  #enter(state: StateMessage): void {
    this.#phase = state.phase
    this.events.onState(state)
  }
}

function cancel(task: TaskInfo, milliseconds: number): TaskInfo {
  const result = `Cancelled after ${(milliseconds / 1000).toFixed(1)} s of ${task.duration} s`
  return { ...task, status: 'Cancelled', completed: new Date(), result }
}
