// How files are made and found: ids, capacity, lifetime, access.

import { randomUUID } from 'node:crypto'
import test from 'ava'
import { MmFile } from 'mmfile'
import { start } from '../support/child.mjs'
import {
  closing,
  create,
  isThere,
  left,
  open,
  refuses,
  rounds,
  uniqueId,
} from '../support/files.mjs'

test('a new file is empty, and has a unique id', (t) => {
  const file = create(t, 1000)
  t.regex(file.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.not(create(t).id, file.id)
  t.like(file, {
    capacity: 1000,
    length: 0,
    size: 0,
    isCreator: true,
    synchronized: true,
    access: 'read-write',
    sealed: false,
    closed: false,
    recovered: 0,
  })
  t.deepEqual([...file], [])
})

test('another handle shows the same file', (t) => {
  const file = create(t, 1000, { synchronized: false })
  file.append('x')
  t.like(open(t, file), {
    id: file.id,
    capacity: 1000,
    length: 1,
    size: 6,
    isCreator: false,
    synchronized: true, // a matter of each handle
    access: 'read-write',
    closed: false,
  })
})

test('the capacity is exact, not rounded to pages', (t) => {
  for (const capacity of [1, 2, 3, 4, 5, 4095, 4096, 4097, 65_537]) {
    const file = create(t, capacity)
    t.is(file.capacity, capacity)
    t.is(open(t, file).capacity, capacity)
    if (capacity >= 4) file.append(new Uint8Array(capacity - 4))
    const used = capacity >= 4 ? capacity : 0
    const { needed, available } = refuses(t, () => file.append(''), 'ERR_MMFILE_CAPACITY')
    t.deepEqual([file.size, needed, available], [used, 4, capacity - used])
  }
})

test('a UUID is one id in any case, with and without braces', (t) => {
  const id = randomUUID()
  const upper = id.toUpperCase()
  const file = create(t, 64, { id: `{${upper}}` })
  t.is(file.id, id)
  file.append('x')
  for (const form of [
    id,
    upper,
    `{${id}}`,
    `{${upper}}`,
    id.replace(/[a-c]/g, (c) => c.toUpperCase()),
  ]) {
    const other = MmFile.openExisting(form)
    t.deepEqual([other.id, other.read(0)], [id, 'x'])
    other.close()
    refuses(t, () => MmFile.createNew(64, { id: form }), 'ERR_MMFILE_EXISTS')
    const either = MmFile.createOrOpen(form, 64)
    t.deepEqual([either.isCreator, either.id], [false, id])
    either.close()
  }
})

test('a UUID of any version is accepted', (t) => {
  for (const id of [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ]) {
    const prefixes = { data: uniqueId('d'), mutex: uniqueId('m') }
    t.is(create(t, 64, { id, prefixes }).id, id)
  }
})

test('a name is used as an id unchanged', (t) => {
  const prefixes = { data: uniqueId('d'), mutex: uniqueId('m') }
  const names = ['a', 'A', '0', '-', '_', '.a', 'a.', '..a', 'x'.repeat(64), 'Az09._-', '__proto__']
  const files = names.map((id) => create(t, 256, { id, prefixes }))
  for (const [at, file] of files.entries()) {
    t.is(file.id, names[at])
    file.append(names[at])
  }
  for (const name of names) {
    const other = closing(t, MmFile.openExisting(name, { prefixes }))
    t.is(other.read(0), name, 'a and A are two')
  }
})

test('an id in use is refused, and its file left alone', (t) => {
  const file = create(t, 100, { id: uniqueId() })
  file.append('mine')
  const { message } = refuses(t, () => MmFile.createNew(5000, { id: file.id }), 'ERR_MMFILE_EXISTS')
  t.true(message.includes(file.id))
  t.deepEqual([file.capacity, file.read(0), open(t, file).read(0)], [100, 'mine', 'mine'])
})

test('a missing file, and one that has ended, is not found', (t) => {
  const id = uniqueId()
  for (const access of ['read', 'read-write']) {
    const open = () => MmFile.openExisting(id, { access })
    t.true(refuses(t, open, 'ERR_MMFILE_NOT_FOUND').message.includes(id))
  }
  const file = MmFile.createNew(64, { id })
  t.true(isThere(id))
  file.close()
  refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
  t.deepEqual(left(id), [])
})

test('an id can be used again, for another file', (t) => {
  const id = uniqueId()
  const first = MmFile.createNew(100, { id })
  const old = open(t, first)
  first.append('first')
  first.close()
  if (process.platform === 'win32') {
    // There an object keeps its name as long as any process has it open.
    t.throws(() => MmFile.createNew(200, { id }), { code: 'ERR_MMFILE_EXISTS' })
    old.close()
    t.is(create(t, 200, { id }).length, 0)
    return
  }
  const second = create(t, 200, { id })
  t.deepEqual([second.isCreator, second.length, second.capacity], [true, 0, 200])
  second.append('second')
  t.deepEqual([old.read(0), old.capacity, old.length], ['first', 100, 1])
  old.append('still here')
  t.is(second.length, 1)
  old.close()
  t.is(open(t, second).read(0), 'second', 'the old one took nothing with it')
})

test("lifetime 'creator': its close ends the file for newcomers only", (t) => {
  const creator = create(t)
  const [one, two] = [open(t, creator), open(t, creator, { access: 'read' })]
  one.append('before')
  creator.close()
  refuses(t, () => MmFile.openExisting(creator.id), 'ERR_MMFILE_NOT_FOUND')
  refuses(t, () => one.read(1), 'ERR_MMFILE_SEGMENT_RANGE')
  one.append('after')
  t.deepEqual([...two], ['before', 'after'])
  t.deepEqual(left(creator.id), [])
})

test("lifetime 'creator': another's close ends nothing", (t) => {
  const creator = create(t)
  open(t, creator).close()
  MmFile.createOrOpen(creator.id, 64).close()
  t.true(isThere(creator.id))
})

test("lifetime 'last-process': the file ends with its last handle", (t) => {
  const creator = create(t, 4096, { lifetime: 'last-process' })
  const { id } = creator
  creator.append('x')
  const second = open(t, creator)
  creator.close()
  const third = closing(t, MmFile.openExisting(id, { access: 'read' }))
  second.close()
  t.deepEqual([third.read(0), isThere(id)], ['x', true])
  third.close()
  t.false(isThere(id))
  t.deepEqual(left(id), [])
})

test('createOrOpen creates a missing file, and opens an existing one', (t) => {
  const id = uniqueId()
  const maker = closing(t, MmFile.createOrOpen(id, 100, { synchronized: false, lockTimeout: 5000 }))
  t.like(maker, { id, isCreator: true, capacity: 100, synchronized: false, access: 'read-write' })
  maker.append('x')
  const opener = closing(t, MmFile.createOrOpen(id, 5000))
  t.like(opener, { id, isCreator: false, capacity: 100, length: 1, synchronized: true })
  maker.close()
  t.true(isThere(id), 'it lives as long as anyone has it open')
  opener.append('y')
  opener.close()
  t.false(isThere(id))
  const again = closing(t, MmFile.createOrOpen(id, 5000))
  t.like(again, { isCreator: true, capacity: 5000, length: 0 })
})

test('createOrOpen does not change the lifetime of a file that it opens', (t) => {
  const creator = create(t)
  const other = closing(t, MmFile.createOrOpen(creator.id, 64))
  t.false(other.isCreator)
  creator.close()
  t.false(isThere(creator.id))
  t.is(other.append('goes on'), 0)
})

test('createOrOpen never races: one of eight processes makes the file', async (t) => {
  const children = Array.from({ length: 8 }, () => start(t, 'creators', 'createOrOpen'))
  for (const child of children) await child.next()
  for (let round = 0; round < rounds(20); round += 1) {
    const id = uniqueId('race')
    for (const child of children) child.tell(id)
    const made = await Promise.all(children.map((child) => child.next()))
    t.is(made.filter(({ created }) => created).length, 1, JSON.stringify(made))
    t.deepEqual(
      made.map(({ index }) => index).sort(),
      [0, 1, 2, 3, 4, 5, 6, 7],
      'and all of them have the same one',
    )
    for (const child of children) child.tell('close')
    await Promise.all(children.map((child) => child.next()))
    t.false(isThere(id))
  }
})

test('createOrOpen never fails while files of that id come and go', async (t) => {
  const id = uniqueId('race')
  const children = Array.from({ length: 4 }, () =>
    start(t, 'creators', 'comeAndGo', [id, rounds(300)]),
  )
  const ended = await Promise.all(children.map((child) => child.next()))
  for (const { failures } of ended) t.deepEqual(failures, [])
  const made = ended.reduce((sum, { created }) => sum + created, 0)
  t.true(made >= 1)
  t.log(`${made} files were made in ${4 * rounds(300)} calls`)
  t.deepEqual(left(id), [])
})

test("access 'read' reads everything and writes nothing", async (t) => {
  const writer = create(t, 256)
  const reader = open(t, writer, { access: 'read' })
  t.deepEqual([reader.access, reader.isCreator, reader.capacity], ['read', false, 256])
  writer.append('one')
  for (const act of [
    () => reader.append('x'),
    () => reader.append(''),
    () => reader.write(1, 'x'),
    () => reader.write(0, 'x'),
    () => reader.appendAll(['x']),
    () => reader.appendAll([]),
    () => reader.append(new Uint8Array(500)),
    () => reader.seal(),
  ]) {
    const { message } = refuses(t, act, 'ERR_MMFILE_READ_ONLY')
    t.regex(message, /read-write/, 'it says how to open it instead')
  }
  t.deepEqual([writer.length, reader.length, reader.size], [1, 1, 10])
  writer.append(new Uint8Array([5]))
  t.deepEqual([reader.read(0), [...reader.readBytes(1)], reader.byteLength(1)], ['one', [5], 1])
  t.deepEqual([...reader.view(1)], [5])
  reader.waitForSync(1, { timeout: 0 })
  await reader.waitFor(1)
  t.is(
    reader.withLockSync(() => reader.length),
    2,
  )
  writer.seal()
  t.true(reader.sealed)
})

test('synchronized: false gives the same results', (t) => {
  const file = create(t, 4096, { synchronized: false })
  const reader = open(t, file, { synchronized: false, access: 'read' })
  file.write(0, 'zero')
  t.is(file.appendAll(['one', 'two']), 1)
  t.deepEqual([...reader], ['zero', 'one', 'two'])
  refuses(t, () => file.write(2, 'x'), 'ERR_MMFILE_SEGMENT_ORDER')
  t.is(
    file.withLockSync(() => file.append('three')),
    3,
  )
  file.seal()
  refuses(t, () => file.append('x'), 'ERR_MMFILE_SEALED')
})
