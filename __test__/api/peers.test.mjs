// peers(): which handles are open, in which processes.

import { join } from 'node:path'
import test from 'ava'
import { MmFile } from 'mmfile'
import { actor } from '../support/actors.mjs'
import { closing, create, folder, open, refuses } from '../support/files.mjs'

/** The columns that do not depend on the moment. */
const facts = (file) =>
  file
    .peers()
    .map(({ pid, access, isCreator, holdsLock, self }) => [pid, access, isCreator, holdsLock, self])
    .sort((a, b) => a[0] - b[0] || Number(b[2]) - Number(a[2]))

const { pid } = process

test('a handle finds itself', (t) => {
  const before = Date.now()
  const file = create(t)
  const [peer, ...others] = file.peers()
  t.deepEqual(others, [])
  t.true(peer.since instanceof Date)
  t.true(peer.since.getTime() >= before - 1 && peer.since.getTime() <= Date.now())
  t.deepEqual(peer, {
    pid,
    access: 'read-write',
    since: peer.since,
    isCreator: true,
    holdsLock: false,
    self: true,
  })
  const guard = file.tryLock()
  t.true(file.peers()[0].holdsLock)
  guard.release()
  t.false(file.peers()[0].holdsLock)
  file.withLockSync(() => t.true(file.peers()[0].holdsLock))
  file.close()
  refuses(t, () => file.peers(), 'ERR_MMFILE_CLOSED')
})

test('each handle has a row, with any access', (t) => {
  const file = create(t, 4096, { lifetime: 'last-process' })
  const reader = open(t, file, { access: 'read' })
  const unlocked = open(t, file, { synchronized: false })
  const rows = (self) => [
    [pid, 'read-write', true, false, self === file],
    [pid, 'read', false, false, self === reader],
    [pid, 'read-write', false, false, self === unlocked],
  ]
  for (const one of [file, reader, unlocked]) t.deepEqual(facts(one), rows(one))
  file.close()
  t.deepEqual(facts(reader), rows(reader).slice(1))
  reader.close()
  t.deepEqual(facts(unlocked), rows(unlocked).slice(2))
})

test('other processes have rows as long as they live', async (t) => {
  const file = create(t)
  const [reader, writer] = [await actor(t), await actor(t)]
  await reader.keeps('file', 'MmFile', 'openExisting', file.id, { access: 'read' })
  await writer.keeps('file', 'MmFile', 'openExisting', file.id)
  const own = [pid, 'read-write', true, false, true]
  const theirs = (holds) => [
    [reader.child.pid, 'read', false, false, false],
    [writer.child.pid, 'read-write', false, holds, false],
  ]
  const all = (...rows) => rows.sort((a, b) => a[0] - b[0])
  t.deepEqual(facts(file), all(own, ...theirs(false)))
  for (const how of ['tryLock', 'lock']) {
    await writer.keeps('guard', 'file', how)
    t.deepEqual(facts(file), all(own, ...theirs(true)))
    await writer.does('guard', 'release')
    t.deepEqual(facts(file), all(own, ...theirs(false)))
  }
  const seen = await writer.does('file', 'peers')
  t.is(seen.length, 3)
  t.is(seen.find((peer) => peer.self).pid, writer.child.pid)
  t.is(seen.find((peer) => peer.isCreator).pid, pid)
  await writer.keeps('guard', 'file', 'tryLock')
  await writer.child.kill()
  t.deepEqual(facts(file), all(own, theirs(false)[0]), 'a dead holder is none')
  await reader.exits()
  t.deepEqual(facts(file), [own])
  t.is(file.append('goes on'), 0)
})

test('the creator has no row once it is gone, however it went', async (t) => {
  for (const end of ['close', 'exits', 'kill']) {
    const creator = await actor(t)
    await creator.keeps('file', 'MmFile', 'createNew', 100)
    const file = closing(t, MmFile.openExisting(await creator.gets('file', 'id')))
    t.deepEqual(
      facts(file).map(([one, , isCreator]) => [one === pid, isCreator]),
      [
        [true, false],
        [false, true],
      ].sort((a, b) => (a[0] ? pid : creator.child.pid) - (b[0] ? pid : creator.child.pid)),
    )
    if (end === 'close') await creator.does('file', 'close')
    else if (end === 'exits') await creator.exits()
    else await creator.child.kill()
    t.deepEqual(facts(file), [[pid, 'read-write', false, false, true]], end)
  }
})

test('more handles than the table has rows work, and are not shown', (t) => {
  const file = create(t, 1 << 16)
  const others = Array.from({ length: 120 }, () => open(t, file))
  t.is(file.peers().length, 96)
  t.true(file.peers().some(({ self }) => self))
  const last = others.at(-1)
  t.false(last.peers().some(({ self }) => self))
  t.is(last.peers().length, 96)
  for (const [at, other] of others.entries()) t.is(other.append(`${at}`), at)
  const guard = last.tryLock()
  t.false(
    file.peers().some(({ holdsLock }) => holdsLock),
    'it has no row to say it in',
  )
  guard.release()
  for (const other of others.slice(0, 60)) other.close()
  t.is(file.peers().length, 36)
  const late = open(t, file)
  t.true(late.peers().some(({ self }) => self))
})

test('rows of dead processes are reused', async (t) => {
  const file = create(t)
  const crowd = await actor(t)
  for (let at = 0; at < 95; at += 1) await crowd.keeps(`${at}`, 'MmFile', 'openExisting', file.id)
  t.is(file.peers().length, 96)
  await crowd.child.kill()
  t.is(file.peers().length, 1)
  const others = Array.from({ length: 95 }, () => open(t, file))
  t.is(others[94].peers().length, 96)
})

test('a file on disk has peers, too', async (t) => {
  const path = join(folder(t), 'file')
  const file = closing(t, MmFile.createFile(path, 100))
  const other = await actor(t)
  await other.keeps('file', 'MmFile', 'openFile', path)
  t.deepEqual(
    file
      .peers()
      .map((peer) => [peer.pid, peer.isCreator])
      .sort((a, b) => Number(b[1]) - Number(a[1])),
    [
      [pid, true],
      [other.child.pid, false],
    ],
  )
  file.close()
  await other.child.kill()
  const again = closing(t, MmFile.openFile(path))
  t.deepEqual(facts(again), [[pid, 'read-write', false, false, true]])
})
