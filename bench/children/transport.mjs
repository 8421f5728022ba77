// The other side of a transport: answers round trips, or takes what comes one way. Every run is one
// command.

import { now, say, serve } from '../lib/child.mjs'
import { messages, REPLY } from '../lib/message.mjs'
import { transports } from '../transports/index.mjs'

const [name] = process.argv.slice(2)
const transport = transports[name]
const module = transport.peer ? await import(transport.peer) : undefined
const endpoint = transport.open('child', undefined, module)
const made = new Map()

/** Messages of that size, kept for the next run. */
function messagesOf(size) {
  if (!made.has(size)) {
    const buffers = transport.buffers?.(size) ?? 1
    made.set(size, messages(size, { text: transport.text, buffers }))
  }
  return made.get(size)
}

function answerSynchronously({ size, count, all }) {
  const own = messagesOf(size)
  for (let number = 0; number < count; number += 1) {
    const got = endpoint.take(number)
    if (all) own.checkAll(got, number)
    else own.check(got, number)
    endpoint.send(own.make(number + REPLY))
  }
}

function answer({ size, count, all }) {
  const own = messagesOf(size)
  let number = 0
  return endpoint.listen((got) => {
    if (all) own.checkAll(got, number)
    else own.check(got, number)
    endpoint.send(own.make(number + REPLY))
    number += 1
    return number < count
  })
}

function takeSynchronously({ size, count, all }) {
  const own = messagesOf(size)
  let number = 0
  const each = (got) => {
    if (all) own.checkAll(got, number)
    else own.check(got, number)
    number += 1
  }
  while (number < count) endpoint.drain(number, each)
}

function take({ size, count, all }) {
  const own = messagesOf(size)
  let number = 0
  return endpoint.listen((got) => {
    if (all) own.checkAll(got, number)
    else own.check(got, number)
    number += 1
    return number < count
  })
}

serve(async (run) => {
  messagesOf(run.size)
  await endpoint.join(run, run.info)
  const trip = run.kind === 'trip'
  let ended
  if (transport.synchronous) {
    say({ ready: true })
    if (trip) answerSynchronously(run)
    else takeSynchronously(run)
    ended = now()
  } else {
    const work = (trip ? answer(run) : take(run)).then(() => {
      ended = now()
    })
    say({ ready: true })
    await work
  }
  // First: what both have open, the last one to leave takes away.
  await endpoint.finish()
  say({ ended })
})
