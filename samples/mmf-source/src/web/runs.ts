import { closedByUser, type Progress, type TaskInfo } from '@mmfile-samples/task-info'
import { readSegment, toMessage, watchFile } from '@mmfile-samples/web-kit'
import type { MemoryMessage, RunMessage, RunState } from '../../page/messages.js'
import type { Destination } from '../destination.js'
import { describeFailure, type RunOutcome } from '../run-outcome.js'
import { startRun, type TaskRun } from '../task-run.js'

export interface RunsSettings {
  destination: Destination
  /** Seconds. */
  limit: number
  /** Ends all runs. */
  signal: AbortSignal
  /** The address of this program's page. */
  page(): string
  onChange(): void
  /** The states of the files, and the progress of the tasks. */
  onMemory(): void
  onResult(task: TaskInfo): void
  say(message: string): void
}

interface Entry {
  message: RunMessage
  /** The page's own id of the run: the same request twice is one run. */
  key: string
  run: TaskRun
  stop: AbortController
  ended: Promise<void>
  /** The id of the task that the destination says it runs. */
  task: string | undefined
  /** While the file is open here. */
  memory: MemoryMessage | undefined
  close(): void
}

/** The number of finished runs that are kept. */
const remembered = 200
/** An address in a program's output is used only if it is that of a page on this machine. */
const pageAddress = /http:\/\/127\.0\.0\.1:\d+\/[\w/-]*/

/** The runs of this session, active and ended. */
export class Runs {
  /** The newest first. */
  readonly #entries: Entry[] = []
  #count = 0

  constructor(private readonly settings: RunsSettings) {}

  get messages(): RunMessage[] {
    return this.#entries.map(({ message }) => message)
  }

  get memory(): MemoryMessage[] {
    return this.#entries.flatMap(({ memory }) => memory ?? [])
  }

  /** The ids of the tasks that run. */
  get working(): Set<string> {
    const going = this.#entries.filter(({ message }) => message.ended === null)
    return new Set(going.flatMap(({ task }) => task ?? []))
  }

  start(tasks: readonly TaskInfo[], key: string): RunMessage {
    const same = this.#entries.find((entry) => entry.key === key)
    if (same !== undefined) return same.message
    const { destination, limit, signal, say, page } = this.settings
    const stop = new AbortController()
    let lastLine = ''
    const run = startRun(tasks, {
      options: {},
      timeout: limit * 1000,
      signal: AbortSignal.any([signal, stop.signal]),
      destination,
      page: page(),
      onLine: (line) => {
        say(`run ${message.number}: ${line}`)
        const address = pageAddress.exec(line)?.[0]
        if (address === undefined) lastLine = line.trim() || lastLine
        else if (message.ended === null) this.#change(message, { address })
      },
      onProgress: (progress) => this.#hear(entry, progress, tasks),
    })
    // A file stays open, and can be looked into, until the next run has one.
    for (const other of this.#entries) if (other.message.ended !== null) other.close()
    this.#count += 1
    const message: RunMessage = {
      number: this.#count,
      fileId: run.file.id,
      destination: destination.name,
      pid: run.pid ?? null,
      address: null,
      started: new Date().toISOString(),
      ended: null,
      state: 'Running',
      working: null,
      task: null,
      problem: null,
    }
    const process = run.pid === undefined ? '' : ` as process ${run.pid}`
    say(`run ${message.number}: ${destination.name}${process}, on file ${message.fileId}`)
    const entry: Entry = {
      message,
      key,
      run,
      stop,
      ended: this.#follow(run, message, () => lastLine),
      task: undefined,
      memory: undefined,
      close: () => {
        watch.stop()
        run.close()
        entry.memory = undefined
      },
    }
    this.#entries.unshift(entry)
    const watch = watchFile(run.file, (picture) => {
      entry.memory = { number: message.number, progress: entry.memory?.progress ?? null, picture }
      this.settings.onMemory()
    })
    this.#forget()
    this.settings.onChange()
    return message
  }

  /** False if there is no such run. One that has ended needs no stop. */
  stop(number: number): boolean {
    const entry = this.#find(number)
    entry?.stop.abort()
    return entry !== undefined
  }

  /** Kills the destination of a run, if it lives. False if there is no such run. */
  kill(number: number): boolean {
    const entry = this.#find(number)
    if (entry?.message.ended === null) entry.run.kill()
    return entry !== undefined
  }

  /** A segment of a run's file as text; undefined if it is not there, or the file is closed. */
  segment(number: number, index: number): string | undefined {
    const entry = this.#find(number)
    return entry?.memory && readSegment(entry.run.file, index)
  }

  /** Every destination has exited, and every file is closed. */
  async whenEnded(): Promise<void> {
    await Promise.allSettled(this.#entries.map(({ ended }) => ended))
    for (const entry of this.#entries) entry.close()
  }

  #find(number: number): Entry | undefined {
    return this.#entries.find(({ message }) => message.number === number)
  }

  #hear(entry: Entry, { task, fraction }: Progress, tasks: readonly TaskInfo[]): void {
    const { message, memory } = entry
    const running = tasks.find(({ id }) => id === task)
    if (message.ended !== null || memory === undefined || running === undefined) return
    memory.progress = fraction
    entry.task = task
    if (message.working === null) this.#change(message, { working: running.name })
    this.settings.onMemory()
  }

  async #follow(run: TaskRun, message: RunMessage, lastLine: () => string): Promise<void> {
    const { destination, limit, say, onResult } = this.settings
    const outcome = await finalOutcome(run)
    const ended = new Date().toISOString()
    if (outcome.kind === 'result') {
      const task = toMessage(outcome.task)
      let problem: string | null = null
      try {
        onResult(outcome.task)
      } catch (error) {
        problem = `The list of tasks could not be saved: ${(error as Error).message}.`
      }
      this.#change(message, { address: null, ended, state: stateOf(outcome), task, problem })
    } else {
      let problem = explain(outcome, destination.name, limit, lastLine())
      if (wasKilled(outcome)) {
        problem += run.isIntact()
          ? ' The file is intact: segment 0 is there, byte for byte. Another run works.'
          : ' It has written over segment 0. Another run works: it has a file of its own.'
      }
      this.#change(message, { address: null, ended, state: stateOf(outcome), problem })
    }
    say(`run ${message.number}: ${message.problem ?? message.state}`)
    await run.ended
  }

  #change(message: RunMessage, change: Partial<RunMessage>): void {
    Object.assign(message, change)
    this.settings.onChange()
  }

  /** Active runs are always kept. */
  #forget(): void {
    const ended = this.#entries.filter(({ message }) => message.ended !== null)
    for (const entry of ended.slice(remembered)) {
      this.#entries.splice(this.#entries.indexOf(entry), 1)
    }
  }
}

/**
 * A program's last output tells why it gave up, and a program that was asked to end may already have had its result:
 * both are complete when it has ended. A killed one sends nothing more.
 */
async function finalOutcome(run: TaskRun): Promise<RunOutcome> {
  const outcome = await run.outcome
  if (outcome.kind === 'result' || wasKilled(outcome)) return outcome
  await run.ended
  return run.lateResult() ?? outcome
}

function wasKilled(outcome: RunOutcome): boolean {
  return outcome.kind === 'exited' && outcome.signal !== null
}

function stateOf(outcome: RunOutcome): RunState {
  switch (outcome.kind) {
    case 'result':
      return outcome.task.status === 'Pending' ? 'No result' : outcome.task.status
    case 'exited':
      if (outcome.signal !== null) return 'Killed'
      return outcome.status === closedByUser ? 'Closed' : 'No result'
    case 'timeout':
      return 'Timed out'
    case 'stopped':
      return 'Stopped'
    default:
      return 'No result'
  }
}

function explain(
  outcome: Exclude<RunOutcome, { kind: 'result' }>,
  name: string,
  limit: number,
  lastLine: string,
): string {
  switch (outcome.kind) {
    case 'timeout':
      return `${name} took longer than the limit of ${limit} s. It was stopped.`
    case 'stopped':
      return `${name} was stopped before it had a result.`
    case 'exited': {
      const sentence = `${describeFailure(outcome, name)}.`
      const tells = lastLine !== '' && outcome.signal === null && outcome.status !== closedByUser
      return tells ? `${sentence} It said: ${lastLine}` : sentence
    }
    case 'unreadable':
      return `The result of ${name} cannot be used: ${outcome.error.message}.`
    default:
      return `${describeFailure(outcome, name)}.`
  }
}
