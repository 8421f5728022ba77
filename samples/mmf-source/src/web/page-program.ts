import { once } from 'node:events'
import { join } from 'node:path'
import type { TaskInfo } from '@mmfile-samples/task-info'
import { EventHub, openBrowser, servePage, toMessage } from '@mmfile-samples/web-kit'
import type { TaskMessage } from '../../../web-kit/page/task-message.js'
import type { Events } from '../../page/messages.js'
import { commandDestination, pageDestination } from '../destination.js'
import type { Options } from '../options.js'
import { defaultStore } from '../store-place.js'
import { TaskStore } from '../task-store.js'
import { addRoutes } from './routes.js'
import { Runs } from './runs.js'
import { TaskList } from './task-list.js'

/** Seconds. A person takes a while to choose a task. */
const defaultLimit = 600

/** The program with a page, until it is interrupted. Returns the exit status. */
export async function runWithPage(options: Options, signal: AbortSignal): Promise<number> {
  const store = TaskStore.open(options.store ?? defaultStore())
  try {
    await serve(store, options, signal)
  } finally {
    store.close()
  }
  return 0
}

async function serve(store: TaskStore, options: Options, signal: AbortSignal): Promise<void> {
  const hub = new EventHub()
  const publish = <K extends keyof Events>(event: K, data: Events[K]) => hub.publish(event, data)
  const destination = options.destination
    ? commandDestination(options.destination)
    : pageDestination({ open: options.open })
  const limit = options.timeout ?? defaultLimit
  const about = {
    pid: process.pid,
    store: store.path,
    notice: store.notice,
    destination: destination.name,
    limit,
  }
  let address = ''
  const tasks = new TaskList(store, () => publishTasks())
  const runs: Runs = new Runs({
    destination,
    limit,
    signal,
    page: () => address,
    onChange: () => {
      publish('runs', runs.messages)
      publishTasks()
    },
    onMemory: () => publish('memory', runs.memory),
    onResult: (task) => tasks.finish(task),
    say,
  })
  publish('program', { ...about, ended: false })
  const publishTasks = () => publish('tasks', withStatus(tasks.tasks, runs.working))
  publishTasks()
  publish('runs', [])
  publish('memory', [])

  const server = await servePage({
    folder: join(__dirname, '..', '..'),
    port: options.port,
    routes: (app) => addRoutes(app, { tasks, runs, events: hub, limit }),
  })
  address = server.address
  if (store.notice !== null) complain(store.notice)
  say(`the tasks are kept in ${store.path}`)
  say(`open ${server.address} in a browser of this computer; Ctrl+C ends the program`)
  if (options.open) openBrowser(server.address, complain)

  if (!signal.aborted) await once(signal, 'abort')
  await runs.whenEnded()
  publish('program', { ...about, ended: true })
  hub.end()
  await server.close()
}

/** A running task is marked as such; the stored list has only the outcome. */
function withStatus(tasks: readonly TaskInfo[], working: ReadonlySet<string>): TaskMessage[] {
  return tasks.map((task) =>
    toMessage(working.has(task.id) ? { ...task, status: 'Running' } : task),
  )
}

function say(message: string): void {
  console.log(`MmfSource: ${message}`)
}

function complain(message: string): void {
  console.error(`MmfSource: ${message}`)
}
