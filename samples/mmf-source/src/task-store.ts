import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { deserializeTasks, serializeTasks, type TaskInfo } from '@mmfile-samples/task-info'
import { type LockGuard, MmFile } from 'mmfile'
import { exampleTasks } from './example-tasks.js'

/** Room for a few hundred changes of a short list. */
const smallest = 512 * 1024
/** How many changes fit before the next clearing out, at the present size of the list. */
const changes = 8
/** Another program that has the tasks open holds the lock for good; there is no use in waiting long. */
const lockTimeout = 500

interface OpenStore {
  file: MmFile
  guard: LockGuard
}

/**
 * The tasks, in a mapped file on disk. Each change appends the whole list as one segment, so a program
 * that is killed at any moment leaves the list as it was before, or after. When the file is full, a new
 * one with only the latest list replaces it.
 */
export class TaskStore {
  #tasks: readonly TaskInfo[]

  private constructor(
    readonly path: string,
    /** A note for the user about how the tasks were loaded. */
    readonly notice: string | null,
    private open: OpenStore,
    tasks: readonly TaskInfo[],
  ) {
    this.#tasks = tasks
  }

  /** Throws if another program has the same tasks open, or if the place cannot be used at all. */
  static open(path: string): TaskStore {
    makeFolder(path)
    let found: OpenStore
    try {
      found = lock(path, MmFile.openFile(path, { lockTimeout }))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ERR_MMFILE_TIMEOUT') throw inUse(path, error)
      if (code === 'ERR_MMFILE_NOT_FOUND') return TaskStore.#create(path, null, exampleTasks())
      if (code !== 'ERR_MMFILE_CORRUPT' && code !== 'ERR_MMFILE_INCOMPATIBLE') throw error
      const aside = setAside(path)
      return TaskStore.#create(path, `${damaged(path, message, aside)} The list is empty now.`, [])
    }
    try {
      return TaskStore.#read(path, found)
    } catch (error) {
      release(found)
      throw error
    }
  }

  static #read(path: string, found: OpenStore): TaskStore {
    const { tasks, problem } = latest(found.file)
    if (problem === null) {
      const store = new TaskStore(path, null, found, tasks ?? exampleTasks())
      // A program that was killed right after it had made the file.
      if (tasks === null) store.save(store.tasks)
      return store
    }
    release(found)
    const rest = tasks ? 'The tasks from before are here.' : 'The list is empty now.'
    return TaskStore.#create(path, `${damaged(path, problem, setAside(path))} ${rest}`, tasks ?? [])
  }

  static #create(path: string, notice: string | null, tasks: readonly TaskInfo[]): TaskStore {
    return new TaskStore(path, notice, create(path, serializeTasks(tasks)), tasks)
  }

  get tasks(): readonly TaskInfo[] {
    return this.#tasks
  }

  /** The tasks are on the disk when this returns; if it throws, nothing has changed. */
  save(tasks: readonly TaskInfo[]): void {
    const xml = serializeTasks(tasks)
    // A list that could not be read back must not be written.
    deserializeTasks(xml)
    try {
      this.open.file.append(xml)
      this.open.file.flushSync()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MMFILE_CAPACITY') throw error
      this.open = create(this.path, xml, this.open)
    }
    this.#tasks = tasks
  }

  close(): void {
    release(this.open)
  }
}

/**
 * Makes the file complete under another name first: there is no moment without the tasks. `full` is the
 * one whose place it takes.
 */
function create(path: string, xml: string, full?: OpenStore): OpenStore {
  const draft = `${path}.new`
  // Left by a program that was killed here, before it had put the new file in the old one's place.
  rmSync(draft, { force: true })
  const capacity = Math.max(smallest, changes * (2 * xml.length + 4))
  const made = lock(path, MmFile.createFile(draft, capacity, { lockTimeout }))
  try {
    made.file.append(xml)
    made.file.flushSync()
    if (process.platform === 'win32') return exchange(draft, path, made, full)
    renameSync(draft, path)
  } catch (error) {
    release(made)
    throw error
  }
  if (full) release(full)
  return made
}

/** On Windows a file that is mapped can be neither renamed nor replaced: both are left for that moment. */
function exchange(draft: string, path: string, made: OpenStore, full?: OpenStore): OpenStore {
  release(made)
  if (full) release(full)
  renameSync(draft, path)
  return lock(path, MmFile.openFile(path, { lockTimeout }))
}

/** For as long as the program runs: two programs on one list would each undo what the other did. */
function lock(path: string, file: MmFile): OpenStore {
  const guard = file.tryLock()
  if (guard !== undefined) return { file, guard }
  file.close()
  throw inUse(path)
}

function release({ file, guard }: OpenStore): void {
  guard.release() // more than once does no harm
  file.close()
}

/** The latest list that can be read, and the error of a later one. Null if there is no list. */
function latest(file: MmFile): { tasks: TaskInfo[] | null; problem: string | null } {
  let problem: string | null = null
  for (let index = file.length - 1; index >= 0; index -= 1) {
    try {
      return { tasks: deserializeTasks(file.read(index)), problem }
    } catch (error) {
      problem ??= (error as Error).message
    }
  }
  return { tasks: null, problem }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
  } catch (error) {
    throw new Error(
      `the tasks cannot be kept in ${path}: ${(error as Error).message}; name another file with --store`,
      { cause: error },
    )
  }
}

function setAside(path: string): string {
  const time = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
  let aside = `${path}.damaged-${time}`
  for (let count = 2; existsSync(aside); count += 1) aside = `${path}.damaged-${time}-${count}`
  renameSync(path, aside)
  return aside
}

function damaged(path: string, problem: string, aside: string): string {
  return `The tasks in ${path} could not be read (${problem.replace(/[.\s]+$/, '')}). That file was kept as ${aside}.`
}

function inUse(path: string, cause?: unknown): Error {
  return new Error(
    `another program has the tasks in ${path} open; end it, or name another file with --store`,
    { cause },
  )
}
