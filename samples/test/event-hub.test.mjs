// How pages receive changes: server-sent events, the latest of each kind.

import test from 'ava'
import { EventHub } from '../web-kit/dist/index.js'

/** The events that a page has received: [event, data] pairs, until the program ends. */
async function told(response) {
  const text = await response.text()
  return [...text.matchAll(/event: (.*)\ndata: ([^\n]*)\n\n/g)].map(([, event, data]) => [
    event,
    JSON.parse(data),
  ])
}

test('a page that comes late knows the latest of every event, and hears the next', async (t) => {
  const hub = new EventHub()
  const early = hub.connect()
  hub.publish('tasks', ['a'])
  hub.publish('state', 'line\nbreak \u2028')
  hub.publish('tasks', ['a', 'b'])
  const late = hub.connect()
  t.is(late.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  hub.publish('state', null)
  hub.end()
  const afterwards = hub.connect()
  const all = [
    ['tasks', ['a']],
    ['state', 'line\nbreak \u2028'],
    ['tasks', ['a', 'b']],
    ['state', null],
  ]
  t.deepEqual(await told(early), all)
  t.deepEqual(await told(late), [all[2], all[1], all[3]])
  t.deepEqual(await told(afterwards), [all[2], all[3]])
})

test('the hub counts the pages, without those that do not listen', async (t) => {
  const hub = new EventHub()
  const pages = []
  hub.onChange = (count) => pages.push(count)
  const gone = hub.connect()
  const deaf = hub.connect()
  t.deepEqual(pages, [1, 2])
  await gone.body.cancel()
  t.deepEqual(pages, [1, 2, 1])
  for (let count = 0; count < 5000; count += 1) hub.publish('progress', count)
  t.deepEqual(pages, [1, 2, 1, 0])
  await t.throwsAsync(deaf.text(), { message: 'the page does not listen' })
  hub.end()
})
