// Receives from a channel, sleeping where there is nothing, and tells what that took: processor time and memory.

import { createRequire } from 'node:module'
import { say, serve } from '../lib/child.mjs'
import { anonymous } from '../lib/memory.mjs'

const { Channel } = createRequire(import.meta.url)('../../dist/index.js')
const BATCH = 512
const PATIENCE = 30_000

let channel
let reader
let index = 0

/** What is there, at least one message. */
function next() {
  const messages = reader.tryReceiveAll(BATCH)
  return messages.length > 0 ? messages : [reader.receiveSync({ timeout: PATIENCE })]
}

/** Messages after which other work of the process has its turn, such as what follows on garbage. */
const TURN = 100_000
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** The first messages are not in the time: the process has slept until they came. */
async function receive(count) {
  let begun
  let turned = 0
  for (let received = 0; received < count; ) {
    const messages = next()
    for (const message of messages) {
      if (message.index !== index || message.value.length !== 64) throw new Error('one is lost')
      index += 1
      message.release()
    }
    received += messages.length
    if (received - turned > TURN) {
      await turn()
      turned = received
    }
    begun ??= { at: process.cpuUsage(), received }
    if (received >= count) {
      const { user, system } = process.cpuUsage(begun.at)
      return ((user + system) * 1000) / (count - begun.received)
    }
  }
}

serve(async ({ id, count, memory }) => {
  if (id !== undefined) {
    channel?.close()
    channel = Channel.openExisting(id)
    reader = channel.reader({ as: 'view' })
    index = 0
    say({ ready: true })
  }
  const time = await receive(count)
  say({ time, bytes: memory ? await anonymous() : undefined })
})
