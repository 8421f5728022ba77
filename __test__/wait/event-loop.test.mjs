// Waits and the event loop: loops over available values let it turn, and a wait keeps it alive or not.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { Channel, MmFile } from 'mmfile'
import { run, start } from '../support/child.mjs'
import {
  closing,
  controlOffset,
  create,
  folder,
  objectOf,
  open,
  overwrite,
  rejects,
} from '../support/files.mjs'
import { leavesTimersTheirTurn } from '../support/turns.mjs'

const COUNT = 400_000

/** A file with so many segments that a loop over them takes several tenths of a second. */
function full(t) {
  const file = create(t, 16 << 20)
  file.appendAll(Array.from({ length: COUNT }, () => 'x'))
  file.seal()
  return file
}

const loops = {
  'for await': async (file) => {
    for await (const _ of file);
  },
  'segments of views': async (file) => {
    for await (const _ of file.segments({ as: 'view' }));
  },
  waitFor: async (file) => {
    for (let index = 0; index < file.length; index += 1) await file.waitFor(index)
  },
  'a stream that is listened to': (file) =>
    new Promise((resolve, reject) => {
      file
        .createReadStream()
        .on('data', () => {})
        .on('end', resolve)
        .on('error', reject)
    }),
  'a stream that is looped over': async (file) => {
    for await (const _ of file.createReadStream({ highWaterMark: 1 }));
  },
  'a stream that is written to': async () => {
    const target = MmFile.createNew(16 << 20)
    const values = Array.from({ length: COUNT / 4 }, () => 'x')
    await pipeline(Readable.from(values), target.createWriteStream())
    target.close()
  },
}

for (const [name, loop] of Object.entries(loops)) {
  test.serial(`timers run during ${name}`, async (t) => {
    const file = full(t)
    await leavesTimersTheirTurn(t, () => loop(file))
  })
}

test('a wait with ref: false keeps no process alive, one without does', async (t) => {
  const file = create(t)
  file.append('x')
  const { said, code } = await run(t, 'loops', 'unref', [file.id])
  t.deepEqual([said, code], [['pending'], 0])
  const child = start(t, 'loops', 'mixed', [file.id])
  t.is(await child.next(), 'pending')
  await new Promise((resolve) => setTimeout(resolve, 300))
  file.append('the one that keeps it')
  t.is(await child.next(), 'came')
  t.deepEqual(await child.exited, { code: 0, signal: null })
})

test('iterations and streams wait as waitFor does: timeout, signal, requirePeer, spin', async (t) => {
  const file = create(t)
  file.append('x')
  const all = async (iterable) => {
    const seen = []
    for await (const one of iterable) seen.push(one)
    return seen
  }
  for (const member of ['segments', 'createReadStream']) {
    const read = (options) => all(file[member](options))
    const started = performance.now()
    await rejects(t, read({ timeout: 60 }), 'ERR_MMFILE_TIMEOUT')
    t.true(performance.now() - started >= 59)
    await rejects(t, read({ timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
    await rejects(t, read({ timeout: 20, spin: 0.5 }), 'ERR_MMFILE_TIMEOUT')
    const own = new Error('its own')
    const error = await t.throwsAsync(read({ signal: AbortSignal.abort(own) }), {
      name: 'AbortError',
    })
    t.is(error.cause, own)
    const guest = start(t, 'peers', 'guest', [file.id])
    await guest.next()
    const reading = read({ requirePeer: true })
    await guest.kill()
    await rejects(t, reading, 'ERR_MMFILE_PEER_GONE')
  }
})

/** Keeps this thread busy. */
function busy(milliseconds) {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

test.serial(
  'what came in time is not missed by a thread that was busy when the time was over',
  async (t) => {
    const file = create(t)
    const channel = closing(t, Channel.createNew({ capacity: 128, encoding: 'utf8' }))
    const reader = channel.reader()
    const waits = {
      segment: file.waitFor(0, { timeout: 20 }),
      iteration: file.segments({ timeout: 20 }).next(),
      message: reader.receive({ timeout: 20 }),
    }
    file.append('x')
    channel.sendSync('x')
    busy(100)
    for (const [name, wait] of Object.entries(waits)) await t.notThrowsAsync(wait, name)
    // Filled, and emptied in time.
    while (channel.trySend('x') !== undefined);
    const sent = channel.send('x', { timeout: 20 })
    for (const message of reader.tryReceiveAll(100)) message.release()
    busy(100)
    await t.notThrowsAsync(sent, 'room')
  },
)

test('the timeout of an iteration is the pause between two segments', async (t) => {
  const file = create(t)
  const timer = setInterval(() => file.append('x'), 40)
  t.teardown(() => clearInterval(timer))
  let seen = 0
  for await (const _ of file.segments({ timeout: 2000 })) {
    seen += 1
    if (seen === 10) break
  }
  t.is(seen, 10)
})

if (process.platform === 'linux') {
  test('a check that finds nothing asks for no wake-up; a wait does', async (t) => {
    const file = create(t)
    const waiting = controlOffset(4096) + 0x140
    const isAsked = () => overwrite(objectOf(file), waiting, [0])[0] === 1
    await rejects(t, file.waitFor(0, { timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
    await rejects(t, file.waitFor(0, { timeout: 0, spin: 1 }), 'ERR_MMFILE_TIMEOUT')
    t.throws(() => file.waitForSync(0, { timeout: 0 }), { code: 'ERR_MMFILE_TIMEOUT' })
    t.false(isAsked())
    const wait = file.waitFor(0)
    // A thread that waits asks when it runs.
    for (let tries = 0; !isAsked(); tries += 1) {
      if (tries === 1000) return t.fail('it asked for no wake-up')
      await sleep(5)
    }
    file.append('x')
    await wait // also without having been woken
    file.append('y')
    await file.waitFor(1)
    t.false(isAsked())
  })
}

test('flush: a promise; the thread keeps running meanwhile', async (t) => {
  const path = `${folder(t)}/file`
  const file = closing(t, MmFile.createFile(path, 8 << 20))
  file.append(new Uint8Array(4 << 20))
  const flushes = [file.flush(), file.flush({}), file.flush({ ref: false }), file.flush(undefined)]
  file.append('meanwhile')
  t.deepEqual(await Promise.all(flushes), Array(4).fill(undefined))
  const aborted = file.flush({ signal: AbortSignal.abort('why') })
  t.is((await t.throwsAsync(aborted, { name: 'AbortError' })).cause, 'why')
  const reader = closing(t, MmFile.openFile(path, { access: 'read' }))
  await reader.flush()
  reader.flushSync()
  await rejects(t, create(t).flush(), 'ERR_MMFILE_UNSUPPORTED')
  const last = file.flush()
  file.close()
  await rejects(t, last, 'ERR_MMFILE_CLOSED')
  await rejects(t, file.flush(), 'ERR_MMFILE_CLOSED')
  for (const signal of [null, 5, {}]) {
    await t.throwsAsync(reader.flush({ signal }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('closing rejects what waits, and ends what iterates', async (t) => {
  const file = create(t)
  const holder = open(t, file)
  const guard = await holder.lock()
  const pending = [
    file.waitFor(0),
    file.waitFor(5, { ref: false }),
    file.lock(),
    file.segments().next(),
  ]
  pending.push(file.withLock(t.fail))
  file.close()
  const codes = await Promise.all(pending.map((one) => one.catch(({ code }) => code)))
  t.deepEqual(codes, [
    'ERR_MMFILE_CLOSED',
    'ERR_MMFILE_CLOSED',
    'ERR_MMFILE_CLOSED',
    'ERR_MMFILE_CLOSED',
    'ERR_MMFILE_LOCK_HELD', // lock() was waiting already
  ])
  guard.release()
})

test('createOrOpenFile: of several at once one creates, and all have the same file', async (t) => {
  const path = `${folder(t)}/file`
  const children = Array.from({ length: 6 }, () => start(t, 'loops', 'createOrOpenFile', [path]))
  await Promise.all(children.map((child) => child.next()))
  for (const child of children) child.tell('go')
  const said = await Promise.all(children.map((child) => child.next()))
  t.is(said.filter(({ isCreator }) => isCreator).length, 1)
  const file = closing(t, MmFile.openFile(path))
  t.is(file.length, 6)
  t.deepEqual([...new Set(said.map(({ index }) => index))].sort(), [0, 1, 2, 3, 4, 5])
  t.throws(() => MmFile.createOrOpenFile(`${path}-folder/file`, 100), {
    code: 'ERR_MMFILE_NOT_FOUND',
  })
})
