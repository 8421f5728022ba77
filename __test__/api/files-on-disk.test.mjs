// Files on disk: createFile, openFile, flush.

import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import test from 'ava'
import { Channel, MmFile } from 'mmfile'
import { start } from '../support/child.mjs'
import { closing, refuses, rounds } from '../support/files.mjs'

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'mmfile-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return realpathSync.native(path) // macOS has its folder for temporary files behind a link
}

function createFile(t, path, capacity = 4096, options = {}) {
  return closing(t, MmFile.createFile(path, capacity, options))
}

function openFile(t, path, options = {}) {
  return closing(t, MmFile.openFile(path, options))
}

test('it survives its processes, byte for byte', (t) => {
  const path = join(folder(t), 'tasks.mmf')
  const file = createFile(t, path, 1000)
  t.deepEqual([file.path, file.id, file.isCreator, file.capacity], [path, path, true, 1000])
  file.appendAll(['one', '', 'drei'])
  file.flushSync()
  file.close()
  const again = openFile(t, pathToFileURL(path))
  t.deepEqual([...again], ['one', '', 'drei'])
  t.deepEqual([again.isCreator, again.size], [false, 26])
  again.append('four')
  again.seal()
  again.close()
  const sealed = openFile(t, path)
  t.true(sealed.sealed)
  refuses(t, () => sealed.append('x'), 'ERR_MMFILE_SEALED')
  t.is(readFileSync(path).readInt32LE(0), 6)
  if (process.platform !== 'win32') t.is(statSync(path).mode & 0o777, 0o600)
})

test('a file is one file with one lock, by any path or link', (t) => {
  const dir = folder(t)
  const file = createFile(t, join(dir, 'a'))
  linkSync(join(dir, 'a'), join(dir, 'hard'))
  const names = ['hard', `../${basename(dir)}/a`]
  if (process.platform !== 'win32') {
    symlinkSync('a', join(dir, 'soft')) // takes a privilege there
    names.push('soft')
  }
  for (const name of names) {
    const other = openFile(t, join(dir, name))
    file.withLockSync(() => refuses(t, () => other.tryLock(), 'ERR_MMFILE_LOCK_HELD'))
    t.is(file.read(other.append(name)), name)
  }
})

test('a killed holder is recovered, also when no other process had the file open', async (t) => {
  const path = join(folder(t), 'a')
  const file = createFile(t, path, 1 << 16)
  for (let round = 1; round <= rounds(5); round += 1) {
    const holder = start(t, 'peers', 'holdDisk', [path])
    t.is(await holder.next(), 'locked')
    t.is(file.tryLock(), undefined)
    await holder.kill()
    file.append('mine')
    t.is(file.recovered, round)
    t.is(file.length, 2 * round)
  }
  const { length } = file
  file.close()
  const holder = start(t, 'peers', 'holdDisk', [path])
  t.is(await holder.next(), 'locked')
  await holder.kill()
  const after = openFile(t, path)
  t.is(after.length, length + 1)
  t.is(after.append('x'), length + 1)
})

test('damage of a machine that went down is repaired or reported, never erased', (t) => {
  const dir = folder(t)
  const path = join(dir, 'a')
  const file = createFile(t, path, 1000)
  file.appendAll(['whole', 'also whole'])
  copyFileSync(path, join(dir, 'locked')) // a lock held, pages as they are
  const { size } = file
  file.close()
  const bytes = readFileSync(path)
  bytes.writeInt32LE(-5, size) // what no writer writes
  writeFileSync(join(dir, 'damaged'), bytes)
  const damaged = openFile(t, join(dir, 'damaged'))
  t.deepEqual([...damaged], ['whole', 'also whole'])
  const error = refuses(t, () => damaged.append('x'), 'ERR_MMFILE_CORRUPT')
  t.is(error.offset, size)
  t.is(readFileSync(join(dir, 'damaged')).readInt32LE(size), -5)
  const locked = openFile(t, join(dir, 'locked'))
  t.is(locked.append('goes on'), 2)
})

test('files of other programs, and files that were cut, are refused', (t) => {
  const dir = folder(t)
  const at = (name) => join(dir, name)
  refuses(t, () => MmFile.openFile(at('none')), 'ERR_MMFILE_NOT_FOUND')
  refuses(t, () => MmFile.createFile(at('no/where'), 10), 'ERR_MMFILE_NOT_FOUND')
  for (const size of [0, 1, 4096, 69_632, 100_000]) {
    writeFileSync(at('foreign'), Buffer.alloc(size, 1))
    refuses(t, () => MmFile.openFile(at('foreign')), 'ERR_MMFILE_INCOMPATIBLE', `${size} bytes`)
  }
  refuses(t, () => MmFile.openFile(dir), 'ERR_MMFILE_ACCESS')
  createFile(t, at('a'))
  refuses(t, () => MmFile.createFile(at('a'), 10), 'ERR_MMFILE_EXISTS')
  refuses(t, () => MmFile.createFile(at('huge'), 2 ** 52), 'ERR_MMFILE_NO_SPACE')
  t.throws(() => statSync(at('huge')), { code: 'ENOENT' })
  const file = openFile(t, at('a'))
  file.append('x'.repeat(1000))
  if (process.platform === 'win32') {
    t.throws(() => truncateSync(at('a'), 100), undefined, 'no process can cut a mapped file')
    return
  }
  truncateSync(at('a'), 100)
  refuses(t, () => file.append('x'), 'ERR_MMFILE_CORRUPT')
  refuses(t, () => file.read(0), 'ERR_MMFILE_CORRUPT')
  refuses(t, () => file.length, 'ERR_MMFILE_CORRUPT')
  t.regex(inspect(file), /ERR_MMFILE_CORRUPT/, 'printing it throws nothing')
  refuses(t, () => MmFile.openFile(at('a')), 'ERR_MMFILE_INCOMPATIBLE')
})

test('a reader without write permission can read and wait', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('skipped: becoming another user takes root')
    return t.pass()
  }
  const dir = folder(t)
  chmodSync(dir, 0o755)
  const path = join(dir, 'a')
  const file = createFile(t, path)
  file.append('before')
  chmodSync(path, 0o644)
  const reader = start(t, 'peers', 'readOnly', [path, 65534])
  t.is((await reader.next()).code, 'ERR_MMFILE_ACCESS')
  t.deepEqual(await reader.next(), ['before'])
  file.append('after')
  t.deepEqual(await reader.next(), ['before', 'after'])
  t.is((await reader.next()).code, 'ERR_MMFILE_READ_ONLY')
})

test('flush is for files on disk', (t) => {
  const memory = closing(t, MmFile.createNew(100))
  refuses(t, () => memory.flushSync(), 'ERR_MMFILE_UNSUPPORTED')
  t.is(memory.path, undefined)
  const file = createFile(t, join(folder(t), 'a'))
  t.notThrows(() => file.flushSync())
  file.close()
  refuses(t, () => file.flushSync(), 'ERR_MMFILE_CLOSED')
})

test('a path that names a folder is refused, and nothing is created', (t) => {
  const path = folder(t)
  for (const name of ['x/', 'x/.', 'x/..', 'x//', '.', '..']) {
    const given = `${path}/${name}`
    const said = {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message: /must name a file/,
    }
    t.throws(() => MmFile.createFile(given, 100), said, name)
    t.throws(() => MmFile.createOrOpenFile(given, 100), said, name)
    t.throws(() => MmFile.openFile(given), said, name)
    t.throws(() => Channel.createFile(given), said, name)
    t.throws(() => Channel.openFile(given), said, name)
  }
  t.deepEqual(readdirSync(path), [])
})

test('wrong arguments are refused', (t) => {
  for (const path of [undefined, 5, null, {}]) {
    t.throws(() => MmFile.createFile(path, 10), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => MmFile.openFile(path), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  t.throws(() => MmFile.openFile(''), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => MmFile.openFile('a\0b'), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(() => MmFile.createFile('/tmp/x', 0), { code: 'ERR_OUT_OF_RANGE' })
})
