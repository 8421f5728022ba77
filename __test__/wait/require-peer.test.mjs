// requirePeer: a wait ends when no process is left that could append.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { MmFile } from 'mmfile'
import { actor } from '../support/actors.mjs'
import { canRefuse, refuse, start } from '../support/child.mjs'
import { closing, create, folder, open, refuses, rejects, rounds } from '../support/files.mjs'
import { uptime } from '../support/program.mjs'
import { stopwatch } from '../support/time.mjs'

test('a peer that is killed is missed within a second', async (t) => {
  const file = create(t)
  const guest = start(t, 'peers', 'guest', [file.id])
  t.is(await guest.next(), 'here')
  const waiting = rejects(t, file.waitFor(0, { requirePeer: true }), 'ERR_MMFILE_PEER_GONE')
  const plain = file.waitFor(0, { timeout: 1500 })
  await guest.kill()
  const elapsed = stopwatch()
  await waiting
  t.true(elapsed() < 1000)
  await rejects(t, plain, 'ERR_MMFILE_TIMEOUT', 'a wait that does not ask for a peer goes on')
  await rejects(t, file.waitFor(0, { requirePeer: true }), 'ERR_MMFILE_PEER_GONE')
})

for (const [how, options] of [
  ['by whatever means', {}],
  ['without io_uring', { env: { UV_USE_IO_URING: '0' } }],
  ...(canRefuse ? [['where io_uring_enter is refused', { shell: refuse('426=1') }]] : []),
]) {
  test(`after a long wait a death is noticed as soon as the documentation says, ${how}`, async (t) => {
    // The checks get rarer while nothing happens. A death is noticed at the next check: many waits
    // that began one after the other are at different points between two checks.
    const [count, apart, soon] = [12, 45, 200]
    const waiter = start(t, 'peers', 'miss', [count, apart], options)
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

test('an existing segment needs no peer', async (t) => {
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

/** A file of another process, and two processes that read it: this one is the first. */
async function twoReaders(t) {
  const producer = await actor(t)
  await producer.keeps('file', 'MmFile', 'createNew', 4096)
  const id = await producer.gets('file', 'id')
  const file = closing(t, MmFile.openExisting(id, { access: 'read' }))
  const guest = start(t, 'peers', 'guest', [id])
  t.is(await guest.next(), 'here')
  return { producer, file, guest }
}

for (const end of ['is killed', 'closes the file', 'exits']) {
  test(`of two readers whose producer ${end}, each misses the creator`, async (t) => {
    const { producer, file, guest } = await twoReaders(t)
    // Either counts as a peer of the other, so that `true` alone waits forever.
    const peers = file.waitFor(0, { requirePeer: true, timeout: 1500 })
    const creator = file.waitFor(0, { requirePeer: 'creator' })
    const plain = file.waitFor(0, { timeout: 1500 })
    if (end === 'is killed') await producer.child.kill()
    else if (end === 'exits') await producer.exits()
    else await producer.does('file', 'close')
    const elapsed = stopwatch()
    const error = await rejects(t, creator, 'ERR_MMFILE_PEER_GONE')
    t.true(elapsed() < 1000)
    t.regex(error.message, /creator/)
    await rejects(t, peers, 'ERR_MMFILE_TIMEOUT')
    await rejects(t, plain, 'ERR_MMFILE_TIMEOUT')
    await rejects(t, file.waitFor(0, { requirePeer: 'creator' }), 'ERR_MMFILE_PEER_GONE')
    const sync = (requirePeer) => () => file.waitForSync(0, { requirePeer, timeout: 100 })
    refuses(t, sync('creator'), 'ERR_MMFILE_PEER_GONE')
    refuses(t, sync(true), 'ERR_MMFILE_TIMEOUT')
    await guest.kill()
    refuses(t, sync(true), 'ERR_MMFILE_PEER_GONE')
    refuses(t, sync(false), 'ERR_MMFILE_TIMEOUT')
  })
}

test('waitForSync ends within a second when the creator is killed', async (t) => {
  const { producer, file } = await twoReaders(t)
  const waiter = await actor(t)
  await waiter.keeps('file', 'MmFile', 'openExisting', file.id)
  const wait = { on: 'file', call: 'waitForSync', args: [0, { requirePeer: 'creator' }] }
  waiter.begins([wait])
  await sleep(300)
  await producer.child.kill()
  const elapsed = stopwatch()
  const [{ error }] = await waiter.ends()
  t.is(error?.code, 'ERR_MMFILE_PEER_GONE')
  t.true(elapsed() < 1000)
})

test('the creator does not miss itself, nor another handle of its process', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const wait = { requirePeer: 'creator', timeout: 300 }
  await Promise.all([
    rejects(t, file.waitFor(0, wait), 'ERR_MMFILE_TIMEOUT'),
    rejects(t, other.waitFor(0, wait), 'ERR_MMFILE_TIMEOUT'),
  ])
  refuses(t, () => file.waitForSync(0, { ...wait, timeout: 20 }), 'ERR_MMFILE_TIMEOUT')
  const waiting = rejects(t, other.waitFor(0, { requirePeer: 'creator' }), 'ERR_MMFILE_PEER_GONE')
  file.close()
  await waiting
})

test("the creator's last segment is not missed, nor its seal", async (t) => {
  for (let round = 0; round < rounds(30); round += 1) {
    const producer = await actor(t)
    await producer.keeps('file', 'MmFile', 'createNew', 4096)
    const file = closing(t, MmFile.openExisting(await producer.gets('file', 'id')))
    const waits = [0, 1].map((index) => file.waitFor(index, { requirePeer: 'creator' }))
    const seals = round % 2 === 0
    const late = file.waitFor(2, { requirePeer: 'creator' })
    producer.begins([
      { on: 'file', call: 'append', args: ['first'] },
      { on: 'file', call: 'append', args: ['last'] },
      ...(seals ? [{ on: 'file', call: 'seal' }] : []),
      { on: 'file', call: 'close' },
    ])
    await t.notThrowsAsync(Promise.all(waits))
    await rejects(t, late, seals ? 'ERR_MMFILE_SEALED' : 'ERR_MMFILE_PEER_GONE')
    await producer.exits()
  }
})

test('a file on disk that is opened again has no creator any more', async (t) => {
  const path = join(folder(t), 'file')
  const file = closing(t, MmFile.createFile(path, 100))
  await rejects(t, file.waitFor(0, { requirePeer: 'creator', timeout: 50 }), 'ERR_MMFILE_TIMEOUT')
  file.close()
  const again = closing(t, MmFile.openFile(path))
  const { message } = await t.throwsAsync(again.waitFor(0, { requirePeer: 'creator' }), {
    code: 'ERR_MMFILE_PEER_GONE',
  })
  t.regex(message, /was opened again .* has no creator now/)
  again.append('x')
  await t.notThrowsAsync(again.waitFor(0, { requirePeer: 'creator' }))
})

test('processes that do not count as a required peer', async (t) => {
  const file = create(t)
  for (const requirePeer of [null, 0, 1, {}, ['creator']]) {
    const code = 'ERR_INVALID_ARG_TYPE'
    await t.throwsAsync(file.waitFor(0, { requirePeer }), { code, message: /options\.requirePeer/ })
    t.throws(() => file.waitForSync(0, { requirePeer, timeout: 0 }), { code })
  }
  for (const requirePeer of ['', 'Creator', 'true']) {
    const code = 'ERR_INVALID_ARG_VALUE'
    await t.throwsAsync(file.waitFor(0, { requirePeer }), { code, message: /options\.requirePeer/ })
    t.throws(() => file.waitForSync(0, { requirePeer, timeout: 0 }), { code })
  }
  for (const requirePeer of [undefined, false]) {
    await rejects(t, file.waitFor(0, { requirePeer, timeout: 1 }), 'ERR_MMFILE_TIMEOUT')
  }
})
