// Loops that always find something to do let timers and I/O run.

import test from 'ava'
import { channel } from '../support/channels.mjs'
import { leavesTimersTheirTurn, processorTime } from '../support/turns.mjs'

const TIME = 400

const open = (t) => channel(t, { encoding: 'json', capacity: 1 << 20, groups: ['workers'] })

/** Sends for so many milliseconds of processor time, and seals. */
async function send(one) {
  const until = processorTime() + TIME
  let count = 0
  while (processorTime() < until) {
    await one.send(count)
    count += 1
  }
  one.seal()
  return count
}

const loops = {
  async 'for await over a reader'(one) {
    const sending = send(one)
    for await (const _ of one.reader());
    await sending
  },
  async 'for await with spin, over views'(one) {
    const sending = send(one)
    for await (const _ of one.reader({ spin: 0.05, as: 'view' }));
    await sending
  },
  async 'for await over a lossy reader'(one) {
    const sending = send(one)
    for await (const _ of one.reader({ lossy: true }));
    await sending
  },
  async receive(one) {
    const reader = one.reader()
    const sending = send(one)
    for (;;) {
      const message = await reader.receive().catch(() => undefined)
      if (message === undefined) break
    }
    await sending
  },
  async 'for await over a member'(one) {
    const sending = send(one)
    for await (const job of one.member('workers')) job.ack()
    await sending
  },
  async work(one) {
    const sending = send(one)
    await one.work('workers', async () => {})
    await sending
  },
  async send(one) {
    await send(one)
  },
  async 'a read stream'(one) {
    const sending = send(one)
    for await (const _ of one.reader().createReadStream());
    await sending
  },
  async 'request and serve'(one) {
    const stop = new AbortController()
    const served = one.serve((value) => value, { signal: stop.signal })
    const until = processorTime() + TIME
    while (processorTime() < until) await one.request('x')
    stop.abort()
    await served
  },
}

for (const [name, loop] of Object.entries(loops)) {
  test.serial(`timers run during ${name}`, async (t) => {
    const one = open(t)
    // Only those that take part hold the writer back.
    if (!/member|work/.test(name)) one.removeGroup('workers')
    await leavesTimersTheirTurn(t, () => loop(one))
  })
}
