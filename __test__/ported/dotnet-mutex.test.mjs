// The behaviour that .NET's tests of Mutex ask for, named ones and abandoned ones among them, asked of
// NamedMutex. A title begins with the name of the case; docs/ported-suites.md lists them all, and those
// that do not apply.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { MmFile, NamedMutex } from 'mmfile'
import { actor } from '../support/actors.mjs'
import { start } from '../support/child.mjs'
import { closing, left, overwrite, refuses, rounds, shm, uniqueId } from '../support/files.mjs'
import { locksName } from '../support/name-lock.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip
const hasPython = spawnSync('python3', ['--version']).status === 0
const mutex = (t, name = uniqueId('net')) => closing(t, NamedMutex.open(name))
const long = { timeout: 20_000 }

/** Another process with the mutex of that name. */
async function other(t, name) {
  const one = await actor(t)
  await one.keeps('mutex', 'NamedMutex', 'openExisting', name)
  return one
}

test('ConstructorAndDisposeTest', (t) => {
  const one = mutex(t)
  one.lockSync({ timeout: 0 }).release()
  one.close()
  refuses(t, () => one.lockSync({ timeout: 0 }), 'ERR_MMFILE_CLOSED')
  const owned = mutex(t)
  const guard = owned.lockSync()
  owned.close()
  t.notThrows(() => guard.release())
  refuses(t, () => owned.tryLock(), 'ERR_MMFILE_CLOSED')
})

test('AcquireAndReleaseTest: a guard releases once, and a held mutex is not taken again', (t) => {
  const one = mutex(t)
  const first = one.lockSync({ timeout: 0 })
  refuses(t, () => one.lockSync({ timeout: 0 }), 'ERR_MMFILE_LOCK_HELD')
  first.release()
  const second = one.lockSync({ timeout: 0 })
  first.release()
  refuses(t, () => one.tryLock(), 'ERR_MMFILE_LOCK_HELD', 'the second still holds it')
  second.release()
  t.truthy(one.tryLock())
})

test('WaitTest', async (t) => {
  const one = mutex(t)
  for (const wait of [() => one.lockSync(), () => one.lock(), () => one.tryLock()]) {
    const guard = await wait()
    t.false(guard.abandoned)
    guard.release()
  }
})

test('MutualExclusionTest', async (t) => {
  const name = uniqueId('net')
  const one = mutex(t, name)
  const holder = await other(t, name)
  t.true(await holder.keeps('guard', 'mutex', 'lockSync', { timeout: 0 }))
  t.is(one.tryLock(), undefined)
  refuses(t, () => one.lockSync({ timeout: 50 }), 'ERR_MMFILE_TIMEOUT')
  await holder.does('guard', 'release')
  t.truthy(one.lockSync({ timeout: 0 }))
})

test('Ctor_InvalidNames_Unix, OpenExisting_InvalidNames', (t) => {
  const invalid = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' }
  for (const open of [NamedMutex.open, NamedMutex.openExisting]) {
    for (const name of ['', 'a'.repeat(1000), 'Foo/Bar', 'Foo\\Bar', 'Global\\Foo/Bar']) {
      t.throws(() => open(name), invalid)
    }
    t.throws(() => open(null), { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' })
  }
})

test('Ctor_ValidName', (t) => {
  for (const name of [uniqueId('net'), crypto.randomUUID().replaceAll('-', ''), 'x'.repeat(64)]) {
    t.deepEqual([mutex(t, name).isCreator, mutex(t, name).isCreator], [true, false])
  }
})

test('NameUsedByOtherSynchronizationPrimitive_Windows: a file and a mutex of one name are two things', (t) => {
  const name = uniqueId('net')
  const file = closing(t, MmFile.createNew(64, { id: name }))
  refuses(t, () => NamedMutex.openExisting(name), 'ERR_MMFILE_NOT_FOUND')
  const guard = mutex(t, name).lockSync()
  t.is(file.append('not locked by it'), 0)
  guard.release()
})

test('OpenExisting', async (t) => {
  const name = uniqueId('net')
  refuses(t, () => NamedMutex.openExisting(name), 'ERR_MMFILE_NOT_FOUND')
  const one = mutex(t, name)
  const two = await other(t, name)
  const guard = one.lockSync()
  t.false(await two.keeps('guard', 'mutex', 'tryLock'))
  guard.release()
  t.true(await two.keeps('guard', 'mutex', 'lockSync'))
  t.is(one.tryLock(), undefined)
  await two.does('guard', 'release')
  closing(t, NamedMutex.openExisting(name))
})

test('OpenExisting_UnavailableName', (t) => {
  const name = uniqueId('net')
  refuses(t, () => NamedMutex.openExisting(name), 'ERR_MMFILE_NOT_FOUND')
  NamedMutex.open(name).close()
  refuses(t, () => NamedMutex.openExisting(name), 'ERR_MMFILE_NOT_FOUND')
})

for (const during of [false, true]) {
  for (const how of ['lockSync', 'lock', 'tryLock']) {
    if (during && how === 'tryLock') continue // it does not wait
    for (const end of ['killed', 'exited']) {
      const when = during ? 'during the wait' : 'before the wait'
      test(`AbandonExisting, WaitOne: by ${how}, a holder that is ${end} ${when}`, async (t) => {
        const name = uniqueId('net')
        const one = mutex(t, name)
        const holder = await other(t, name)
        await holder.keeps('guard', 'mutex', 'lockSync')
        const finish = () => (end === 'killed' ? holder.child.kill() : holder.exits())
        if (!during) await finish()
        const waiter = await other(t, name)
        const args = how === 'tryLock' ? [] : [long]
        waiter.begins([{ on: 'mutex', call: how, args, keep: 'guard' }])
        if (during) {
          await sleep(50)
          await finish()
        }
        t.falsy((await waiter.ends())[0].error)
        t.true(await waiter.gets('guard', 'abandoned'))
        await waiter.does('guard', 'release')
        t.false(one.withLockSync(({ abandoned }) => abandoned))
      })
    }
  }
}

test('AbandonExisting: a thread that ends, in a process that keeps running', async (t) => {
  const name = uniqueId('net')
  const one = mutex(t, name)
  const program = `
    const { NamedMutex } = require(${JSON.stringify(fileURLToPath(import.meta.resolve('mmfile')))})
    const { parentPort, workerData } = require('node:worker_threads')
    const mutex = NamedMutex.open(workerData)
    globalThis.guard = mutex.lockSync()
    parentPort.postMessage('locked')
    parentPort.once('message', () => {})`
  const worker = new Worker(program, { eval: true, workerData: name })
  await new Promise((resolve) => worker.once('message', resolve))
  t.is(one.tryLock(), undefined)
  await worker.terminate()
  t.truthy(one.lockSync(long))
})

test('CrossProcess_NamedMutex_ProtectedFileAccessAtomic', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mmfile-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const path = join(dir, 'number')
  writeFileSync(path, '0')
  const name = uniqueId('net')
  const one = mutex(t, name)
  const child = start(t, 'ported', 'increment', [name, path, 10])
  for (let round = 0; round < 10; round += 1) {
    const guard = await one.lock(long)
    const number = Number(readFileSync(path, 'utf8'))
    await sleep(5)
    writeFileSync(path, `${number + 1}`)
    guard.release()
  }
  t.is(await child.next(), 'done')
  t.is(readFileSync(path, 'utf8'), '20')
})

test('NamedMutex_ThreadExitDisposeRaceTest: the last handle closes while the holder ends', async (t) => {
  for (let round = 0; round < rounds(5); round += 1) {
    const name = uniqueId('net')
    const one = NamedMutex.open(name)
    const holder = await other(t, name)
    await holder.keeps('guard', 'mutex', 'lockSync')
    const ended = round % 2 ? holder.child.kill() : holder.exits()
    one.close()
    await ended
    const fresh = NamedMutex.open(name)
    t.true(fresh.isCreator)
    t.false(fresh.lockSync({ timeout: 0 }).abandoned)
    fresh.close()
    t.deepEqual(left(name), [])
  }
})

test('NamedMutex_DisposeWhenLockedRaceTest: made, locked and closed by several at once', async (t) => {
  const names = [uniqueId('net'), uniqueId('net')]
  const children = [1, 2, 3].map(() => start(t, 'ported', 'openLockClose', [rounds(150), ...names]))
  for (const child of children) t.deepEqual(await child.next(), { failures: [] })
  for (const name of names) t.deepEqual(left(name), [])
})

const headers = {
  NamedMutex_InvalidSharedMemoryHeaderVersion: ['ERR_MMFILE_INCOMPATIBLE', 8, [99, 0, 0, 0]],
  NamedMutex_InvalidSharedMemoryHeaderKind: ['ERR_MMFILE_ACCESS', 0, [1, 2, 3, 4]],
}

for (const [name, [code, offset, bytes]] of Object.entries(headers)) {
  onLinux(name, (t) => {
    const id = uniqueId('net')
    const path = shm(`mmfile-mutex-${id}`)
    const one = mutex(t, id)
    const before = overwrite(path, offset, bytes)
    refuses(t, () => NamedMutex.open(id), code)
    refuses(t, () => NamedMutex.openExisting(id), code)
    overwrite(path, offset, before)
    one.withLockSync(() => {})
    t.false(mutex(t, id).isCreator)
  })
}

onLinux('NamedMutex_TooSmallSharedMemoryFile', (t) => {
  const id = uniqueId('net')
  const path = shm(`mmfile-mutex-${id}`)
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  for (const size of [1, 4095]) {
    writeFileSync(path, Buffer.alloc(size, 1), { mode: 0o600 })
    for (const open of [NamedMutex.open, NamedMutex.openExisting]) {
      refuses(t, () => open(id), 'ERR_MMFILE_ACCESS')
    }
    rmSync(path)
  }
  mkdirSync(path)
  refuses(t, () => NamedMutex.openExisting(id), 'ERR_MMFILE_ACCESS')
})

;(hasPython ? onLinux : test.skip)(
  'NamedMutex_SharedMemoryFileAlreadyOpen: another process is about to remove it',
  async (t) => {
    const id = uniqueId('net')
    const prefix = `${id}-` // where no other test sweeps
    const path = shm(`${prefix}${id}`)
    const dead = await actor(t)
    await dead.keeps('mutex', 'NamedMutex', 'open', id, { prefix })
    await dead.child.kill()
    const holder = await locksName(t, path)
    const waiter = await actor(t)
    waiter.begins([{ on: 'NamedMutex', call: 'open', args: [id, { prefix }], keep: 'mutex' }])
    await sleep(100)
    await holder.lets_go()
    t.falsy((await waiter.ends())[0].error, 'it waits until it is done')
    t.true(await waiter.gets('mutex', 'isCreator'))
    await waiter.exits()
  },
)
