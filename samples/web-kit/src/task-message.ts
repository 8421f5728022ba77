import type { TaskInfo } from '@mmfile-samples/task-info'
import type { TaskMessage } from '../page/task-message.js'

export function toMessage(task: TaskInfo): TaskMessage {
  return {
    ...task,
    created: task.created.toISOString(),
    completed: task.completed?.toISOString() ?? null,
  }
}
