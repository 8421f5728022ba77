import { closedByUser, type TaskInfo } from '@mmfile-samples/task-info'
import { toMessage } from '@mmfile-samples/web-kit'
import type { RunMessage, RunState } from '../../page/messages.js'
import type { Destination } from '../destination.js'
import { describeFailure, type RunOutcome } from '../run-outcome.js'
import { startRun, type TaskRun } from '../task-run.js'

export interface RunsSettings {
  destination: Destination
  /** Seconds. */
  limit: number
  /** Ends all runs. */
  signal: AbortSignal
  onChange(): void
  onResult(task: TaskInfo): void
  say(message: string): void
}

interface Entry {
  message: RunMessage
  stop: AbortController
  ended: Promise<void>
}

/** Enough to look back on. */
const remembered = 200
/** An address is taken from what a program prints only if it is one of a page on this machine. */
const pageAddress = /http:\/\/127\.0\.0\.1:\d+\/[\w/-]*/

/** The runs of this session, those that go on and those that have ended. */
export class Runs {
  readonly #entries: Entry[] = []
  #count = 0

  constructor(private readonly settings: RunsSettings) {}

  get messages(): RunMessage[] {
    return this.#entries.map(({ message }) => message)
  }

  start(tasks: readonly TaskInfo[]): RunMessage {
    const { destination, limit, signal, say } = this.settings
    const stop = new AbortController()
    let lastLine = ''
    const run = startRun(tasks, {
      options: {},
      timeout: limit * 1000,
      signal: AbortSignal.any([signal, stop.signal]),
      destination,
      onLine: (line) => {
        say(`run ${message.number}: ${line}`)
        const address = pageAddress.exec(line)?.[0]
        if (address === undefined) lastLine = line.trim() || lastLine
        else if (message.ended === null) this.#change(message, { address })
      },
    })
    this.#count += 1
    const message: RunMessage = {
      number: this.#count,
      fileId: run.fileId,
      destination: destination.name,
      pid: run.pid ?? null,
      address: null,
      started: new Date().toISOString(),
      ended: null,
      state: 'Running',
      task: null,
      problem: null,
    }
    const process = run.pid === undefined ? '' : ` as process ${run.pid}`
    say(`run ${message.number}: ${destination.name}${process}, on file ${run.fileId}`)
    this.#entries.unshift({ message, stop, ended: this.#follow(run, message, () => lastLine) })
    this.#forget()
    this.settings.onChange()
    return message
  }

  /** False if there is no such run any more. */
  stop(number: number): boolean {
    const entry = this.#entries.find(({ message }) => message.number === number)
    if (entry === undefined || entry.message.ended !== null) return false
    entry.stop.abort()
    return true
  }

  /** Every destination has exited, and every file is closed. */
  async whenEnded(): Promise<void> {
    await Promise.allSettled(this.#entries.map(({ ended }) => ended))
  }

  async #follow(run: TaskRun, message: RunMessage, lastLine: () => string): Promise<void> {
    const { destination, limit, say, onResult } = this.settings
    const outcome = await run.outcome
    const ended = new Date().toISOString()
    if (outcome.kind === 'result') {
      const task = toMessage(outcome.task)
      onResult(outcome.task)
      this.#change(message, { address: null, ended, state: stateOf(outcome), task })
    } else {
      // What a program says last tells why it gave up; what is printed after a moment is heard, too.
      if (outcome.kind === 'exited') await run.ended
      const problem = explain(outcome, destination.name, limit, lastLine())
      this.#change(message, { address: null, ended, state: stateOf(outcome), problem })
    }
    say(`run ${message.number}: ${message.problem ?? message.state}`)
    await run.ended
  }

  #change(message: RunMessage, change: Partial<RunMessage>): void {
    Object.assign(message, change)
    this.settings.onChange()
  }

  /** Runs that go on are never forgotten. */
  #forget(): void {
    const ended = this.#entries.filter(({ message }) => message.ended !== null)
    for (const entry of ended.slice(remembered)) {
      this.#entries.splice(this.#entries.indexOf(entry), 1)
    }
  }
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
