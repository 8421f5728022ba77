// The folder of files and mutexes: an option, or what the environment says.

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { list, MmFile, NamedMutex, remove, sweep } from 'mmfile'
import { actor, newUser, onLinux, withUsers } from '../support/actors.mjs'
import {
  CONTROL_SIZE,
  closing,
  controlOffset,
  create,
  folder,
  left,
  open,
  refuses,
  uniqueId,
} from '../support/files.mjs'

const ids = (rows) => rows.map(({ kind, id }) => `${kind} ${id}`).sort()

onLinux('files and mutexes are in that folder and nowhere else', async (t) => {
  const directory = folder(t)
  for (const [capacity, lifetime] of [
    [100, 'creator'],
    [1 << 20, 'last-process'],
    [(4 << 20) + 1, 'creator'],
  ]) {
    const id = uniqueId('in-folder')
    const file = create(t, capacity, { id, directory, lifetime })
    const mutex = closing(t, NamedMutex.open(id, { directory }))
    t.deepEqual(readdirSync(directory).sort(), [`mmfile-data-${id}`, `mmfile-mutex-${id}`])
    t.deepEqual(left(id), [])
    const { size, mode, blocks } = statSync(join(directory, `mmfile-data-${id}`))
    t.deepEqual([size, mode & 0o777], [controlOffset(capacity) + CONTROL_SIZE, 0o600])
    t.true(blocks * 512 >= capacity, 'its space is reserved')
    refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
    refuses(t, () => NamedMutex.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
    const reader = open(t, file, { directory, access: 'read' })
    const other = await actor(t)
    await other.keeps('file', 'MmFile', 'createOrOpen', id, 64, { directory })
    t.false(await other.gets('file', 'isCreator'))
    await other.keeps('mutex', 'NamedMutex', 'openExisting', id, { directory })
    const wait = reader.waitFor(0)
    await other.does('file', 'append', 'from there')
    await wait
    t.is(reader.read(0), 'from there')
    await other.keeps('guard', 'mutex', 'lockSync')
    t.is(mutex.tryLock(), undefined)
    t.deepEqual(ids(list({ directory })), [`file ${id}`, `mutex ${id}`])
    t.deepEqual(sweep({ directory }), [])
    await other.exits()
    for (const one of [reader, file, mutex]) one.close()
    t.deepEqual(readdirSync(directory), [])
  }
})

onLinux('one id in two folders is two files', (t) => {
  const [first, second] = [folder(t), folder(t)]
  const id = uniqueId('twice')
  const places = [{ directory: first }, { directory: second }, {}]
  const files = places.map((place) => create(t, 100, { id, ...place }))
  for (const [at, file] of files.entries()) file.append(`${at}`)
  for (const [at, file] of files.entries()) t.is(open(t, file, places[at]).read(0), `${at}`)
  remove(id, { directory: first })
  refuses(t, () => MmFile.openExisting(id, { directory: first }), 'ERR_MMFILE_NOT_FOUND')
  t.is(open(t, files[1], places[1]).read(0), '1')
  t.deepEqual([readdirSync(first).length, readdirSync(second).length], [0, 1])
})

onLinux('MMFILE_DIRECTORY names the folder of a whole program', async (t) => {
  const directory = folder(t)
  const id = uniqueId('environment')
  const one = await actor(t, { env: { MMFILE_DIRECTORY: directory } })
  await one.keeps('file', 'MmFile', 'createNew', 100, { id })
  await one.keeps('mutex', 'NamedMutex', 'open', id)
  t.deepEqual(readdirSync(directory).sort(), [`mmfile-data-${id}`, `mmfile-mutex-${id}`])
  t.deepEqual(left(id), [])
  t.deepEqual(ids(await one.does('mmfile', 'list')), [`file ${id}`, `mutex ${id}`])
  closing(t, MmFile.openExisting(id, { directory })).append('by the option')
  t.is(await one.does('file', 'read', 0), 'by the option')
  // The option comes first.
  const other = folder(t)
  await one.keeps('other', 'MmFile', 'createNew', 100, { id, directory: other })
  t.is(readdirSync(other).length, 1)
  await one.exits()
  t.deepEqual([readdirSync(directory), readdirSync(other)], [[], []])
  // An empty one names none.
  const plain = await actor(t, { env: { MMFILE_DIRECTORY: '' } })
  await plain.keeps('file', 'MmFile', 'createNew', 100, { id })
  t.true(existsSync(`/dev/shm/mmfile-data-${id}`))
  await plain.exits()
})

onLinux('a relative path counts from where the process is when it gives it', async (t) => {
  const place = folder(t)
  mkdirSync(join(place, 'sub'))
  const id = uniqueId('relative')
  const options = { directory: 'sub' }
  const one = await actor(t)
  await one.does('process', 'chdir', place)
  await one.keeps('file', 'MmFile', 'createNew', 100, { id, ...options })
  await one.keeps('mutex', 'NamedMutex', 'open', id, options)
  t.is(readdirSync(join(place, 'sub')).length, 2)
  const file = MmFile.openExisting(id, { directory: join(place, 'x', '..', 'sub') })
  await one.does('process', 'chdir', '/')
  await one.does('mutex', 'close')
  await one.does('file', 'close')
  t.deepEqual(readdirSync(join(place, 'sub')), [])
  t.is(file.append('goes on'), 0)
  file.close()
  await one.exits()
})

onLinux('a relative path in the environment is refused', async (t) => {
  const one = await actor(t, { env: { MMFILE_DIRECTORY: 'sub' } })
  const { error } = await one.tries('MmFile', 'createNew', 100)
  t.is(error?.code, 'ERR_MMFILE_UNSUPPORTED')
  t.regex(error.message, /MMFILE_DIRECTORY with a relative path \('sub'\): .*absolute/)
  await one.exits()
})

onLinux('a folder that does not exist, and a path that is no folder', (t) => {
  const place = folder(t)
  writeFileSync(join(place, 'file'), '')
  for (const [directory, lacks] of [
    [join(place, 'none'), /none', which does not exist/],
    [join(place, 'none', 'deeper'), /deeper', which does not exist/],
    [join(place, 'file'), /file', which is no folder/],
    [join(place, 'file', 'deeper'), /deeper', of whose path a part is no folder/],
    ['/proc', /'\/proc', where the kernel lets no program create files/],
  ]) {
    const canBeRead = directory === '/proc'
    for (const act of [
      () => MmFile.createNew(100, { directory }),
      () => MmFile.createNew(4 << 20, { directory }),
      () => MmFile.createOrOpen('x', 100, { directory }),
      () => NamedMutex.open('x', { directory }),
      () => MmFile.openExisting('x', { directory }),
      () => NamedMutex.openExisting('x', { directory }),
      () => remove('x', { directory }),
      ...(canBeRead ? [] : [() => list({ directory }), () => sweep({ directory })]),
    ]) {
      const { message } = refuses(t, act, 'ERR_MMFILE_UNSUPPORTED')
      t.regex(message, lacks)
      t.regex(message, /another folder with `directory`/)
    }
  }
  t.deepEqual(readdirSync(place), ['file'])
})

onLinux("a killed process's file in a folder is stale there, and swept there", async (t) => {
  const directory = folder(t)
  const id = uniqueId('dead')
  const dead = await actor(t)
  await dead.keeps('file', 'MmFile', 'createNew', 2 << 20, { id, directory })
  await dead.keeps('mutex', 'NamedMutex', 'open', id, { directory })
  await dead.child.kill()
  t.deepEqual(
    list({ directory }).map(({ stale }) => stale),
    [true, true],
  )
  t.false(
    sweep().some((row) => row.id === id),
    'another folder',
  )
  t.deepEqual(ids(sweep({ directory })), [`file ${id}`, `mutex ${id}`])
  t.deepEqual(readdirSync(directory), [])
})

/** Every call that accesses the names of an id. */
const callsOn = (id, directory) => [
  ['MmFile', 'openExisting', id, { directory }],
  ['MmFile', 'openExisting', id, { directory, access: 'read' }],
  ['MmFile', 'createOrOpen', id, 100, { directory }],
  ['MmFile', 'createNew', 100, { id, directory }],
  ['NamedMutex', 'open', id, { directory }],
  ['NamedMutex', 'openExisting', id, { directory }],
  ['mmfile', 'remove', id, { directory }],
  ['mmfile', 'remove', id, { directory, kind: 'mutex' }],
]

withUsers(
  "a folder that all users may write to: another user's objects are not used",
  async (t) => {
    const directory = folder(t)
    chmodSync(directory, 0o1777)
    const id = uniqueId('shared-folder')
    const [owner, other] = [
      await actor(t, { user: newUser(t) }),
      await actor(t, { user: newUser(t) }),
    ]
    await owner.keeps('file', 'MmFile', 'createNew', 100, { id, directory })
    await owner.keeps('mutex', 'NamedMutex', 'open', id, { directory })
    await owner.does('file', 'append', 'secret')
    const before = readdirSync(directory).sort()
    for (const [on, ...call] of callsOn(id, directory)) {
      t.is((await other.tries(on, ...call)).error?.code, 'ERR_MMFILE_ACCESS', call[0])
    }
    t.deepEqual(await other.does('mmfile', 'list', { directory }), [])
    t.deepEqual(await other.does('mmfile', 'sweep', { directory }), [])
    // Each user sees only their own objects.
    await other.keeps('file', 'MmFile', 'createNew', 100, { directory })
    t.is((await other.does('mmfile', 'list', { directory })).length, 1)
    await other.exits()
    t.deepEqual(readdirSync(directory).sort(), before)
    t.deepEqual(await owner.does('actor', 'texts', 'file'), ['secret'])
    await owner.exits()
    t.deepEqual(readdirSync(directory), [])
  },
)

withUsers('a link at the name of an object is not followed', async (t) => {
  const directory = folder(t)
  chmodSync(directory, 0o1777)
  const user = newUser(t)
  const one = await actor(t, { user })
  // Links to a file of the user who would follow them, to one of that user's objects, and to
  // nothing.
  const target = join(directory, 'target')
  writeFileSync(target, Buffer.alloc(8192, 'x'), { mode: 0o600 })
  chownSync(target, user, user)
  await one.keeps('own', 'MmFile', 'createNew', 100, { id: 'own', directory })
  const targets = [target, join(directory, 'mmfile-data-own'), join(directory, 'nothing')]
  for (const [at, to] of targets.entries()) {
    const id = `linked-${at}`
    for (const name of [`mmfile-data-${id}`, `mmfile-mutex-${id}`]) {
      symlinkSync(to, join(directory, name))
    }
    for (const [on, ...call] of callsOn(id, directory)) {
      const { error } = await one.tries(on, ...call)
      t.is(error?.code, 'ERR_MMFILE_ACCESS', `${call[0]} ${to}`)
    }
  }
  t.deepEqual(ids(await one.does('mmfile', 'list', { directory })), ['file own'])
  t.deepEqual(await one.does('mmfile', 'sweep', { directory }), [])
  t.true(readFileSync(target).every((byte) => byte === 120))
  t.false(existsSync(targets[2]))
  t.is(readdirSync(directory).length, 8)
  await one.exits()
})

withUsers('a folder that this user may not write to, or not read', async (t) => {
  const directory = folder(t)
  const one = await actor(t, { user: newUser(t) })
  for (const mode of [0o755, 0o700]) {
    chmodSync(directory, mode)
    for (const [on, ...call] of [
      ['MmFile', 'createNew', 100, { directory }],
      ['MmFile', 'createNew', 4 << 20, { directory }],
      ['MmFile', 'createOrOpen', 'x', 100, { directory }],
      ['NamedMutex', 'open', 'x', { directory }],
    ]) {
      const { error } = await one.tries(on, ...call)
      t.is(error?.code, 'ERR_MMFILE_ACCESS', `${mode.toString(8)} ${call[0]}`)
      t.is(error.cause.code, 'EACCES')
    }
  }
  t.is((await one.tries('mmfile', 'list', { directory })).error?.code, 'ERR_MMFILE_ACCESS')
  await one.exits()
})

onLinux('a program that may only use names of one prefix touches no others', async (t) => {
  // As a sandbox that names a prefix would have it, here in a folder of the test's own.
  const directory = folder(t)
  const other = { data: 'snap.y.data-', mutex: 'snap.y.lock-' }
  const dead = await actor(t)
  for (const prefixes of [other, undefined]) {
    await dead.keeps('stale', 'MmFile', 'createNew', 100, { directory, prefixes })
  }
  for (const prefix of ['snap.y.mutex-', undefined]) {
    await dead.keeps('stale', 'NamedMutex', 'open', 'stale', { directory, prefix })
  }
  await dead.child.kill()
  writeFileSync(join(directory, 'snap.y.data-x~0123456789abcdef'), 'staged by a dead process')
  const before = readdirSync(directory).sort()
  t.is(before.length, 5)
  const prefixes = { data: 'snap.x.data-', mutex: 'snap.x.lock-' }
  const prefix = 'snap.x.mutex-'
  const during = () => readdirSync(directory).filter((name) => !before.includes(name))
  for (let round = 0; round < 40; round += 1) {
    const file = create(t, round % 2 ? 64 : 2 << 20, { directory, prefixes })
    const mutex = closing(t, NamedMutex.open('mutex', { directory, prefix }))
    open(t, file, { directory, prefixes }).append('x')
    t.deepEqual(during().sort(), [`snap.x.data-${file.id}`, 'snap.x.mutex-mutex'])
    t.is(list({ directory, prefixes, prefix }).length, 2)
    t.deepEqual(sweep({ directory, prefixes, prefix }), [])
    t.deepEqual(sweep({ directory, prefixes }), [])
    if (round % 3 === 0) {
      remove(file.id, { directory, prefixes })
      remove('mutex', { directory, prefixes, prefix, kind: 'mutex' })
    }
    file.close()
    mutex.close()
  }
  t.deepEqual(readdirSync(directory).sort(), before)
  rmSync(join(directory, 'snap.y.data-x~0123456789abcdef'))
  t.is(sweep({ directory, prefixes: other, prefix: 'snap.y.mutex-' }).length, 2)
  t.is(sweep({ directory }).length, 2)
  t.deepEqual(readdirSync(directory), [])
})
