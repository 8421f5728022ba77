import type { PictureMessage } from '../../web-kit/page/picture-message.js'
import type { Status, TaskMessage } from '../../web-kit/page/task-message.js'

/** The program's messages to its page, by the name of the event. */
export interface Events {
  program: ProgramMessage
  tasks: TaskMessage[]
  /** The newest first. */
  runs: RunMessage[]
  /** The newest first: runs whose files are open here. */
  memory: MemoryMessage[]
}

export interface ProgramMessage {
  pid: number
  /** The file that the tasks are kept in. */
  store: string
  /** A note for the user about how the tasks were loaded. */
  notice: string | null
  /** The program that is started for a run. */
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
  /** The name of the task that the destination says it runs. */
  working: string | null
  /** The task that ran, with its result. */
  task: TaskMessage | null
  /** How the run ended, if there is no result, or what could not be done with it. */
  problem: string | null
}

export interface MemoryMessage {
  number: number
  picture: PictureMessage
  /** From 0 to 1, once the destination has told. */
  progress: number | null
}
