import { countTasks, type RunOptions, type TaskInfo } from '@mmfile-samples/task-info'

/** The requested task, or an error that lists the existing ones. */
export function chooseTask(tasks: readonly TaskInfo[], choice: RunOptions['task']): TaskInfo {
  if (choice === undefined) {
    const pending = tasks.find((task) => task.status === 'Pending')
    if (pending) return pending
    throw new Error(`of ${countTasks(tasks)}, none is pending: choose one with --task`)
  }
  const task =
    typeof choice === 'number'
      ? tasks[choice - 1]
      : tasks.find(({ id }) => id.toLowerCase() === choice.toLowerCase())
  if (task) return task
  throw new Error(`there is no task ${choice}: the file has ${countTasks(tasks)}`)
}

/** The task as it is about to run: the user's settings replace its own. */
export function configureTask(task: TaskInfo, { duration, priority }: RunOptions): TaskInfo {
  return {
    ...task,
    duration: duration ?? task.duration,
    priority: priority ?? task.priority,
    status: 'Running',
    completed: null,
    result: null,
  }
}
