// The commands that show something join nothing: programs do not notice them.

import { once } from 'node:events'
import { join } from 'node:path'
import test from 'ava'
import { Channel, list, MmFile, NamedMutex } from 'mmfile'
import { start } from '../support/child.mjs'
import { command, startCommand } from '../support/cli.mjs'
import { closing, folder, refuses, rejects, uniqueId } from '../support/files.mjs'

const SEGMENTS = 8
const LARGE = 'x'.repeat(1 << 20)

/** Every kind of object that the commands show, each with more data than a pipe holds. */
const kinds = {
  file: () => MmFile.createOrOpen(uniqueId(), 20 << 20, { encoding: 'utf8' }),
  'file on disk': (t) =>
    MmFile.createFile(join(folder(t), 'it.mmf'), 20 << 20, { encoding: 'utf8' }),
  channel: () => Channel.createOrOpen(uniqueId(), { capacity: 32 << 20, encoding: 'utf8' }),
  'channel on disk': (t) =>
    Channel.createFile(join(folder(t), 'it.mmf'), { capacity: 32 << 20, encoding: 'utf8' }),
}

/** Starts `mmfile cat`, whose output is not read: it has the thing open until the test ends. */
async function looking(t, id) {
  const { child } = startCommand(t, ['cat', id])
  child.stdout.once('data', () => child.stdout.pause())
  await once(child.stdout, 'data')
}

/** Waits for something that never comes, and that only one other process could send. */
const waits = (one, timeout) =>
  one instanceof MmFile
    ? one.waitFor(SEGMENTS, { requirePeer: true, timeout })
    : one.reader({ requirePeer: true }).receive({ timeout })

for (const [name, make] of Object.entries(kinds)) {
  const full = (t) => {
    const one = closing(t, make(t))
    for (let index = 0; index < SEGMENTS; index += 1) {
      if (one instanceof MmFile) one.append(LARGE)
      else one.sendSync(LARGE)
    }
    return one
  }

  test(`${name}: an observing command is no peer`, async (t) => {
    const one = full(t)
    const guest = start(t, 'observed', 'guest', [one.path ?? one.id, one.constructor.name])
    t.is(await guest.next(), 'here')
    await looking(t, one.id)
    t.deepEqual(
      one
        .peers()
        .map(({ self }) => self)
        .sort(),
      [false, true],
    )
    await guest.kill()
    await rejects(t, waits(one, 20_000), 'ERR_MMFILE_PEER_GONE')
  })

  test(`${name}: a command that came and went is no peer that is missed`, async (t) => {
    const one = full(t)
    for (const args of [['inspect'], ['cat'], ['peers'], ['inspect', '--json']]) {
      const [verb, ...options] = args
      const { status, stderr } = await command(t, [verb, one.id, ...options])
      t.deepEqual([status, stderr], [0, ''])
    }
    for (const all of [['ls'], ['top', '--json']]) await command(t, all)
    await rejects(t, waits(one, 300), 'ERR_MMFILE_TIMEOUT')
  })

  test(`${name}: peers shows the programs and the holder of the lock, but not itself`, async (t) => {
    const one = full(t)
    const rows = async () => {
      const shown = JSON.parse((await command(t, ['peers', one.id, '--json'])).stdout)
      return shown.peers ?? shown
    }
    const facts = ({ pid, access, isCreator, holdsLock }) => [pid, access, isCreator, holdsLock]
    t.deepEqual((await rows()).map(facts), [[process.pid, 'read-write', true, false]])
    if (!(one instanceof MmFile)) return
    const guard = one.lockSync()
    t.deepEqual((await rows()).map(facts), [[process.pid, 'read-write', true, true]])
    guard.release()
  })

  // On Windows an object exists for as long as any process has it open (docs/platforms.md).
  if (name.endsWith('disk') || process.platform === 'win32') continue
  test(`${name}: the command keeps nothing in being`, async (t) => {
    const one = full(t)
    await looking(t, one.id)
    one.close()
    t.deepEqual(
      list().filter(({ id }) => id === one.id),
      [],
    )
    const open = () => one.constructor.openExisting(one.id)
    refuses(t, open, 'ERR_MMFILE_NOT_FOUND')
  })
}

test('an object that no process has open is not found, and is left for sweep', async (t) => {
  // Others sweep the usual folder.
  const [id, directory] = [uniqueId(), folder(t)]
  const env = process.platform === 'win32' ? {} : { MMFILE_DIRECTORY: directory }
  const maker = start(t, 'observed', 'maker', [id], { env })
  t.is(await maker.next(), 'made')
  await maker.kill()
  for (const verb of ['cat', 'inspect', 'peers']) {
    const { status, stderr } = await command(t, [verb, id], { env })
    t.is(status, 1)
    t.regex(stderr, /ERR_MMFILE_NOT_FOUND/)
  }
  if (process.platform === 'win32') return
  t.deepEqual(
    list({ directory }).map((info) => [info.id, info.stale]),
    [[id, true]],
  )
})

test('a file on disk that no process has open is shown', async (t) => {
  const path = join(folder(t), 'it.mmf')
  const file = MmFile.createFile(path, 100, { encoding: 'utf8' })
  file.append('kept')
  file.close()
  t.is((await command(t, ['cat', path])).stdout, 'kept\n')
  const channelPath = join(folder(t), 'channel.mmf')
  Channel.createFile(channelPath).close()
  const peers = async (path) => JSON.parse((await command(t, ['peers', path, '--json'])).stdout)
  t.deepEqual(await peers(path), [], 'the command is no row of its own')
  t.deepEqual(await peers(channelPath), { peers: [], participants: [] })
})

test('peers shows which process has a mutex open, and which holds it, and does not join it', async (t) => {
  const mutex = closing(t, NamedMutex.open(uniqueId()))
  const rows = async (...args) =>
    JSON.parse((await command(t, ['peers', mutex.name, '--json', ...args])).stdout)
  const facts = ({ pid, isCreator, holdsLock }) => [pid, isCreator, holdsLock]
  t.deepEqual((await rows()).map(facts), [[process.pid, true, false]])
  const guard = mutex.lockSync()
  t.deepEqual((await rows('--kind', 'mutex')).map(facts), [[process.pid, true, true]])
  t.regex((await command(t, ['peers', mutex.name])).stdout, / creator +holds the lock$/m)
  guard.release()
  t.is(mutex.peers().length, 1)
  const file = closing(t, MmFile.createNew(100, { id: mutex.name }))
  const both = await command(t, ['peers', file.id])
  t.deepEqual([both.status, both.stdout], [2, ''])
  t.regex(both.stderr, /is a file and a mutex: say --kind/)
  t.is((await rows('--kind', 'file')).length, 1)
})
