// list and sweep: which files exist, and which of them no process has open any more.

import test from 'ava'
import { list, MmFile, NamedMutex, remove, sweep } from 'mmfile'
import { actor, onLinux } from '../support/actors.mjs'
import { start } from '../support/child.mjs'
import { closing, isThere, left, refuses, uniqueId } from '../support/files.mjs'

function own() {
  const name = uniqueId('list')
  return { data: `${name}-data-`.slice(-60), mutex: `${name}-lock-`.slice(-60) }
}

test('it lists files without opening them', (t) => {
  const prefixes = own()
  t.deepEqual(list({ prefixes }), [])
  const before = Date.now()
  const file = closing(t, MmFile.createNew(500, { prefixes, lifetime: 'last-process' }))
  file.appendAll(['a', 'b'])
  const [info, ...rest] = list({ prefixes })
  t.deepEqual(rest, [])
  t.true(info.createdAt instanceof Date && info.createdAt.getTime() >= before - 1)
  t.deepEqual(info, {
    id: file.id,
    kind: 'file',
    capacity: 500,
    size: 12,
    length: 2,
    sealed: false,
    lifetime: 'last-process',
    createdAt: info.createdAt,
    creatorPid: process.pid,
    stale: false,
  })
  file.seal()
  t.true(list({ prefixes })[0].sealed)
  t.deepEqual(sweep({ prefixes }), [])
  file.close()
  t.deepEqual(list({ prefixes }), [])
})

test("a killed process's files are stale, and sweep removes them", async (t) => {
  const prefixes = own()
  const { data, mutex } = prefixes
  const creators = [1, 2, 3].map(() => start(t, 'sweepers', 'create', [data, mutex]))
  const ids = await Promise.all(creators.map((creator) => creator.next()))
  t.deepEqual(
    list({ prefixes }).map((info) => info.stale),
    [false, false, false],
  )
  await Promise.all(creators.map((creator) => creator.kill()))
  if (process.platform === 'win32') {
    // There the kernel removes everything at once.
    t.deepEqual([list({ prefixes }), sweep({ prefixes })], [[], []])
    return
  }
  t.deepEqual(
    list({ prefixes }).map((info) => info.stale),
    [true, true, true],
  )
  const rows = sweep({ prefixes })
  t.deepEqual(rows.map(({ id }) => id).sort(), ids.sort())
  for (const row of rows) t.like(row, { kind: 'file', capacity: 1000, stale: true })
  t.deepEqual(list({ prefixes }), [])
  for (const id of ids) t.deepEqual(left(id), [])
})

test('mutexes are a separate kind: listed, swept and removed by their prefix', async (t) => {
  const prefixes = own()
  const prefix = uniqueId('m-')
  const other = { prefix: uniqueId('other-') }
  const place = { prefixes, prefix }
  const before = Date.now()
  const file = closing(t, MmFile.createNew(64, { prefixes, id: 'same' }))
  const mutex = closing(t, NamedMutex.open('same', { prefix }))
  closing(t, NamedMutex.open('same', other))
  const rows = list(place).sort((a, b) => (a.kind < b.kind ? -1 : 1))
  t.deepEqual(
    rows.map(({ id, kind }) => [id, kind]),
    [
      ['same', 'file'],
      ['same', 'mutex'],
    ],
  )
  const { createdAt, ...row } = rows[1]
  t.true(createdAt.getTime() >= before - 1)
  const empty = { capacity: 0, size: 0, length: 0, sealed: false }
  t.deepEqual(row, {
    id: 'same',
    kind: 'mutex',
    ...empty,
    lifetime: 'last-process',
    creatorPid: process.pid,
    stale: false,
  })
  t.deepEqual(
    list({ prefixes }).map(({ kind }) => kind),
    ['file'],
    'with prefixes of its own, a program sees no mutexes but those it asks for',
  )
  t.true(list({ prefix }).some(({ kind, id }) => kind === 'mutex' && id === 'same'))
  t.deepEqual(sweep(place), [])
  const dead = await actor(t)
  await dead.keeps('mutex', 'NamedMutex', 'open', 'left', { prefix })
  await dead.child.kill()
  if (process.platform === 'win32') return // there the kernel removes it at once, and only that
  t.deepEqual(sweep({ prefixes }), [])
  t.like(sweep(place), [{ id: 'left', kind: 'mutex', stale: true }])
  t.deepEqual(list(place).length, 2)
  remove('same', { kind: 'mutex', ...place })
  t.deepEqual(
    list(place).map(({ kind }) => kind),
    ['file'],
  )
  const error = refuses(
    t,
    () => remove('same', { kind: 'mutex', ...place }),
    'ERR_MMFILE_NOT_FOUND',
  )
  t.regex(error.message, /no process has a mutex of that name/)
  remove('same', { prefixes })
  t.deepEqual(list(place), [])
  refuses(t, () => remove('same', { prefixes }), 'ERR_MMFILE_NOT_FOUND')
  t.is(list(other).filter(({ kind }) => kind === 'mutex').length, 1)
  t.is(file.append('goes on'), 0)
  t.truthy(mutex.tryLock())
})

test('without options, the default prefixes of both kinds', (t) => {
  const id = uniqueId('both')
  closing(t, MmFile.createNew(64, { id }))
  closing(t, NamedMutex.open(id))
  const kinds = list().flatMap((row) => (row.id === id ? [row.kind] : []))
  t.deepEqual(kinds.sort(), ['file', 'mutex'])
  remove(id)
  t.false(isThere(id))
  t.notThrows(() => NamedMutex.openExisting(id).close())
  remove(id, { kind: 'mutex' })
  refuses(t, () => NamedMutex.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
  t.deepEqual(left(id), [])
})

onLinux('a prefix that is the same for files and mutexes keeps the kinds apart', (t) => {
  const prefix = uniqueId('shared-')
  const place = { prefixes: { data: prefix }, prefix }
  closing(t, MmFile.createNew(64, { id: 'file', prefixes: { data: prefix } }))
  closing(t, NamedMutex.open('mutex', { prefix }))
  t.deepEqual(
    list(place)
      .map(({ id, kind }) => `${kind} ${id}`)
      .sort(),
    ['file file', 'mutex mutex'],
  )
  refuses(t, () => MmFile.openExisting('mutex', place), 'ERR_MMFILE_ACCESS')
  refuses(t, () => NamedMutex.open('file', { prefix }), 'ERR_MMFILE_ACCESS')
  refuses(t, () => remove('mutex', place), 'ERR_MMFILE_ACCESS')
  refuses(t, () => remove('file', { kind: 'mutex', ...place }), 'ERR_MMFILE_ACCESS')
  t.is(list(place).length, 2)
})

test('wrong options are refused', (t) => {
  for (const act of [list, sweep, (options) => remove('x', options)]) {
    t.throws(() => act(5), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => act({ prefixes: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => act({ prefixes: { data: '/' } }), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => act({ prefix: 5 }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => act({ directory: 5 }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => act({ directory: '' }), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => act({ directory: 'a\0b' }), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  for (const act of [list, sweep]) {
    t.throws(() => act({ prefix: '/' }), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  t.throws(() => remove(5), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => remove('a/b'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => remove('x', { kind: 'segment' }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => remove('x', { kind: 5 }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('creating works while other processes list', async (t) => {
  const prefixes = own()
  const listers = [
    start(t, 'sweepers', 'listOn', [prefixes.data]),
    start(t, 'sweepers', 'listOn', [prefixes.data]),
  ]
  await Promise.all(listers.map((lister) => lister.next()))
  for (let made = 0; made < 2000; made += 1) MmFile.createNew(64, { prefixes }).close()
  await Promise.all(listers.map((lister) => lister.kill()))
  t.deepEqual(list({ prefixes }), [])
})
