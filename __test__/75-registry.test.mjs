// Somebody who has the registry of names, or a name that is just being made, and does not go on.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { actor, newUser, shm, withUsers } from './support/actors.mjs'
import { left, uniqueId } from './support/files.mjs'

/** Another program of that user that takes a lock as soon as there is something to lock, and keeps it. */
async function holds(t, path, user, { make } = {}) {
  const wait = make ? '' : 'until [ -e "$0" ]; do :; done; '
  const program = `umask 077; ${wait}exec flock -x -F "$0" sh -c 'echo has it; exec sleep 60'`
  const child = spawn('sh', ['-c', program, path], { uid: user, gid: user })
  t.teardown(() => child.kill('SIGKILL'))
  if (make) await once(child.stdout, 'data')
  return {
    child,
    async lets_go() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** Has the registry of a user, who has made something before. */
async function stoppedWithRegistry(t, user) {
  const registry = shm(`mmfile-registry-${user}`)
  t.teardown(() => rmSync(registry, { force: true }))
  return holds(t, registry, user, { make: true })
}

withUsers('somebody stopped with the registry: timeouts hold', async (t) => {
  const user = newUser(t)
  const one = await actor(t, { user })
  await one.keeps('file', 'MmFile', 'createNew', 4096, { id: uniqueId('registry') })
  const holder = await stoppedWithRegistry(t, user)
  for (const call of [
    ['createNew', 64, { lockTimeout: 200 }],
    ['createOrOpen', uniqueId(), 64, { lockTimeout: 200 }],
  ]) {
    const { error, ms } = await one.tries('MmFile', ...call)
    t.is(error?.code, 'ERR_MMFILE_TIMEOUT')
    t.true(ms >= 199 && ms < 1500, `${ms} ms`)
  }
  t.is(await one.does('file', 'append', 'goes on'), 0)
  await holder.lets_go()
  t.true(await one.keeps('new', 'MmFile', 'createNew', 64))
  await one.exits()
})

withUsers(
  'a file that its creator closes meanwhile has ended, and its names go later',
  async (t) => {
    const user = newUser(t)
    const [creator, peer] = [await actor(t, { user }), await actor(t, { user })]
    const id = uniqueId('ended')
    await creator.keeps('file', 'MmFile', 'createNew', 4096, { id })
    await peer.keeps('file', 'MmFile', 'openExisting', id)
    const holder = await stoppedWithRegistry(t, user)
    const { error, ms } = await creator.tries('file', 'close')
    t.is(error, undefined)
    t.true(ms < 3000, `${ms} ms`)
    t.is((await peer.tries('MmFile', 'openExisting', id)).error?.code, 'ERR_MMFILE_NOT_FOUND')
    t.deepEqual(await peer.does('MmFile', 'list'), [])
    t.is(left(id).length, 2)
    await holder.lets_go()
    // Whoever has it open goes on, and its id is free for another one.
    t.is(await peer.does('file', 'append', 'still here'), 0)
    t.true(await creator.keeps('again', 'MmFile', 'createNew', 64, { id }))
    t.is((await creator.does('MmFile', 'list')).length, 1)
    t.deepEqual(await peer.does('actor', 'texts', 'file'), ['still here'])
    await creator.exits()
    await peer.exits()
    t.deepEqual(left(id), [])
  },
)

withUsers('the same with a sweep instead of another file of that id', async (t) => {
  const user = newUser(t)
  const [creator, peer] = [await actor(t, { user }), await actor(t, { user })]
  const id = uniqueId('swept')
  await creator.keeps('file', 'MmFile', 'createNew', 4096, { id })
  await peer.keeps('file', 'MmFile', 'openExisting', id)
  const holder = await stoppedWithRegistry(t, user)
  await creator.does('file', 'close')
  await holder.lets_go()
  t.deepEqual(await peer.does('MmFile', 'sweep'), [id])
  t.deepEqual(left(id), [])
  t.is(await peer.does('file', 'append', 'still here'), 0)
  await peer.exits()
})

withUsers('an exit with many open files waits for the registry as long as for one', async (t) => {
  const user = newUser(t)
  const one = await actor(t, { user })
  const id = uniqueId('many')
  for (let number = 0; number < 8; number += 1) {
    await one.keeps(`file ${number}`, 'MmFile', 'createNew', 64, { id: `${id}-${number}` })
  }
  await one.keeps('mutex', 'NamedMutex', 'open', id)
  const holder = await stoppedWithRegistry(t, user)
  const started = performance.now()
  await one.exits()
  const taken = performance.now() - started
  t.true(taken > 1500 && taken < 4000, `${taken} ms`)
  await holder.lets_go()
  const heir = await actor(t, { user })
  t.is((await heir.does('MmFile', 'sweep')).length, 8)
  t.deepEqual(left(id), [])
  await heir.exits()
})

withUsers(
  'somebody who looks at a new file and is stopped holds up nobody for longer',
  async (t) => {
    const user = newUser(t)
    const one = await actor(t, { user })
    let hits = 0
    for (let attempt = 0; attempt < 200 && hits < 3; attempt += 1) {
      const id = uniqueId('looked-at')
      const looker = await holds(t, shm(`mmfile-lock-${id}`), user)
      const { error, ms } = await one.tries('MmFile', 'createNew', 64, { id, lockTimeout: 200 })
      t.true(ms < 1500, `${ms} ms`)
      if (error) {
        hits += 1
        t.is(error.code, 'ERR_MMFILE_TIMEOUT')
        t.true(ms >= 199, `${ms} ms`)
        t.true(await one.keeps('other', 'MmFile', 'createNew', 64))
      } else {
        t.true(existsSync(shm(`mmfile-lock-${id}`)))
      }
      await looker.lets_go()
      // Nothing is left of what could not be made.
      if (error) t.deepEqual(left(id), [])
    }
    t.log(`met ${hits} times`)
    await one.exits()
  },
)
