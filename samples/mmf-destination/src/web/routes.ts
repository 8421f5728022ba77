import { type EventHub, formOf, readForm } from '@mmfile-samples/web-kit'
import type { Hono } from 'hono'
import { runForm } from '../run-form.js'
import type { TaskSession } from '../task-session.js'
import type { Work } from './work.js'

/** Milliseconds for a response to be sent. */
const moment = 20

export function addRoutes(app: Hono, session: TaskSession, work: Work, events: EventHub): void {
  app.get('/api/events', () => events.connect())

  app.post('/api/run', async (c) => {
    const form = readForm(runForm(session.left), await formOf(c.req))
    if (!form.ok) return c.json({ errors: form.errors }, 422)
    if (!session.tasks.some(({ id }) => id === form.fields.task)) {
      return c.json({ errors: { task: 'This task is not in the file.' } }, 422)
    }
    if (work.start(form.fields)) return c.body(null, 204)
    return c.json({ message: 'A task has been run already.' }, 409)
  })

  // A way to see what the others see of it: no farewell, no result.
  app.post('/api/kill', (c) => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), moment)
    return c.body(null, 204)
  })

  app.get('/api/segments/:index', (c) => {
    const text = session.segment(Number(c.req.param('index')))
    return text === undefined
      ? c.json({ message: 'The file has no such segment.' }, 404)
      : c.json({ text })
  })

  app.post('/api/cancel', (c) =>
    work.cancel() ? c.body(null, 204) : c.json({ message: 'No task is running.' }, 409),
  )

  app.post('/api/close', (c) =>
    work.close()
      ? c.body(null, 204)
      : c.json({ message: 'A task is running: cancel it first.' }, 409),
  )
}
