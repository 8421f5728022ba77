// What stands in the system's namespace: prefixes, what is not ours, and what there is no room for.

import { spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import test from 'ava'
import { MmFile } from 'mmfile'
import { run } from './support/child.mjs'
import { create, isThere, left, open, refuses, uniqueId } from './support/files.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip
const shm = (name) => `/dev/shm/${name}`

/** Puts something into shared memory that is gone after the test. */
function place(t, name, make) {
  make(shm(name))
  t.teardown(() => rmSync(shm(name), { recursive: true, force: true }))
  return shm(name)
}

onLinux('the two objects have the names that outside programs look for, and are private', (t) => {
  const file = create(t, 5000)
  t.deepEqual(left(file.id).sort(), [`mmfile-data-${file.id}`, `mmfile-lock-${file.id}`])
  const data = statSync(shm(`mmfile-data-${file.id}`))
  t.is(data.size, 5000)
  t.is(data.mode & 0o777, 0o600)
  t.is(statSync(shm(`mmfile-lock-${file.id}`)).mode & 0o777, 0o600)
  t.true(data.blocks * 512 >= 5000, 'its memory is reserved')
})

test('prefixes are part of the name', (t) => {
  const id = uniqueId('same')
  const ours = { data: uniqueId('d'), mutex: uniqueId('m') }
  const theirs = { data: uniqueId('d'), mutex: uniqueId('m') }
  const file = create(t, 64, { id, prefixes: ours })
  if (process.platform === 'linux') {
    t.deepEqual(left(id).sort(), [ours.data + id, ours.mutex + id].sort())
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
  // A new file sweeps away what dead processes left: by the prefix of the locks, that is.
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
  const mutex = uniqueId('theirs-')
  const text = 'something of their own, as long as it likes to be. '
  const objects = [text, text.repeat(100).slice(0, 4096), text.repeat(100)].map((content, at) =>
    place(t, `${mutex}${at}`, (path) => writeFileSync(path, content, { mode: 0o600 })),
  )
  create(t, 64, { prefixes: { data: uniqueId('d'), mutex } })
  for (const path of objects) t.true(existsSync(path))
  const options = { prefixes: { data: uniqueId('d'), mutex } }
  refuses(t, () => MmFile.openExisting('0', options), 'ERR_MMFILE_ACCESS')
  refuses(t, () => MmFile.createNew(64, { id: '0', ...options }), 'ERR_MMFILE_EXISTS')
  refuses(t, () => MmFile.createOrOpen('0', 64, options), 'ERR_MMFILE_ACCESS')
  t.is(readFileSync(objects[0], 'utf8'), text)
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

onLinux('more memory than /dev/shm has: what the system said is there too', async (t) => {
  // A /dev/shm of one mebibyte, where this is allowed.
  const mount = 'mount -t tmpfs -o size=1m,mode=1777 tmpfs /dev/shm'
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
  t.deepEqual(left, ['mmfile-data-fits', 'mmfile-lock-fits'], 'and it was filled to the last byte')
})

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
    t.is(names, 2 * opened, 'no half of a file was left')
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
    place(t, `mmfile-lock-${id}`, make)
    const { message } = refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_ACCESS')
    t.regex(message, reason)
    t.true(message.includes(id))
    refuses(t, () => MmFile.createOrOpen(id, 64), 'ERR_MMFILE_ACCESS')
    const error = t.throws(() => MmFile.createNew(64, { id }))
    t.true(['ERR_MMFILE_ACCESS', 'ERR_MMFILE_EXISTS'].includes(error.code), error.message)
    t.deepEqual(left(id), [`mmfile-lock-${id}`])
  })
}

onLinux('where the system refused, its error is the cause', (t) => {
  const id = uniqueId()
  place(t, `mmfile-lock-${id}`, (path) => symlinkSync('/etc/hostname', path))
  const error = refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_ACCESS')
  t.like(error, { errno: -40, syscall: 'shm_open' })
  t.like(error.cause, { code: 'ELOOP', errno: -40, syscall: 'shm_open' })
})

onLinux('the data of a foreign program is not overwritten', (t) => {
  const id = uniqueId()
  const path = place(t, `mmfile-data-${id}`, (p) => writeFileSync(p, 'theirs', { mode: 0o600 }))
  refuses(t, () => MmFile.createNew(64, { id }), 'ERR_MMFILE_EXISTS')
  refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
  t.is(readFileSync(path, 'utf8'), 'theirs')
  t.deepEqual(left(id), [`mmfile-data-${id}`], 'and no half of a file was left beside it')
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
  const counted = () =>
    process.platform === 'linux'
      ? [
          readdirSync('/proc/self/fd').length,
          readFileSync('/proc/self/maps', 'utf8').match(/mmfile-(data|lock)-/g)?.length ?? 0,
        ]
      : []
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
