import { join } from 'node:path'
import { countTasks, type PageOptions } from '@mmfile-samples/task-info'
import { EventHub, openBrowser, servePage, toMessage } from '@mmfile-samples/web-kit'
import type { Events } from '../../page/messages.js'
import { fail, say } from '../say.js'
import type { TaskSession } from '../task-session.js'
import { withSession } from '../with-session.js'
import { addRoutes } from './routes.js'
import { Work } from './work.js'

/** Milliseconds without a page after which its user has closed it. A reloaded page needs a moment. */
const absence = 5000

type Settings = Pick<PageOptions, 'open' | 'port'>

/** The whole program with a page: one task, then it ends. Returns the exit status. */
export async function runWithPage(
  id: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<number> {
  return withSession(id, async (session) => {
    try {
      return await serve(session, settings, signal)
    } catch (error) {
      return fail((error as Error).message)
    }
  })
}

async function serve(
  session: TaskSession,
  { open, port }: Settings,
  signal: AbortSignal,
): Promise<number> {
  const hub = new EventHub()
  const publish = <K extends keyof Events>(event: K, data: Events[K]) => hub.publish(event, data)
  publish('file', {
    id: session.id,
    tasks: session.tasks.map(toMessage),
    source: session.about?.page ?? null,
  })
  const watch = session.watch((picture) => publish('memory', picture))
  const work = new Work(session, {
    onState: (state) => {
      // A page's last event is the reason for the end, so the final state is sent before it.
      watch.look()
      publish('state', state)
    },
    onProgress: (progress) => publish('progress', progress),
    say,
  })

  let leaving: NodeJS.Timeout | undefined
  hub.onChange = (pages) => {
    clearTimeout(leaving)
    leaving = pages > 0 ? undefined : setTimeout(() => work.close(), absence)
  }
  const server = await servePage({
    folder: join(__dirname, '..', '..'),
    port,
    routes: (app) => addRoutes(app, session, work, hub),
    onRequest: () => leaving?.refresh(),
  })
  say(`file ${session.id} has ${countTasks(session.tasks)}`)
  say(`open ${server.address} in a browser of this computer`)
  if (open) openBrowser(server.address, say)

  const over = new AbortController()
  const status = await untilEnded(session, work, signal, over.signal)
  over.abort()
  watch.stop()
  hub.end()
  clearTimeout(leaving)
  await server.close()
  return status
}

async function untilEnded(
  session: TaskSession,
  work: Work,
  signal: AbortSignal,
  over: AbortSignal,
): Promise<number> {
  const interrupted = () => work.abandon('Told to end before there was a result.')
  if (signal.aborted) interrupted()
  signal.addEventListener('abort', interrupted)
  session.whenSourceGone(over).then(
    () => work.abandon('MmfSource has ended, so no program waits for a result.'),
    (error) => work.abandon((error as Error).message),
  )
  return work.ended
}
