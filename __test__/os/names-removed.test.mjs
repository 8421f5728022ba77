// Another program, such as one that cleans up a folder, removes the name of an open object: a process
// that waits for its lock gets an error, since the next process that opens the name gets another
// object.

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MmFile, NamedMutex, remove } from 'mmfile'
import { actor, onLinux } from '../support/actors.mjs'
import { closing, create, folder, open, refuses, rejects, uniqueId } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

/** Removes everything in a folder. */
function clean(t, directory, count) {
  const names = readdirSync(directory)
  t.is(names.length, count)
  for (const name of names) rmSync(join(directory, name))
}

/** Checks that each way to get a lock that another process has says that the name is gone. */
async function lost(t, lock) {
  for (const timeout of [undefined, 60_000]) {
    const started = performance.now()
    const error = await rejects(t, lock.lock({ timeout }), 'ERR_MMFILE_NOT_FOUND')
    t.regex(error.message, /name/)
    const sync = lock.lockSync ? () => lock.lockSync({ timeout: 60_000 }) : () => lock.append('x')
    refuses(t, sync, 'ERR_MMFILE_NOT_FOUND')
    t.true(performance.now() - started < PROMPT)
  }
}

onLinux('a mutex', async (t) => {
  const directory = folder(t)
  const name = uniqueId('removed')
  const mutex = closing(t, NamedMutex.open(name, { directory }))
  const [one, two] = [await actor(t), await actor(t)]
  for (const each of [one, two]) {
    await each.keeps('mutex', 'NamedMutex', 'openExisting', name, { directory })
  }
  await one.keeps('guard', 'mutex', 'lockSync')
  clean(t, directory, 1)
  await lost(t, mutex)
  for (const call of ['lock', 'lockSync']) {
    t.is((await two.tries('mutex', call, {})).error?.code, 'ERR_MMFILE_NOT_FOUND')
  }
  t.is(mutex.tryLock(), undefined, 'it need not sleep to know that it is held')
  // The holder can still release it, and a free lock can still be taken.
  await one.does('guard', 'release')
  mutex.lockSync().release()
  // By that name there is another one from now on.
  const fresh = closing(t, NamedMutex.open(name, { directory }))
  t.true(fresh.isCreator)
  const guard = mutex.tryLock()
  fresh.lockSync().release()
  guard.release()
  mutex.close()
  await one.exits()
  await two.exits()
  t.is(readdirSync(directory).length, 1, 'closing the old one removes nothing of the new one')
})

onLinux('one that is waited for when its name goes', async (t) => {
  const directory = folder(t)
  const name = uniqueId('removed')
  const mutex = closing(t, NamedMutex.open(name, { directory }))
  const one = await actor(t)
  await one.keeps('mutex', 'NamedMutex', 'open', name, { directory })
  await one.keeps('guard', 'mutex', 'lockSync')
  const wait = rejects(t, mutex.lock(), 'ERR_MMFILE_NOT_FOUND')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const started = performance.now()
  clean(t, directory, 1)
  await wait
  t.true(performance.now() - started < PROMPT)
})

for (const lifetime of ['last-process', 'creator']) {
  onLinux(`a file whose lifetime is '${lifetime}'`, async (t) => {
    const directory = folder(t)
    const file = create(t, 4096, { directory, lifetime })
    const reader = open(t, file, { directory, access: 'read' })
    const one = await actor(t)
    await one.keeps('file', 'MmFile', 'openExisting', file.id, { directory })
    await one.keeps('guard', 'file', 'tryLock')
    await one.does('file', 'append', 'inside')
    clean(t, directory, 1)
    await lost(t, file)
    refuses(t, () => file.seal(), 'ERR_MMFILE_NOT_FOUND')
    refuses(t, () => file.withLockSync(() => {}), 'ERR_MMFILE_NOT_FOUND')
    t.deepEqual([...reader], ['inside'], 'what takes no lock goes on')
    await one.does('guard', 'release')
    t.is(file.append('after'), 1)
    refuses(t, () => MmFile.openExisting(file.id, { directory }), 'ERR_MMFILE_NOT_FOUND')
    const fresh = create(t, 100, { id: file.id, directory })
    t.is(fresh.length, 0)
    file.close()
    await one.exits()
    t.deepEqual(readdirSync(directory), [`mmfile-data-${file.id}`])
  })
}

for (const how of ['its creator closed it in order', 'remove() did it']) {
  onLinux(`a file whose name is gone because ${how} keeps working, locked or not`, async (t) => {
    const directory = folder(t)
    const creator = await actor(t)
    await creator.keeps('file', 'MmFile', 'createNew', 4096, { directory })
    const id = await creator.gets('file', 'id')
    const file = closing(t, MmFile.openExisting(id, { directory, lockTimeout: 200 }))
    const one = await actor(t)
    await one.keeps('file', 'MmFile', 'openExisting', id, { directory })
    await one.keeps('guard', 'file', 'tryLock')
    if (how === 'remove() did it') remove(id, { directory })
    else await creator.does('file', 'close')
    t.deepEqual(readdirSync(directory), [])
    refuses(t, () => file.append('x'), 'ERR_MMFILE_TIMEOUT')
    await rejects(t, file.lock({ timeout: 200 }), 'ERR_MMFILE_TIMEOUT')
    const wait = file.lock()
    await one.does('file', 'append', 'inside')
    await one.does('guard', 'release')
    const guard = await wait
    t.is(file.append('after'), 1)
    guard.release()
    t.deepEqual(await one.does('actor', 'texts', 'file'), ['inside', 'after'])
  })
}
