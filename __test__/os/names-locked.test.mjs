// Another process has a name locked, as one has that is about to remove it, and does not go on.

import { spawnSync } from 'node:child_process'
import { actor, newUser, withUsers } from '../support/actors.mjs'
import { left, objectOf, shm, uniqueId } from '../support/files.mjs'
import { locksName } from '../support/name-lock.mjs'
import { PROMPT } from '../support/time.mjs'

const here = spawnSync('python3', ['--version']).status === 0

/** A test with its own users, whose other program is in Python. */
function withProgram(title, act) {
  withUsers(title, async (t) => {
    if (here) return act(t)
    t.log('there is no Python')
    t.pass()
  })
}

/** Checks that a call timed out, and after which time. */
function timedOut(t, { error, ms }, what) {
  t.is(error?.code, 'ERR_MMFILE_TIMEOUT', what)
  t.true(ms >= 199 && ms < PROMPT, `${what}: ${ms} ms`)
}

withProgram(
  'stopped while it removes a file of the dead: timeouts hold for that name',
  async (t) => {
    const user = newUser(t)
    const id = uniqueId('locked')
    const dead = await actor(t, { user })
    await dead.keeps('file', 'MmFile', 'createNew', 4096, { id })
    await dead.child.kill()
    const holder = await locksName(t, objectOf({ id }), { user })
    const one = await actor(t, { user })
    for (const call of [
      ['createNew', 64, { id, lockTimeout: 200 }],
      ['createOrOpen', id, 64, { lockTimeout: 200 }],
      ['openExisting', id, { lockTimeout: 200 }],
    ]) {
      timedOut(t, await one.tries('MmFile', ...call), call[0])
    }
    // No other name has to do with it.
    const { error, ms } = await one.tries('MmFile', 'createNew', 64)
    t.is(error, undefined)
    t.true(ms < PROMPT, `${ms} ms`)
    t.deepEqual(await one.does('mmfile', 'sweep'), [])
    await holder.lets_go()
    t.is((await one.tries('MmFile', 'openExisting', id)).error?.code, 'ERR_MMFILE_NOT_FOUND')
    t.true(await one.keeps('new', 'MmFile', 'createNew', 64, { id }))
    await one.exits()
    t.deepEqual(left(id), [])
  },
)

withProgram('the same with a mutex', async (t) => {
  const user = newUser(t)
  const name = uniqueId('locked')
  const dead = await actor(t, { user })
  await dead.keeps('mutex', 'NamedMutex', 'open', name)
  await dead.child.kill()
  const holder = await locksName(t, shm(`mmfile-mutex-${name}`), { user })
  const one = await actor(t, { user })
  for (const open of ['open', 'openExisting']) {
    timedOut(t, await one.tries('NamedMutex', open, name, { lockTimeout: 200 }), open)
  }
  await holder.lets_go()
  t.true(await one.keeps('mutex', 'NamedMutex', 'open', name))
  t.true(await one.gets('mutex', 'isCreator'))
  await one.exits()
  t.deepEqual(left(name), [])
})

for (const then of ['another file of that id', 'a sweep']) {
  withProgram(
    `a file that its creator closes meanwhile has ended; its name goes with ${then}`,
    async (t) => {
      const user = newUser(t)
      const [creator, peer] = [await actor(t, { user }), await actor(t, { user })]
      const id = uniqueId('ended')
      await creator.keeps('file', 'MmFile', 'createNew', 4096, { id })
      await peer.keeps('file', 'MmFile', 'openExisting', id)
      const holder = await locksName(t, objectOf({ id }), { user, alone: true })
      const { error, ms } = await creator.tries('file', 'close')
      t.is(error, undefined)
      t.true(ms < PROMPT, `${ms} ms`)
      const late = await peer.tries('MmFile', 'openExisting', id, { lockTimeout: 200 })
      t.true(['ERR_MMFILE_NOT_FOUND', 'ERR_MMFILE_TIMEOUT'].includes(late.error?.code))
      t.deepEqual(await peer.does('mmfile', 'list'), [])
      t.is(left(id).length, 1)
      await holder.lets_go()
      // A process that has it open continues, and its id is free for another one.
      t.is(await peer.does('file', 'append', 'still here'), 0)
      if (then === 'a sweep') {
        t.deepEqual(await peer.does('mmfile', 'sweep'), [], 'it was not stale')
      } else {
        t.true(await creator.keeps('again', 'MmFile', 'createNew', 64, { id }))
        t.is((await creator.does('mmfile', 'list')).length, 1)
      }
      t.deepEqual(await peer.does('actor', 'texts', 'file'), ['still here'])
      await creator.exits()
      if (then === 'a sweep') t.deepEqual(left(id), [])
      await peer.exits()
      t.deepEqual(left(id), [])
    },
  )
}

withProgram('an exit with many open files waits for none of their names', async (t) => {
  const user = newUser(t)
  const one = await actor(t, { user })
  const id = uniqueId('many')
  const holders = []
  for (let number = 0; number < 8; number += 1) {
    const each = { id: `${id}-${number}` }
    await one.keeps(`file ${number}`, 'MmFile', 'createNew', 64, each)
    holders.push(await locksName(t, objectOf(each), { user, alone: true }))
  }
  await one.keeps('mutex', 'NamedMutex', 'open', id)
  const started = performance.now()
  await one.exits()
  const taken = performance.now() - started
  t.true(taken < PROMPT, `${taken} ms`)
  t.is(left(id).length, 8, 'the mutex is gone')
  for (const holder of holders) await holder.lets_go()
  const heir = await actor(t, { user })
  t.deepEqual(await heir.does('mmfile', 'sweep'), [], 'they have ended')
  t.deepEqual(left(id), [])
  await heir.exits()
})
