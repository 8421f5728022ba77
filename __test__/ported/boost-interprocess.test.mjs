// The behaviour that the tests of Boost.Interprocess ask of mutexes and shared memory, asked of
// NamedMutex and MmFile. A title begins with the name of the case; docs/ported-suites.md lists them all.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { MmFile, NamedMutex } from 'mmfile'
import { actor } from '../support/actors.mjs'
import { closing, create, open, refuses, uniqueId } from '../support/files.mjs'

const mutex = (t, name = uniqueId('boost')) => closing(t, NamedMutex.open(name))

/** Two processes with a mutex, and a file in which they count what they did with the lock. */
async function two(t) {
  const name = uniqueId('boost')
  const file = create(t, 4096, { lifetime: 'last-process' })
  const both = [await actor(t), await actor(t)]
  for (const one of both) {
    await one.keeps('mutex', 'NamedMutex', 'open', name)
    await one.keeps('file', 'MmFile', 'openExisting', file.id)
  }
  return { file, both, name }
}

/** Takes the lock, sleeps with it, counts, and lets it go; as one that does not ask in between. */
const lockAndSleep = (how, ...args) => [
  { on: 'mutex', call: how, args, keep: 'guard' },
  { on: 'actor', call: 'block', args: [200] },
  { on: 'file', call: 'append', args: ['x'] },
  { on: 'guard', call: 'release' },
]

test('test_lock', (t) => {
  const one = mutex(t)
  const first = one.lockSync()
  first.release()
  const second = one.lockSync()
  second.release()
  t.is(
    one.withLockSync(() => 'locked'),
    'locked',
  )
})

test('test_trylock', (t) => {
  const one = mutex(t)
  for (let round = 0; round < 3; round += 1) {
    const guard = one.tryLock()
    t.truthy(guard)
    guard.release()
    one.lockSync().release()
  }
})

test('test_timedlock', async (t) => {
  const one = mutex(t)
  for (const timeout of [0, 1, 1000]) {
    for (const take of [() => one.lockSync({ timeout }), () => one.lock({ timeout: 5000 })]) {
      const guard = await take()
      t.false(guard.abandoned)
      guard.release()
    }
  }
})

for (const how of ['lockSync', 'lock']) {
  test(`test_mutex_lock, by ${how}: one after the other`, async (t) => {
    const { file, both } = await two(t)
    both[0].begins(lockAndSleep(how))
    await sleep(50)
    both[1].begins(lockAndSleep(how))
    const [first, second] = await Promise.all(both.map((one) => one.ends()))
    const indexes = [first[2].value, second[2].value].sort()
    t.deepEqual(indexes, [0, 1])
    t.is(file.length, 2)
  })
}

test('test_mutex_lock_timeout: a holder that keeps it is timed out on', async (t) => {
  const { file, both } = await two(t)
  await both[0].keeps('guard', 'mutex', 'lockSync')
  const { error, ms } = await both[1].tries('mutex', 'lockSync', { timeout: 100 })
  t.is(error?.code, 'ERR_MMFILE_TIMEOUT')
  t.true(ms >= 99)
  await both[0].does('file', 'append', 'x')
  await both[0].does('guard', 'release')
  t.is(file.length, 1)
})

test('test_mutex_try_lock: only the first gets it', async (t) => {
  const { file, both } = await two(t)
  t.true(await both[0].keeps('guard', 'mutex', 'tryLock'))
  t.false(await both[1].keeps('guard', 'mutex', 'tryLock'))
  await both[0].does('file', 'append', 'x')
  await both[0].does('guard', 'release')
  t.true(await both[1].keeps('guard', 'mutex', 'tryLock'))
  t.is(file.length, 1)
})

for (const how of ['lockSync', 'lock']) {
  test(`test_mutex_timed_lock, by ${how}: both get it in time`, async (t) => {
    const { file, both } = await two(t)
    for (const one of both) one.begins(lockAndSleep(how, { timeout: 20_000 }))
    for (const results of await Promise.all(both.map((one) => one.ends()))) {
      t.true(results.every(({ error }) => error === undefined))
    }
    t.is(file.length, 2)
  })
}

test('test_recursive_lock: it is not recursive; every second lock fails at once', async (t) => {
  const one = mutex(t)
  const guard = one.lockSync()
  refuses(t, () => one.lockSync(), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => one.tryLock(), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => one.lockSync({ timeout: 100 }), 'ERR_MMFILE_LOCK_HELD')
  await t.throwsAsync(one.lock({ timeout: 100 }), { code: 'ERR_MMFILE_LOCK_HELD' })
  guard.release()
})

for (const [how, call] of [
  ['OwnerDeadLock', ['lock']],
  ['OwnerDeadTryLock', ['tryLock']],
  ['OwnerDeadTimedLock', ['lockSync', { timeout: 5000 }]],
]) {
  test(`test_owner_dead_mutex, ${how}: the next holder finds it abandoned; the one after that does not`, async (t) => {
    const { both } = await two(t)
    await both[0].keeps('guard', 'mutex', 'lockSync')
    await both[0].child.kill()
    t.true(await both[1].keeps('guard', 'mutex', ...call))
    t.true(await both[1].gets('guard', 'abandoned'))
    await both[1].does('guard', 'release')
    await both[1].keeps('guard', 'mutex', ...call)
    t.false(await both[1].gets('guard', 'abandoned'))
  })
}

test('robust_mutex_test: several locks of a process and of its successor, all found abandoned', async (t) => {
  const names = [uniqueId('robust'), uniqueId('robust'), uniqueId('robust')]
  const kept = names.map((name) => mutex(t, name))
  const child = await actor(t)
  const grandchild = await actor(t)
  for (const [at, name] of names.entries()) {
    const holder = at === 2 ? grandchild : child
    await holder.keeps(`mutex${at}`, 'NamedMutex', 'openExisting', name)
    t.true(await holder.keeps(`guard${at}`, `mutex${at}`, 'tryLock'))
  }
  await grandchild.child.kill()
  await child.keeps('mutex2', 'NamedMutex', 'openExisting', names[2])
  await child.keeps('guard2', 'mutex2', 'lockSync', { timeout: 5000 })
  t.true(await child.gets('guard2', 'abandoned'))
  await child.child.kill()
  for (const one of kept) {
    const guard = one.lockSync({ timeout: 5000 })
    t.true(guard.abandoned)
    guard.release()
    one.withLockSync(({ abandoned }) => t.false(abandoned), { timeout: 5000 })
  }
})

const kinds = {
  shared_memory: {
    create: (id) => MmFile.createNew(1000, { id }),
    open: (id) => MmFile.openExisting(id),
    openOrCreate: (id) => MmFile.createOrOpen(id, 1000),
  },
  named_mutex: {
    open: (id) => NamedMutex.openExisting(id),
    openOrCreate: (id) => NamedMutex.open(id),
  },
}

for (const [kind, { create, open, openOrCreate }] of Object.entries(kinds)) {
  test(`${kind}: create_then_open_then_open_or_create`, (t) => {
    const id = uniqueId('creation')
    const first = closing(t, (create ?? openOrCreate)(id))
    const others = [open(id), openOrCreate(id)].map((one) => closing(t, one))
    t.deepEqual(
      [first, ...others].map(({ isCreator }) => isCreator),
      [true, false, false],
    )
  })

  test(`${kind}: open_or_create_then_create`, (t) => {
    const id = uniqueId('creation')
    t.true(closing(t, openOrCreate(id)).isCreator)
    if (create) refuses(t, () => create(id), 'ERR_MMFILE_EXISTS')
    t.false(closing(t, openOrCreate(id)).isCreator)
  })

  test(`${kind}: dont_create_and_open`, (t) => {
    refuses(t, () => open(uniqueId('creation')), 'ERR_MMFILE_NOT_FOUND')
  })
}

test('shared_memory_mapping_test: a pattern over several pages, by two handles and by one that reads', (t) => {
  const size = 99_999
  const pattern = Uint8Array.from({ length: size }, (_, at) => at)
  const file = create(t, 4 * size + 16)
  const halves = [open(t, file), open(t, file)]
  for (const [at, half] of halves.entries()) t.is(half.append(pattern), at)
  for (const handle of [file, open(t, file), open(t, file, { access: 'read' })]) {
    for (const index of [0, 1]) {
      t.true(Buffer.from(pattern).equals(handle.readBytes(index)))
      t.true(Buffer.from(pattern).equals(handle.view(index)))
    }
  }
})

test('mapped_file_test: create, open, and open or create, of a file on disk', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mmfile-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const path = join(dir, 'mapped')
  refuses(t, () => MmFile.openFile(path), 'ERR_MMFILE_NOT_FOUND')
  const file = closing(t, MmFile.createFile(path, 1000))
  refuses(t, () => MmFile.createFile(path, 1000), 'ERR_MMFILE_EXISTS')
  file.append('x')
  t.is(closing(t, MmFile.openFile(path)).read(0), 'x')
})
