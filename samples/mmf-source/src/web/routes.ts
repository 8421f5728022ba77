import { type EventHub, formOf, readForm, toMessage } from '@mmfile-samples/web-kit'
import type { Hono } from 'hono'
import { TaskForm } from '../task-form.js'
import type { Runs } from './runs.js'
import type { TaskList } from './task-list.js'

const unknownTask = { message: 'This task is not there any more.' }

export function addRoutes(app: Hono, tasks: TaskList, runs: Runs, events: EventHub): void {
  app.get('/api/events', () => events.connect())

  app.post('/api/tasks', async (c) => {
    const form = readForm(TaskForm, await formOf(c.req))
    if (!form.ok) return c.json({ errors: form.errors }, 422)
    return c.json(toMessage(tasks.add(form.fields)), 201)
  })

  app.put('/api/tasks/:id', async (c) => {
    const form = readForm(TaskForm, await formOf(c.req))
    if (!form.ok) return c.json({ errors: form.errors }, 422)
    const task = tasks.edit(c.req.param('id'), form.fields)
    return task ? c.json(toMessage(task)) : c.json(unknownTask, 404)
  })

  app.delete('/api/tasks/:id', (c) =>
    tasks.remove(c.req.param('id')) ? c.body(null, 204) : c.json(unknownTask, 404),
  )

  app.post('/api/runs', (c) => {
    if (tasks.tasks.length === 0)
      return c.json({ message: 'There is no task to run: create one.' }, 409)
    return c.json(runs.start(tasks.tasks), 201)
  })

  app.post('/api/runs/:number/stop', (c) =>
    runs.stop(Number(c.req.param('number')))
      ? c.body(null, 204)
      : c.json({ message: 'This run has ended already.' }, 409),
  )
}
