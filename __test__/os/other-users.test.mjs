// Objects of other users, and other things at an object's name.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { list, MmFile, NamedMutex, remove, sweep } from 'mmfile'
import { actor, newUser, onLinux, withUsers } from '../support/actors.mjs'
import {
  create,
  left,
  objectOf,
  open,
  overwrite,
  refuses,
  shm,
  uniqueId,
} from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

withUsers("another user's files and mutexes: nothing of them can be had", async (t) => {
  const id = uniqueId('private')
  const mutex = uniqueId('mutex')
  const user = newUser(t)
  const owner = await actor(t, { user })
  await owner.keeps('file', 'MmFile', 'createNew', 4096, { id })
  await owner.keeps('mutex', 'NamedMutex', 'open', mutex)
  await owner.does('file', 'append', 'secret')
  const others = [await actor(t, { user: newUser(t) }), await actor(t)] // root is another user, too
  for (const other of others) {
    for (const [code, ...call] of [
      ['ERR_MMFILE_ACCESS', 'MmFile', 'openExisting', id],
      ['ERR_MMFILE_ACCESS', 'MmFile', 'openExisting', id, { access: 'read' }],
      ['ERR_MMFILE_ACCESS', 'MmFile', 'createOrOpen', id, 4096],
      ['ERR_MMFILE_ACCESS', 'MmFile', 'createNew', 4096, { id }],
      ['ERR_MMFILE_ACCESS', 'mmfile', 'remove', id],
      ['ERR_MMFILE_ACCESS', 'mmfile', 'remove', mutex, { kind: 'mutex' }],
      ['ERR_MMFILE_ACCESS', 'NamedMutex', 'open', mutex],
      ['ERR_MMFILE_ACCESS', 'NamedMutex', 'openExisting', mutex],
    ]) {
      const { error, ms } = await other.tries(...call)
      t.is(error?.code, code, call.join(' '))
      t.true(ms < PROMPT, `${call.join(' ')} took ${ms} ms`)
    }
    const listed = await other.does('mmfile', 'list')
    t.false(listed.some((info) => [id, mutex].includes(info.id)))
    t.false((await other.does('mmfile', 'sweep')).some((row) => row.id === id))
  }
  t.deepEqual(await owner.does('actor', 'texts', 'file'), ['secret'])
  t.deepEqual(
    (await owner.does('mmfile', 'list')).map((info) => `${info.kind} ${info.id}`),
    [`file ${id}`, `mutex ${mutex}`],
  )
  // Other users do not remove a dead owner's objects either; any process of that user does.
  await owner.child.kill()
  for (const other of others) {
    t.false((await other.does('mmfile', 'sweep')).some((row) => row.id === id))
    await other.keeps('new', 'MmFile', 'createNew', 64)
  }
  t.is(left(id).length, 1)
  const heir = await actor(t, { user })
  t.deepEqual(
    (await heir.does('mmfile', 'sweep')).map((row) => row.id),
    [id, mutex],
  )
  await others[0].exits()
  t.deepEqual([...left(id), ...left(mutex)], [])
})

withUsers('files on disk of another user follow their permissions', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mmfile-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const user = newUser(t)
  chownSync(dir, user, user)
  const path = join(dir, 'a')
  const owner = await actor(t, { user })
  await owner.keeps('file', 'MmFile', 'createFile', path, 64)
  spawnSync('chmod', ['755', dir])
  const other = await actor(t, { user: newUser(t) })
  for (const call of [
    ['openFile', path],
    ['openFile', path, { access: 'read' }],
    ['createFile', join(dir, 'b'), 64],
  ]) {
    const { error } = await other.tries('MmFile', ...call)
    t.is(error?.code, 'ERR_MMFILE_ACCESS')
    t.is(error.cause.code, 'EACCES')
  }
  t.deepEqual(readdirSync(dir), ['a'])
})

/** Things that can be at a name. Each function creates one, and returns how to remove it if `rm` is not enough. */
const obstacles = {
  'a directory': (path) => void mkdirSync(path, { mode: 0o700 }),
  'a FIFO': (path) => void spawnSync('mkfifo', ['-m', '600', path]),
  'a link to a file': (path) => symlinkSync(shm('mmfile-no-such-file'), path),
  'a link to a device': (path) => symlinkSync('/dev/zero', path),
  'a socket': async (path) => {
    const server = createServer().listen(path)
    await once(server, 'listening')
    return () => server.close()
  },
}

/** Puts it there for the time of `act`, which must not change it. */
async function withObstacle(t, path, make, act) {
  const end = await make(path)
  try {
    const kind = lstatSync(path).mode
    await act()
    t.is(lstatSync(path).mode, kind, 'it is still there')
  } finally {
    end?.()
    rmSync(path, { recursive: true, force: true })
  }
}

/** Checks that a call is refused at once with one of these codes. */
function refused(t, codes, act) {
  const started = performance.now()
  const { code } = t.throws(act) ?? {}
  t.true(codes.includes(code), `${act}: ${code}`)
  t.true(performance.now() - started < PROMPT, `${act}`)
}

const ACCESS = ['ERR_MMFILE_ACCESS']

for (const [what, make] of Object.entries(obstacles)) {
  onLinux(`${what} in the place of a file, of a mutex, of a file on disk`, async (t) => {
    const id = uniqueId('obstacle')
    await withObstacle(t, shm(`mmfile-data-${id}`), make, () => {
      refused(t, ACCESS, () => MmFile.openExisting(id))
      refused(t, ACCESS, () => MmFile.openExisting(id, { access: 'read' }))
      refused(t, ACCESS, () => MmFile.createOrOpen(id, 64))
      refused(t, ACCESS, () => MmFile.createNew(64, { id }))
      refused(t, ACCESS, () => remove(id))
      t.false(list().some((info) => info.id === id))
      t.false(sweep().some((row) => row.id === id))
    })
    t.deepEqual(left(id), [])
    const file = create(t, 64, { id })
    rmSync(shm(`mmfile-data-${id}`))
    await withObstacle(t, shm(`mmfile-data-${id}`), make, () => {
      refused(t, ACCESS, () => MmFile.openExisting(id))
      refused(t, ACCESS, () => MmFile.openExisting(id, { access: 'read' }))
      t.is(file.append('who has it does not mind'), 0)
      file.close()
    })
    t.deepEqual(left(id), [])
    await withObstacle(t, shm(`mmfile-mutex-${id}`), make, () => {
      refused(t, ACCESS, () => NamedMutex.open(id))
      refused(t, ACCESS, () => NamedMutex.openExisting(id))
      refused(t, ACCESS, () => remove(id, { kind: 'mutex' }))
    })
    const dir = mkdtempSync(join(tmpdir(), 'mmfile-'))
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    const path = join(dir, 'x')
    await withObstacle(t, path, make, () => {
      // A link on disk leads where it leads, here to nothing at all.
      const codes = what === 'a link to a file' ? ['ERR_MMFILE_NOT_FOUND'] : ACCESS
      refused(t, codes, () => MmFile.openFile(path))
      refused(t, codes, () => MmFile.openFile(path, { access: 'read' }))
      refused(t, ['ERR_MMFILE_EXISTS'], () => MmFile.createFile(path, 64))
      t.deepEqual(readdirSync(dir), ['x'])
    })
  })
}

onLinux('an object without a control block is not taken for one of ours', (t) => {
  for (const content of [0, 1, 4095, 4096, 4097, 65_536, 1 << 20].flatMap((size) => [
    Buffer.alloc(size),
    Buffer.alloc(size, 0xa5),
  ])) {
    const id = uniqueId('size')
    for (const [kind, path, open] of [
      ['file', objectOf({ id }), MmFile.openExisting],
      ['mutex', shm(`mmfile-mutex-${id}`), NamedMutex.openExisting],
    ]) {
      writeFileSync(path, content, { mode: 0o600 })
      t.teardown(() => rmSync(path, { force: true }))
      refused(t, ACCESS, () => open(id))
      refused(t, ACCESS, () => remove(id, { kind }))
      t.false([...list(), ...sweep()].some((row) => row.id === id))
      t.true(existsSync(path), `${content.length} bytes are not ours to remove`)
      rmSync(path)
    }
  }
})

onLinux('an object of another size than its file has', (t) => {
  const capacity = 8192
  const file = create(t, capacity)
  const path = objectOf(file)
  const before = readFileSync(path)
  const size = before.length
  for (const wrong of [1, 4096, size - 1, size - 4096, size + 1, size + 4096, 1 << 20]) {
    truncateSync(path, wrong)
    for (const options of [{}, { access: 'read' }]) {
      refuses(t, () => MmFile.openExisting(file.id, options), 'ERR_MMFILE_ACCESS')
    }
    refuses(t, () => MmFile.createOrOpen(file.id, capacity), 'ERR_MMFILE_ACCESS')
    truncateSync(path, size)
    overwrite(path, 0, before)
  }
  file.append('as before')
  t.is(open(t, file).read(0), 'as before')
})
