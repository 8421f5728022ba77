// NamedMutex: the lock on its own.

import { inspect } from 'node:util'
import test from 'ava'
import { NamedMutex } from 'mmfile'
import { start } from '../support/child.mjs'
import { closing, create, left, refuses, rejects, rounds, uniqueId } from '../support/files.mjs'

function mutex(t, name) {
  return closing(t, NamedMutex.open(name))
}

test('open makes it or finds it; openExisting only finds it', (t) => {
  const name = uniqueId('mutex')
  refuses(t, () => NamedMutex.openExisting(name), 'ERR_MMFILE_NOT_FOUND')
  const first = mutex(t, name)
  const second = closing(t, NamedMutex.openExisting(name))
  t.deepEqual([first.isCreator, second.isCreator, first.name], [true, false, name])
  first.close()
  first.close()
  t.true(first.closed)
  t.false(mutex(t, name).isCreator, 'it exists as long as any handle is open')
})

test('its options', (t) => {
  const name = uniqueId('mutex')
  const prefix = uniqueId('prefix-')
  const first = closing(t, NamedMutex.open(name, { prefix, lockTimeout: 100 }))
  t.true(first.isCreator)
  refuses(t, () => NamedMutex.openExisting(name), 'ERR_MMFILE_NOT_FOUND')
  t.false(closing(t, NamedMutex.openExisting(name, { prefix })).isCreator)
  t.true(mutex(t, name).isCreator, 'by the default prefix it is another one')
  if (process.platform === 'linux') {
    t.deepEqual(left(name).sort(), [`mmfile-mutex-${name}`, prefix + name].sort())
  }
  const empty = closing(t, NamedMutex.open(name, { prefix: '' }))
  t.true(empty.isCreator)
  const uuid = crypto.randomUUID()
  const braced = mutex(t, `{${uuid.toUpperCase()}}`)
  t.is(braced.name, uuid, 'the name is as every process sees it')
  t.false(mutex(t, uuid).isCreator)
  for (const open of [NamedMutex.open, NamedMutex.openExisting]) {
    t.throws(() => open(name, null), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => open(name, { prefix: 5 }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => open(name, { prefix: 'a/b' }), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => open(name, { prefix: 'x'.repeat(65) }), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => open(name, { directory: 5 }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => open(name, { directory: '' }), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => open(name, { lockTimeout: -1 }), { code: 'ERR_OUT_OF_RANGE' })
  }
})

test('nothing is left when the last one has closed it', (t) => {
  const name = uniqueId('mutex')
  const first = mutex(t, name)
  const second = mutex(t, name)
  if (process.platform === 'linux') t.is(left(name).length, 1)
  first.close()
  second.close()
  t.deepEqual(left(name), [])
})

test('console.log of a mutex shows its state, before and after', (t) => {
  const mutex = NamedMutex.open(uniqueId('shown'))
  t.is(inspect(mutex), `NamedMutex { name: '${mutex.name}', isCreator: true }`)
  mutex.close()
  t.true(inspect(mutex).includes('closed: true'))
  t.notThrows(() => inspect(NamedMutex.prototype))
})

test('it is not re-entrant, on any handle of the thread', async (t) => {
  const name = uniqueId('mutex')
  const first = mutex(t, name)
  const second = mutex(t, name)
  const guard = first.lockSync()
  refuses(t, () => first.lockSync(), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => first.tryLock(), 'ERR_MMFILE_LOCK_HELD')
  await rejects(t, first.lock(), 'ERR_MMFILE_LOCK_HELD')
  refuses(t, () => second.lockSync(), 'ERR_MMFILE_LOCK_HELD')
  guard.release()
  const other = await second.lock()
  t.is(first.tryLock(), undefined)
  refuses(t, () => first.lockSync({ timeout: 20 }), 'ERR_MMFILE_LOCK_HELD')
  other.release()
  t.is(
    first.withLockSync(() => 'inside'),
    'inside',
  )
})

test('withLock releases after a value, an exception and a promise, and an exception abandons', async (t) => {
  const name = uniqueId('mutex')
  const first = mutex(t, name)
  const second = mutex(t, name)
  const boom = () => {
    throw new Error('boom')
  }
  t.throws(() => first.withLockSync(boom), { message: 'boom' })
  const slow = first.withLock(async (guard) => {
    t.true(guard.abandoned)
    await new Promise(setImmediate)
    t.is(second.tryLock(), undefined)
    return 5
  })
  t.is(await slow, 5)
  await t.throwsAsync(
    first.withLock(async () => boom()),
    { message: 'boom' },
  )
  t.true(second.withLockSync((guard) => guard.abandoned))
  t.false(second.withLockSync((guard) => guard.abandoned))
})

test('a dead holder abandons it', async (t) => {
  for (const how of ['lock', 'lockSync']) {
    const name = uniqueId('mutex')
    const survivor = mutex(t, name)
    for (let round = 0; round < rounds(5); round += 1) {
      const holder = start(t, 'peers', 'holdMutex', [name, how])
      t.deepEqual(await holder.next(), { abandoned: false, created: false })
      t.is(survivor.tryLock(), undefined)
      await holder.kill()
      const guard = survivor.lockSync({ timeout: 1000 })
      t.true(guard.abandoned, how)
      guard.release()
    }
  }
})

test('one whose every holder died is gone', async (t) => {
  const name = uniqueId('mutex')
  const holder = start(t, 'peers', 'holdMutex', [name, 'lockSync'])
  t.true((await holder.next()).created)
  await holder.kill()
  refuses(t, () => NamedMutex.openExisting(name), 'ERR_MMFILE_NOT_FOUND')
  const fresh = mutex(t, name)
  t.true(fresh.isCreator)
  t.false(fresh.lockSync().abandoned)
})

test('it excludes processes from one another, on and off the main thread', async (t) => {
  const name = uniqueId('mutex')
  const file = create(t, 1 << 18, { synchronized: true })
  const times = rounds(300)
  const counters = [1, 2, 3, 4].map(() =>
    start(t, 'peers', 'countUnderMutex', [name, file.id, times]),
  )
  for (const counter of counters) t.is(await counter.next(), 'done')
  t.is(file.length, 4 * times)
  t.true([...file].every((value, index) => value === `${index}`))
})

test('wrong names and calls after close are errors', async (t) => {
  for (const name of [undefined, 5, null]) {
    t.throws(() => NamedMutex.open(name), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  for (const name of ['', 'a/b', '..', 'x'.repeat(65), 'ä']) {
    t.throws(() => NamedMutex.open(name), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => NamedMutex.openExisting(name), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  t.throws(() => new NamedMutex(), { instanceOf: TypeError })
  const gone = mutex(t, uniqueId('mutex'))
  const guard = gone.lockSync()
  gone.close()
  guard.release()
  refuses(t, () => gone.lockSync(), 'ERR_MMFILE_CLOSED')
  refuses(t, () => gone.tryLock(), 'ERR_MMFILE_CLOSED')
  await rejects(t, gone.lock(), 'ERR_MMFILE_CLOSED')
  t.throws(() => structuredClone(gone), { any: true, name: 'DataCloneError', message: /its name/ })
})

// The kernel lets go 2048 locks of a thread that dies, and no more.
const alone = process.platform === 'linux' ? test.serial : test.serial.skip

alone('more locks than would be let go at a death are refused', (t) => {
  const name = uniqueId('many')
  const guards = []
  const next = () => mutex(t, `${name}-${guards.length}`).tryLock()
  t.teardown(() => {
    for (const guard of guards) guard.release()
  })
  while (guards.length < 2000) guards.push(next())
  t.true(guards.every(Boolean))
  refuses(t, next, 'ERR_MMFILE_NO_SPACE')
  guards.pop().release()
  guards.push(next())
  t.truthy(guards.at(-1))
})

test('peers shows which processes have it open, and which one holds it', async (t) => {
  const name = uniqueId('mutex')
  const [first, second] = [mutex(t, name), mutex(t, name)]
  const facts = () =>
    second.peers().map(({ isCreator, self, holdsLock }) => [isCreator, self, holdsLock])
  t.deepEqual(facts(), [
    [true, false, false],
    [false, true, false],
  ])
  const guard = await first.lock()
  t.deepEqual(facts(), [
    [true, false, true],
    [false, true, false],
  ])
  t.is(second.peers()[0].pid, process.pid)
  guard.release()
  second.close()
  refuses(t, () => second.peers(), 'ERR_MMFILE_CLOSED')
})
