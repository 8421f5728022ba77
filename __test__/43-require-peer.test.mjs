// requirePeer: a wait ends when nobody is left who could append.

import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { start } from './support/child.mjs'
import { create, open, rejects } from './support/files.mjs'
import { uptime } from './support/program.mjs'

test('a peer that is killed is missed within a second', async (t) => {
  const file = create(t)
  const guest = start(t, 'peers', 'guest', [file.id])
  t.is(await guest.next(), 'here')
  const waiting = rejects(t, file.waitFor(0, { requirePeer: true }), 'ERR_MMFILE_PEER_GONE')
  const plain = file.waitFor(0, { timeout: 1500 })
  await guest.kill()
  const started = performance.now()
  await waiting
  t.true(performance.now() - started < 1000)
  await rejects(t, plain, 'ERR_MMFILE_TIMEOUT', 'a wait that does not ask for a peer goes on')
  await rejects(t, file.waitFor(0, { requirePeer: true }), 'ERR_MMFILE_PEER_GONE')
})

for (const [how, env] of [
  ['by whatever means', {}],
  ['without io_uring', { UV_USE_IO_URING: '0' }],
]) {
  test(`after a long wait a death is noticed as soon as the documentation says, ${how}`, async (t) => {
    // The looks get rarer while nothing happens. Whenever the death comes between two of them, it is
    // noticed at the next: many waits that began one after the other are at as many places in between.
    const [count, apart, soon] = [12, 45, 200]
    const waiter = start(t, 'peers', 'miss', [count, apart], { env })
    const guest = start(t, 'peers', 'guest', await waiter.next())
    t.is(await guest.next(), 'here')
    waiter.tell('go')
    t.is(await waiter.next(), 'waiting')
    await sleep(3000)
    await guest.kill()
    const died = uptime()
    const missed = await waiter.next()
    t.deepEqual([...new Set(missed.map(({ code }) => code))], ['ERR_MMFILE_PEER_GONE'])
    const delays = missed.map(({ at }) => at - died).sort((a, b) => a - b)
    t.log(`noticed after ${delays.map((delay) => delay.toFixed(0)).join(', ')} ms`)
    // Two may be late on a busy machine.
    t.true(delays[count - 3] < soon + 100, `${delays}`)
    t.true(delays[count - 1] < soon + 1000, `${delays}`)
  })
}

test('so is one that closes the file and lives on', async (t) => {
  const file = create(t)
  const guest = start(t, 'peers', 'guest', [file.id])
  await guest.next()
  const waiting = rejects(t, file.waitFor(0, { requirePeer: true }), 'ERR_MMFILE_PEER_GONE')
  guest.tell('close')
  t.is(await guest.next(), 'gone')
  await waiting
})

test('one that has not come yet is waited for, and handles of this process do not count', async (t) => {
  const file = create(t)
  open(t, file).close()
  await rejects(t, file.waitFor(0, { requirePeer: true, timeout: 300 }), 'ERR_MMFILE_TIMEOUT')
  const guest = start(t, 'peers', 'guest', [file.id])
  await guest.next()
  const handle = open(t, file)
  await guest.kill()
  await rejects(t, handle.waitFor(0, { requirePeer: true }), 'ERR_MMFILE_PEER_GONE')
})

test('what is there already needs nobody', async (t) => {
  const file = create(t)
  const guest = start(t, 'peers', 'guest', [file.id])
  await guest.next()
  await guest.kill()
  file.append('x')
  await t.notThrowsAsync(file.waitFor(0, { requirePeer: true }))
})

test('with two peers, one is enough', async (t) => {
  const file = create(t)
  const first = start(t, 'peers', 'guest', [file.id])
  const second = start(t, 'peers', 'guest', [file.id])
  await Promise.all([first.next(), second.next()])
  const waiting = file.waitFor(0, { requirePeer: true, timeout: 500 })
  await first.kill()
  await rejects(t, waiting, 'ERR_MMFILE_TIMEOUT')
})
