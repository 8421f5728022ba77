import type { Status, TaskMessage } from '../../web-kit/page/task-message.js'

/** What the program tells its page, by the name of the event. */
export interface Events {
  program: ProgramMessage
  tasks: TaskMessage[]
  /** The newest first. */
  runs: RunMessage[]
}

export interface ProgramMessage {
  /** The file that the tasks are kept in. */
  store: string
  /** What the user should know about how the tasks were found. */
  notice: string | null
  /** What is started for a run. */
  destination: string
  /** Seconds. */
  limit: number
  ended: boolean
}

export type RunState =
  | Exclude<Status, 'Pending'>
  | 'Closed'
  | 'Killed'
  | 'Timed out'
  | 'Stopped'
  | 'No result'

export interface RunMessage {
  /** Counted from 1 for as long as the program runs. */
  number: number
  fileId: string
  destination: string
  pid: number | null
  /** Of the destination's page, while there is one. */
  address: string | null
  started: string
  ended: string | null
  state: RunState
  /** The task that ran, with its result. */
  task: TaskMessage | null
  /** How the run ended, if there is no result. */
  problem: string | null
}
