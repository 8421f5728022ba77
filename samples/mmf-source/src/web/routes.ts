import { isUuid } from '@mmfile-samples/task-info'
import { type EventHub, formOf, readForm, toMessage } from '@mmfile-samples/web-kit'
import type { Hono } from 'hono'
import * as v from 'valibot'
import { taskForm } from '../task-form.js'
import type { Runs } from './runs.js'
import type { TaskList } from './task-list.js'

const unknownTask = { message: 'This task is not there any more.' }
const unknownRun = { message: 'There is no such run.' }

/** The page's own id of a new item, so that a request that is sent twice creates it once. */
const key = v.optional(v.pipe(v.string(), v.check(isUuid, 'This is no UUID.')), () =>
  crypto.randomUUID(),
)

export function addRoutes(
  app: Hono,
  { tasks, runs, events, limit }: { tasks: TaskList; runs: Runs; events: EventHub; limit: number },
): void {
  const edited = taskForm(limit)
  const created = v.object({ ...edited.entries, id: key })
  const started = v.object({ key })

  app.get('/api/events', () => events.connect())

  app.post('/api/tasks', async (c) => {
    const form = readForm(created, await formOf(c.req))
    if (!form.ok) return c.json({ errors: form.errors }, 422)
    const { id, ...fields } = form.fields
    return c.json(toMessage(tasks.add(id, fields)), 201)
  })

  app.put('/api/tasks/:id', async (c) => {
    const form = readForm(edited, await formOf(c.req))
    if (!form.ok) return c.json({ errors: form.errors }, 422)
    const task = tasks.edit(c.req.param('id'), form.fields)
    return task ? c.json(toMessage(task)) : c.json(unknownTask, 404)
  })

  // It is gone already, as requested.
  app.delete('/api/tasks/:id', (c) => {
    tasks.remove(c.req.param('id'))
    return c.body(null, 204)
  })

  app.post('/api/runs', async (c) => {
    const form = readForm(started, await formOf(c.req))
    if (!form.ok) return c.json({ errors: form.errors }, 422)
    if (tasks.tasks.length === 0)
      return c.json({ message: 'There is no task to run: create one.' }, 409)
    return c.json(runs.start(tasks.tasks, form.fields.key), 201)
  })

  app.post('/api/runs/:number/stop', (c) =>
    runs.stop(Number(c.req.param('number'))) ? c.body(null, 204) : c.json(unknownRun, 404),
  )

  app.post('/api/runs/:number/kill', (c) =>
    runs.kill(Number(c.req.param('number'))) ? c.body(null, 204) : c.json(unknownRun, 404),
  )

  app.get('/api/runs/:number/segments/:index', (c) => {
    const text = runs.segment(Number(c.req.param('number')), Number(c.req.param('index')))
    return text === undefined
      ? c.json(
          { message: 'This segment cannot be read: the file is closed, or has no such one.' },
          404,
        )
      : c.json({ text })
  })
}
