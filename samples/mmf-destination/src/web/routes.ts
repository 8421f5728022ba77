import { type EventHub, formOf, readForm } from '@mmfile-samples/web-kit'
import type { Hono } from 'hono'
import { RunForm } from '../run-form.js'
import type { TaskSession } from '../task-session.js'
import type { Work } from './work.js'

export function addRoutes(app: Hono, session: TaskSession, work: Work, events: EventHub): void {
  app.get('/api/events', () => events.connect())

  app.post('/api/run', async (c) => {
    const form = readForm(RunForm, await formOf(c.req))
    if (!form.ok) return c.json({ errors: form.errors }, 422)
    if (!session.tasks.some(({ id }) => id === form.fields.task)) {
      return c.json({ errors: { task: 'This task is not in the file.' } }, 422)
    }
    if (work.start(form.fields)) return c.body(null, 204)
    return c.json({ message: 'A task has been run already.' }, 409)
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
