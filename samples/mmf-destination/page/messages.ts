import type { PictureMessage } from '../../web-kit/page/picture-message.js'
import type { TaskMessage } from '../../web-kit/page/task-message.js'

/** The program's messages to its page, by the name of the event. */
export interface Events {
  file: FileMessage
  state: StateMessage
  /** From 0 to 1. */
  progress: number
  memory: PictureMessage
}

export interface FileMessage {
  id: string
  tasks: TaskMessage[]
  /** The address of MmfSource's page, if it has told one. */
  source: string | null
}

export type StateMessage =
  | { phase: 'choosing' }
  | { phase: 'running'; task: TaskMessage }
  /** With a result, which the file has by now. The program ends. */
  | { phase: 'done'; task: TaskMessage; segment: number }
  /** Without one. The program ends. */
  | { phase: 'ended'; problem: string }
