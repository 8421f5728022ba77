// The system has no more descriptors, memory, threads or shared memory: a call that needs more fails
// at once with the system's error, and leaves nothing. Open handles keep working.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { MmFile } from 'mmfile'
import { actor, limit, newUser } from '../support/actors.mjs'
import { run } from '../support/child.mjs'
import { create, left, shm, uniqueId } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

/** An own folder on disk. */
function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'mmfile-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Checks that something worked, or was refused at once with one of these errors of the system. */
function okOrRefused(t, what, { ok, ms, ...error }, causes) {
  t.true(ms < PROMPT, `${what} took ${ms} ms`)
  if (ok) return
  t.is(error.code, 'ERR_MMFILE_NO_SPACE', what)
  t.true(causes.includes(error.cause), `${what}: ${error.cause}`)
  t.true(error.errno < 0 && error.syscall.length > 0, what)
}

onLinux('no descriptors, or too few of them, at every call', async (t) => {
  const id = uniqueId('few')
  const path = join(folder(t), 'disk')
  const args = [id, 10, path]
  const { said, stderr, code } = await run(t, 'refusals', 'descriptors', args, {
    shell: 'ulimit -n 120',
  })
  t.deepEqual([stderr, code], ['', 0])
  const newcomers = ['createNew', 'createOrOpen', 'openExisting', 'createFile', 'NamedMutex.open']
  for (const { room, results, before, after } of said.slice(0, -2)) {
    const refused = Object.keys(results).filter((name) => !results[name].ok)
    for (const [name, result] of Object.entries(results)) {
      okOrRefused(t, `${name} with room for ${room}`, result, ['EMFILE'])
    }
    if (room === 0) {
      for (const name of [...newcomers, 'list', 'sweep']) t.true(refused.includes(name), name)
    }
    if (room === 10) t.deepEqual(refused, [])
    for (const name of ['append', 'lock', 'waitFor', 'view', 'NamedMutex.lock']) {
      t.true(results[name].ok, `${name} needs no descriptor`)
    }
    t.deepEqual(after, before, 'no descriptor and no name was left')
  }
  t.deepEqual(said.slice(-2), [{ left: [] }, { closed: 0 }])
  t.deepEqual(left(id), [])
  t.false(existsSync(path))
})

onLinux('no room in the address space, at every call', async (t) => {
  const size = 64 << 20
  const there = create(t, size)
  const path = join(folder(t), 'disk')
  const id = uniqueId('no-map')
  const one = await actor(t)
  await one.keeps('file', 'MmFile', 'createNew', 4096)
  await one.keeps('reader', 'MmFile', 'openExisting', there.id, { access: 'read' })
  MmFile.createFile(`${path}-there`, size).close()
  const status = readFileSync(`/proc/${one.child.pid}/status`, 'utf8')
  const used = Number(/VmSize:\s*(\d+) kB/.exec(status)[1]) * 1024
  if (!limit(one.child.pid, `--as=${used + size / 2}:`)) return t.pass('no prlimit here')
  const calls = [
    ['MmFile', 'createNew', size, { id }],
    ['MmFile', 'createOrOpen', id, size],
    ['MmFile', 'openExisting', there.id],
    ['MmFile', 'openExisting', there.id, { access: 'read' }],
    ['MmFile', 'createOrOpen', there.id, size],
    ['MmFile', 'createFile', path, size],
    ['MmFile', 'openFile', `${path}-there`],
    ['MmFile', 'openFile', `${path}-there`, { access: 'read' }],
  ]
  for (const call of calls) {
    const { error, ms } = await one.tries(...call)
    const what = call.slice(0, 2).join('.')
    t.like(error, { code: 'ERR_MMFILE_NO_SPACE', errno: -12, syscall: 'mmap' }, what)
    t.is(error.cause.code, 'ENOMEM')
    t.true(ms < PROMPT, `${what} took ${ms} ms`)
  }
  // A reader's views are a separate mapping.
  t.like((await one.tries('reader', 'view', 0)).error, { code: 'ERR_MMFILE_SEGMENT_RANGE' })
  there.append('x')
  t.like((await one.tries('reader', 'view', 0)).error, { errno: -12, syscall: 'mmap' })
  t.is(await one.does('reader', 'read', 0), 'x')
  t.is(await one.does('file', 'append', 'goes on'), 0)
  t.deepEqual(left(id), [])
  t.false(existsSync(path))
  limit(one.child.pid, '--as=unlimited:')
  t.true(await one.keeps('other', 'MmFile', 'openExisting', there.id))
  t.is(await one.does('other', 'read', 0), 'x')
})

onLinux(
  'no more threads: what takes one says so, and works when there are some again',
  async (t) => {
    if (process.getuid() !== 0) {
      t.log('run as root, this test uses a user of its own')
    }
    const user = process.getuid() === 0 ? newUser(t) : undefined
    // Waits take a thread where the event loop cannot be told by the kernel.
    const one = await actor(t, { user, env: { UV_USE_IO_URING: '0' } })
    await one.keeps('file', 'MmFile', 'createNew', 4096)
    await one.keeps('mutex', 'NamedMutex', 'open', uniqueId('mutex'))
    if (!limit(one.child.pid, '--nproc=1:', user)) return t.pass('no prlimit here')
    for (const call of [
      ['file', 'lock'],
      ['file', 'waitFor', 0],
      ['file', 'waitFor', 0, { timeout: 10_000, requirePeer: true }],
      ['mutex', 'lock', { timeout: 10_000 }],
      ['file', 'lock'],
    ]) {
      const { error, ms } = await one.tries(...call)
      t.like(error, { code: 'ERR_MMFILE_NO_SPACE', errno: -11, syscall: 'pthread_create' })
      t.is(error.cause.code, 'EAGAIN')
      t.true(ms < PROMPT)
    }
    // Everything else needs none.
    t.is(await one.does('file', 'append', 'x'), 0)
    await one.does('file', 'waitFor', 0)
    await one.keeps('guard', 'file', 'tryLock')
    await one.does('guard', 'release')
    t.true(await one.keeps('another', 'MmFile', 'createNew', 64))
    t.is(
      (await one.tries('file', 'waitForSync', 1, { timeout: 20 })).error.code,
      'ERR_MMFILE_TIMEOUT',
    )
    const most = readFileSync(`/proc/${process.pid}/limits`, 'utf8')
    t.true(limit(one.child.pid, `--nproc=${/processes\s+\S+\s+(\S+)/.exec(most)[1]}:`, user))
    for (const lock of ['file', 'mutex']) {
      t.true(await one.keeps('guard', lock, 'lock'))
      await one.does('guard', 'release')
    }
    const { error } = await one.tries('file', 'waitFor', 1, { timeout: 20 })
    t.is(error.code, 'ERR_MMFILE_TIMEOUT')
    await one.exits()
  },
)

for (const what of ['objects', 'pages']) {
  onLinux(`a folder that has room for few ${what}`, async (t) => {
    const unshare = ['-rm', 'sh', '-c']
    const mount = `mount -t tmpfs tmpfs ${shm('')}`
    if (spawnSync('unshare', [...unshare, mount]).status !== 0) return t.pass('not allowed here')
    const shell = `exec unshare ${unshare.join(' ')} 'exec "$0" "$@"' "$@"; false`
    const path = join(folder(t), 'disk')
    const { said, stderr, code } = await run(t, 'refusals', 'smallShm', [what, path], { shell })
    t.deepEqual([stderr, code], ['', 0])
    const full = said.pop()
    for (const { room, results } of said) {
      for (const [name, { left, ...result }] of Object.entries(results)) {
        okOrRefused(t, `${name} with room for ${room} ${what}`, result, ['ENOSPC'])
        t.deepEqual(left, [], `${name} with room for ${room} ${what} left something`)
      }
      if (room === 0) t.falsy(results.createNew.ok)
      if (room === 11) t.true(results.createNew.ok)
    }
    // Full to the last byte, with a file in it that was there before.
    for (const [name, result] of Object.entries(full.results)) {
      okOrRefused(t, `${name} when it is full`, result, ['ENOSPC'])
    }
    const refused = Object.keys(full.results).filter((name) => !full.results[name].ok)
    t.deepEqual(refused, ['createNew', 'createOrOpen', 'NamedMutex.open'])
    t.deepEqual(full.left, ['filler'])
  })
}

onLinux('a path that is too long', (t) => {
  const dir = folder(t)
  for (const path of [join(dir, 'x'.repeat(256)), join(dir, 'deep/'.repeat(2000), 'x')]) {
    for (const act of [
      () => MmFile.createFile(path, 64),
      () => MmFile.openFile(path),
      () => MmFile.openFile(path, { access: 'read' }),
    ]) {
      const error = t.throws(act, { code: 'ERR_MMFILE_ACCESS' })
      t.is(error.cause.code, 'ENAMETOOLONG')
    }
  }
  t.deepEqual(readdirSync(dir), [])
  const longest = join(dir, 'x'.repeat(255))
  MmFile.createFile(longest, 64).close()
  MmFile.openFile(longest).close()
})
