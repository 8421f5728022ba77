import type { TaskInfo } from '@mmfile-samples/task-info'
import type { TaskFields } from '../task-form.js'
import type { TaskStore } from '../task-store.js'

/** The operations on the list of tasks. Every change is in the store before a page sees it. */
export class TaskList {
  constructor(
    private readonly store: TaskStore,
    private readonly onChange: () => void,
  ) {}

  get tasks(): readonly TaskInfo[] {
    return this.store.tasks
  }

  /** Under that id: a task that is sent twice, because of a slow connection, is created once. */
  add(id: string, fields: TaskFields): TaskInfo {
    const same = this.tasks.find((candidate) => candidate.id === id)
    if (same !== undefined) return this.edit(id, fields) ?? same
    const task: TaskInfo = {
      id,
      ...fields,
      status: 'Pending',
      created: new Date(),
      completed: null,
      result: null,
    }
    this.#save([...this.tasks, task])
    return task
  }

  /** A task that is not what it was has not run. Undefined if there is no such task. */
  edit(id: string, fields: TaskFields): TaskInfo | undefined {
    const task = this.tasks.find((candidate) => candidate.id === id)
    if (task === undefined || isSame(task, fields)) return task
    const edited: TaskInfo = {
      ...task,
      ...fields,
      status: 'Pending',
      completed: null,
      result: null,
    }
    this.#save(this.tasks.map((candidate) => (candidate === task ? edited : candidate)))
    return edited
  }

  remove(id: string): boolean {
    const rest = this.tasks.filter((task) => task.id !== id)
    if (rest.length === this.tasks.length) return false
    this.#save(rest)
    return true
  }

  /** Records the outcome of a run. The configuration belongs to the run, and is not recorded here. */
  finish({ id, status, completed, result }: TaskInfo): void {
    const isIt = (task: TaskInfo) => task.id.toLowerCase() === id.toLowerCase()
    if (!this.tasks.some(isIt)) return
    this.#save(
      this.tasks.map((task) => (isIt(task) ? { ...task, status, completed, result } : task)),
    )
  }

  #save(tasks: readonly TaskInfo[]): void {
    this.store.save(tasks)
    this.onChange()
  }
}

function isSame(task: TaskInfo, fields: TaskFields): boolean {
  return Object.entries(fields).every(([key, value]) => task[key as keyof TaskFields] === value)
}
