// The system's name space: prefixes, other programs' objects, and names without room.

import { spawnSync } from 'node:child_process'
import {
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import test from 'ava'
import { list, MmFile, NamedMutex, remove, sweep } from 'mmfile'
import { run } from '../support/child.mjs'
import {
  CONTROL_SIZE,
  closing,
  controlOffset,
  create,
  descriptors,
  isThere,
  left,
  mappings,
  objectOf,
  open,
  refuses,
  shm,
  uniqueId,
} from '../support/files.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

/** Puts something into shared memory that is gone after the test. */
function place(t, name, make) {
  make(shm(name))
  t.teardown(() => rmSync(shm(name), { recursive: true, force: true }))
  return shm(name)
}

onLinux('the object has the name that outside programs look for, and is private', (t) => {
  for (const capacity of [1, 4092, 4093, 5000, 1 << 20, (2 << 20) - 4]) {
    const file = create(t, capacity)
    t.deepEqual(left(file.id), [`mmfile-data-${file.id}`])
    const { size, mode, blocks } = statSync(objectOf(file))
    t.is(size, controlOffset(capacity) + CONTROL_SIZE)
    t.is(mode & 0o777, 0o600)
    t.true(blocks * 512 >= capacity + CONTROL_SIZE, 'its memory is reserved')
  }
  const name = uniqueId('mutex')
  closing(t, NamedMutex.open(name))
  t.deepEqual(left(name), [`mmfile-mutex-${name}`])
  const { size, mode } = statSync(shm(`mmfile-mutex-${name}`))
  t.deepEqual([size, mode & 0o777], [CONTROL_SIZE, 0o600])
})

test('prefixes are part of the name', (t) => {
  const id = uniqueId('same')
  const ours = { data: uniqueId('d'), mutex: uniqueId('m') }
  const theirs = { data: uniqueId('d'), mutex: uniqueId('m') }
  const file = create(t, 64, { id, prefixes: ours })
  if (process.platform === 'linux') {
    t.deepEqual(left(id), [ours.data + id])
  }
  file.append('ours')
  for (const prefixes of [undefined, theirs]) {
    t.false(isThere(id, { prefixes }))
    const other = create(t, 64, { id, prefixes })
    other.append('theirs')
  }
  t.is(open(t, file, { prefixes: ours }).read(0), 'ours')
  t.is(open(t, file, { prefixes: theirs }).read(0), 'theirs')
  t.is(open(t, file).read(0), 'theirs')
})

test('one of the prefixes may be given, and one may be empty', (t) => {
  for (const prefixes of [{ data: uniqueId('d') }, { mutex: uniqueId('m') }, { data: '' }]) {
    const file = create(t, 64, { id: uniqueId(), prefixes })
    file.append('x')
    t.is(open(t, file, { prefixes }).read(0), 'x')
  }
})

test('files with prefixes that begin alike leave each other alone', (t) => {
  // A new file sweeps away what dead processes left, by its prefix.
  const start = uniqueId('app-')
  const sets = [
    { data: `${start}data-`, mutex: start },
    { data: start, mutex: `${start}lock-` },
    { data: `${start}x`, mutex: `${start}data-` },
  ]
  const files = sets.flatMap((prefixes) =>
    [1, 5000, 4096, 4096].map((capacity, at) => {
      const file = create(t, capacity, { id: uniqueId(), prefixes })
      if (at === 3) file.append('not empty')
      return { file, prefixes }
    }),
  )
  for (const { file, prefixes } of files) {
    const other = open(t, file, { prefixes })
    t.is(other.capacity, file.capacity)
    if (file.length === 1) t.is(other.read(0), 'not empty')
  }
})

onLinux("a new file takes away nothing that is another program's", (t) => {
  const data = uniqueId('theirs-')
  const options = { prefixes: { data } }
  const text = 'something of their own, as long as it likes to be. '
  const texts = [51, 4096, 5100, 8192].map((length) => text.repeat(200).slice(0, length))
  const objects = texts.map((content, at) =>
    place(t, `${data}${at}`, (path) => writeFileSync(path, content, { mode: 0o600 })),
  )
  for (let made = 0; made < 20; made += 1) create(t, 64, options)
  t.deepEqual(sweep(options), [])
  t.is(list(options).length, 20)
  for (const [at, path] of objects.entries()) {
    const id = `${at}`
    refuses(t, () => MmFile.openExisting(id, options), 'ERR_MMFILE_ACCESS')
    refuses(t, () => MmFile.createNew(64, { id, ...options }), 'ERR_MMFILE_ACCESS')
    refuses(t, () => MmFile.createOrOpen(id, 64, options), 'ERR_MMFILE_ACCESS')
    refuses(t, () => remove(id, options), 'ERR_MMFILE_ACCESS')
    t.is(readFileSync(path, 'utf8'), texts[at])
  }
})

test('more memory than there is: said at once, and nothing is left', (t) => {
  for (const capacity of [2 ** 40, 2 ** 50, Number.MAX_SAFE_INTEGER]) {
    const id = uniqueId('huge')
    for (const act of [
      () => MmFile.createNew(capacity, { id }),
      () => MmFile.createOrOpen(id, capacity),
    ]) {
      const { message } = refuses(t, act, 'ERR_MMFILE_NO_SPACE')
      t.true(message.includes(String(capacity)), message)
    }
    t.deepEqual(left(id), [])
    create(t, 64, { id }).append('room for this')
  }
})

onLinux(
  'more memory than the folder has room for: what the system said is there too',
  async (t) => {
    // A file system of one mebibyte there, where this is allowed.
    const mount = `mount -t tmpfs -o size=1m,mode=1777 tmpfs ${shm('')}`
    const unshare = ['-rm', 'sh', '-c']
    if (spawnSync('unshare', [...unshare, mount]).status !== 0) return t.pass('not allowed here')
    const shell = `exec unshare ${unshare.join(' ')} '${mount} && exec "$0" "$@"' "$@"; false`
    const { said, stderr } = await run(t, 'creators', 'fillShm', [], { shell })
    t.is(stderr, '')
    const [full, left, second] = said
    for (const error of [full, second]) {
      t.is(error.code, 'ERR_MMFILE_NO_SPACE')
      t.like(error, { errno: -28, syscall: 'pwrite' })
      t.like(error.cause, { code: 'ENOSPC', errno: -28, syscall: 'pwrite' })
    }
    t.deepEqual(left, ['mmfile-data-fits'], 'and it was filled to the last byte')
  },
)

onLinux(
  'no descriptors left: what the system said, and it works again with one closed',
  async (t) => {
    const { said, stderr } = await run(t, 'creators', 'exhaust', [], { shell: 'ulimit -n 80' })
    t.is(stderr, '')
    const [{ opened, error }, { again, names }] = said
    t.true(opened > 5)
    t.is(error.code, 'ERR_MMFILE_NO_SPACE')
    t.like(error, { errno: -24, cause: { code: 'EMFILE', errno: -24 } })
    t.is(error.syscall, error.cause.syscall)
    t.is(again, 'works')
    t.is(names, opened, 'nothing was left of what could not be created')
  },
)

const strange = {
  'that lets other users in': [
    /permissions/,
    (path) => writeFileSync(path, Buffer.alloc(4096), { mode: 0o644 }),
  ],
  'that is a symbolic link': [/stands at its name/, (path) => symlinkSync('/etc/hostname', path)],
  'that is a directory': [/./, (path) => mkdirSync(path, { mode: 0o700 })],
  'of another user': [
    /user|refuses/,
    (path) => {
      writeFileSync(path, Buffer.alloc(4096), { mode: 0o600 })
      chownSync(path, 12_345, 12_345)
    },
  ],
}

for (const [which, [reason, make]] of Object.entries(strange)) {
  onLinux(`an object ${which} is ERR_MMFILE_ACCESS, and stays as it is`, (t) => {
    if (which === 'of another user' && process.getuid() !== 0) {
      return t.pass('only root can give things away')
    }
    const id = uniqueId()
    place(t, `mmfile-data-${id}`, make)
    const { message } = refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_ACCESS')
    t.regex(message, reason)
    t.true(message.includes(id))
    refuses(t, () => MmFile.createOrOpen(id, 64), 'ERR_MMFILE_ACCESS')
    const error = t.throws(() => MmFile.createNew(64, { id }))
    t.true(['ERR_MMFILE_ACCESS', 'ERR_MMFILE_EXISTS'].includes(error.code), error.message)
    t.deepEqual(left(id), [`mmfile-data-${id}`])
  })
}

onLinux('where the system refused, its error is the cause', (t) => {
  const id = uniqueId()
  place(t, `mmfile-data-${id}`, (path) => symlinkSync('/etc/hostname', path))
  const error = refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_ACCESS')
  t.like(error, { errno: -40, syscall: 'open' })
  t.like(error.cause, { code: 'ELOOP', errno: -40, syscall: 'open' })
})

onLinux('the data of a foreign program is not overwritten', (t) => {
  const id = uniqueId()
  const path = place(t, `mmfile-data-${id}`, (p) => writeFileSync(p, 'theirs', { mode: 0o600 }))
  refuses(t, () => MmFile.createNew(64, { id }), 'ERR_MMFILE_ACCESS')
  refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_ACCESS')
  t.is(readFileSync(path, 'utf8'), 'theirs')
  t.deepEqual(left(id), [`mmfile-data-${id}`], 'and nothing was left beside it')
})

onLinux('a data object in the place of another is not taken for it', (t) => {
  const file = create(t, 64)
  const path = shm(`mmfile-data-${file.id}`)
  linkSync(
    path,
    place(t, `kept-${file.id}`, () => {}),
  )
  rmSync(path)
  refuses(t, () => MmFile.openExisting(file.id), 'ERR_MMFILE_NOT_FOUND')
  writeFileSync(path, Buffer.alloc(64), { mode: 0o600 })
  t.teardown(() => rmSync(path, { force: true }))
  refuses(t, () => MmFile.openExisting(file.id), 'ERR_MMFILE_ACCESS')
  file.append('who has it open does not mind')
  t.is(file.length, 1)
})

test('hundreds of files at once, and no descriptor or mapping is left of them', (t) => {
  const counted = () => [descriptors(), mappings()]
  const before = counted()
  for (let round = 0; round < 3; round += 1) {
    const files = Array.from({ length: 150 }, () => MmFile.createNew(1000))
    t.is(new Set(files.map(({ id }) => id)).size, 150)
    for (const [at, file] of files.entries()) file.append(`file ${at}`)
    const others = files.map(({ id }) => MmFile.openExisting(id))
    for (const [at, other] of others.entries()) t.is(other.read(0), `file ${at}`)
    for (const file of [...files, ...others]) file.close()
  }
  t.deepEqual(counted(), before)
})
