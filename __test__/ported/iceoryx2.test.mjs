// The behaviour that iceoryx2's conformance cases ask of shared memory, dynamic storage and the state of
// processes, asked of MmFile, list and sweep. A title begins with the name of the case;
// docs/ported-suites.md lists them all, and those that do not apply.

import { existsSync, rmSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { list, MmFile, remove, sweep } from 'mmfile'
import { actor } from '../support/actors.mjs'
import {
  closing,
  create,
  isThere,
  left,
  objectOf,
  open,
  refuses,
  uniqueId,
} from '../support/files.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip
// There the system ends a file with its last process, and an id is in use until then.
const windows = process.platform === 'win32'
const own = () => ({ data: uniqueId('ice-data-'), mutex: uniqueId('ice-lock-') })

test('shared_memory: size_of_zero_fails', (t) => {
  t.throws(() => MmFile.createNew(0), { code: 'ERR_OUT_OF_RANGE' })
})

test('shared_memory: non_zero_size_works', (t) => {
  const file = create(t, 1024)
  t.is(file.capacity, 1024)
  t.is(open(t, file).capacity, 1024)
})

test('shared_memory: create_after_drop_works', (t) => {
  const id = uniqueId('ice')
  for (let round = 0; round < 3; round += 1) MmFile.createNew(1024, { id }).close()
  t.deepEqual(left(id), [])
})

test('shared_memory: creating_it_twice_fails; dynamic_storage: cannot_create_same_storage_twice', (t) => {
  const file = create(t)
  refuses(t, () => MmFile.createNew(4096, { id: file.id }), 'ERR_MMFILE_EXISTS')
})

test('shared_memory: opening_non_existing_fails; dynamic_storage: open_non_existing_fails', (t) => {
  refuses(t, () => MmFile.openExisting(uniqueId('ice')), 'ERR_MMFILE_NOT_FOUND')
})

test('shared_memory: allocation_with_creator_works, allocation_with_creator_and_client_works', (t) => {
  const file = create(t, 1024)
  const client = open(t, file)
  const views = [file, client, file, client].map((handle, at) => {
    const index = handle.append(new Uint8Array(64).fill(at))
    return handle.view(index)
  })
  for (const [at, view] of views.entries()) {
    t.true(view.every((byte) => byte === at))
    t.deepEqual([...client.view(at)], [...view])
  }
  refuses(t, () => client.append(new Uint8Array(1024)), 'ERR_MMFILE_CAPACITY')
})

test('shared_memory: defaults_for_configuration_are_set_correctly; dynamic_storage: the same', (t) => {
  const file = create(t, 64)
  if (process.platform === 'linux') {
    t.deepEqual(left(file.id), [`mmfile-data-${file.id}`])
  }
  t.deepEqual([file.access, file.synchronized, file.isCreator], ['read-write', true, true])
  const [info] = list().filter(({ id }) => id === file.id)
  t.is(info.lifetime, 'creator')
})

test('shared_memory: shm_does_not_remove_resources_without_ownership; dynamic_storage: create_non_owning_storage_works', (t) => {
  const owner = create(t)
  open(t, owner).close()
  t.true(isThere(owner.id), 'an opener ends nothing')
  const maker = create(t, 4096, { lifetime: 'last-process' })
  const other = open(t, maker)
  maker.append('kept')
  maker.close()
  t.is(open(t, other).read(0), 'kept')
})

test('shared_memory: acquired_ownership_leads_to_cleaned_up_resources; dynamic_storage: acquire_ownership_works', (t) => {
  const maker = create(t, 4096, { lifetime: 'last-process' })
  const last = open(t, maker)
  maker.close()
  last.close()
  t.false(isThere(maker.id))
  t.deepEqual(left(maker.id), [])
})

test('shared_memory: abandoning_keeps_resources_alive; dynamic_storage: abandon_dynamic_storage_keeps_storage_available', async (t) => {
  const id = uniqueId('ice')
  const owner = await actor(t)
  await owner.keeps('file', 'MmFile', 'createNew', 4096, { id })
  await owner.does('file', 'append', 'kept')
  const file = closing(t, MmFile.openExisting(id))
  await owner.child.kill()
  t.is(open(t, file).read(0), 'kept')
  t.is(file.append('goes on'), 1)
})

test('dynamic_storage: create_and_read_works', async (t) => {
  const file = create(t)
  file.append('123')
  const other = await actor(t)
  await other.keeps('file', 'MmFile', 'openExisting', file.id)
  t.is(await other.gets('file', 'id'), file.id)
  t.is(await other.does('file', 'read', 0), '123')
  await other.does('file', 'append', '456')
  t.is(file.read(1), '456')
})

test('dynamic_storage: when_storage_goes_out_of_scope_storage_is_removed', (t) => {
  const file = create(t)
  file[Symbol.dispose]()
  refuses(t, () => MmFile.openExisting(file.id), 'ERR_MMFILE_NOT_FOUND')
})

test('dynamic_storage: after_storage_is_opened_creator_can_be_dropped', (t) => {
  const creator = create(t)
  creator.append('123')
  const other = open(t, creator)
  creator.close()
  t.is(other.read(0), '123')
  t.is(other.append('456'), 1)
  refuses(t, () => MmFile.openExisting(creator.id), 'ERR_MMFILE_NOT_FOUND')
  if (windows) return refuses(t, () => create(t, 64, { id: creator.id }), 'ERR_MMFILE_EXISTS')
  const anew = create(t, 64, { id: creator.id })
  t.deepEqual([anew.length, other.length], [0, 2], 'two files, of which only one has the name')
})

test('dynamic_storage: create_and_multiple_openers_works', (t) => {
  const file = create(t)
  file.append(new Uint8Array([78]))
  const openers = Array.from({ length: 64 }, () => open(t, file))
  t.true(openers.every((one) => one.view(0)[0] === 78))
  openers[0].view(0)[0] = 51
  openers[0].append('all see it')
  t.true([file, ...openers].every((one) => one.view(0)[0] === 51 && one.length === 2))
})

test('dynamic_storage: release_ownership_works, explicit_remove_of_persistent_storage_does_not_call_drop', (t) => {
  const file = create(t, 4096, { lifetime: 'last-process' })
  file.append('9887')
  remove(file.id)
  refuses(t, () => MmFile.openExisting(file.id), 'ERR_MMFILE_NOT_FOUND')
  refuses(t, () => remove(file.id), 'ERR_MMFILE_NOT_FOUND')
  t.is(file.read(0), '9887', 'who has it goes on')
})

test('dynamic_storage: has_ownership_works', (t) => {
  const maker = create(t)
  t.deepEqual([maker.isCreator, open(t, maker).isCreator], [true, false])
})

test('dynamic_storage: initialization_blocks_other_openers: it is there when it is whole', async (t) => {
  const id = uniqueId('ice')
  const maker = await actor(t)
  maker.begins([{ on: 'MmFile', call: 'createNew', args: [64 << 20, { id }], keep: 'file' }])
  let file
  while (file === undefined) {
    await new Promise(setImmediate)
    try {
      file = closing(t, MmFile.openExisting(id))
    } catch (error) {
      t.is(error.code, 'ERR_MMFILE_NOT_FOUND')
    }
  }
  t.deepEqual([file.capacity, file.append(new Uint8Array((64 << 20) - 4))], [64 << 20, 0])
  t.falsy((await maker.ends())[0].error)
  await maker.exits()
})

test('dynamic_storage: create_fails_when_initialization_fails', (t) => {
  const id = uniqueId('ice')
  refuses(t, () => MmFile.createNew(2 ** 50, { id }), 'ERR_MMFILE_NO_SPACE')
  t.deepEqual(left(id), [])
  t.false(isThere(id))
  create(t, 64, { id })
})

test('dynamic_storage: open_or_create_works', (t) => {
  const id = uniqueId('ice')
  const first = closing(t, MmFile.createOrOpen(id, 64))
  first.append('x')
  const second = closing(t, MmFile.createOrOpen(id, 64))
  t.deepEqual([first.isCreator, second.isCreator, second.read(0)], [true, false, 'x'])
})

test('dynamic_storage: dynamic_storage_with_wrong_type_does_not_exist, different_types_are_separated_also_in_list, opening_dynamic_storage_with_wrong_type_fails, removing_dynamic_storage_with_wrong_type_fails', (t) => {
  const id = uniqueId('ice')
  const [ours, theirs] = [own(), own()]
  create(t, 64, { id, prefixes: ours })
  refuses(t, () => MmFile.openExisting(id, { prefixes: theirs }), 'ERR_MMFILE_NOT_FOUND')
  refuses(t, () => remove(id, { prefixes: theirs }), 'ERR_MMFILE_NOT_FOUND')
  t.is(list({ prefixes: ours }).length, 1)
  t.is(list({ prefixes: theirs }).length, 0)
  t.deepEqual(sweep({ prefixes: theirs }), [])
  t.true(isThere(id, { prefixes: ours }))
})

/** Another process with its own file, and the test's record of that file. */
async function guarded(t) {
  const prefixes = own()
  const id = uniqueId('state')
  const guard = await actor(t)
  await guard.keeps('file', 'MmFile', 'createNew', 4096, { id, prefixes, lifetime: 'last-process' })
  const state = () => {
    const [info] = list({ prefixes })
    return info === undefined ? 'does not exist' : info.stale ? 'dead' : 'alive'
  }
  t.teardown(async () => {
    await guard.child.kill()
    sweep({ prefixes })
  })
  return { guard, id, prefixes, state }
}

test('process_state: guard_can_be_created, alive_and_does_not_exist_detection_works, monitor_detects_alive_state_from_existing_process', async (t) => {
  const { guard, state } = await guarded(t)
  t.is(state(), 'alive')
  await guard.does('file', 'close')
  t.is(state(), 'does not exist')
})

test('process_state: guard_cannot_be_created_twice, guard_creating_it_twice_does_not_unlock_guard', async (t) => {
  const { guard, id, prefixes, state } = await guarded(t)
  refuses(t, () => MmFile.createNew(64, { id, prefixes }), 'ERR_MMFILE_EXISTS')
  MmFile.openExisting(id, { prefixes }).close()
  t.is(state(), 'alive', 'who comes and goes does not end it')
  await guard.exits()
  t.is(state(), 'does not exist')
})

onLinux(
  'process_state: guard_cannot_use_already_existing_file, cleaner_cannot_acquire_a_corrupted_process',
  (t) => {
    const id = uniqueId('state')
    const path = objectOf({ id })
    writeFileSync(path, 'of another program', { mode: 0o600 })
    t.teardown(() => rmSync(path, { force: true }))
    refuses(t, () => MmFile.createNew(64, { id }), 'ERR_MMFILE_ACCESS')
    t.false(sweep().some((row) => row.id === id))
    refuses(t, () => remove(id), 'ERR_MMFILE_ACCESS')
    t.true(existsSync(path))
  },
)

test('process_state: monitor_detects_dead_state, monitor_transitions_from_guard_to_cleaner_works, cleaner_removes_state_files_on_drop, abandoning_a_process_guard_results_in_a_dead_process', async (t) => {
  const { guard, id, prefixes, state } = await guarded(t)
  t.is(state(), 'alive')
  await guard.child.kill()
  t.is(state(), windows ? 'does not exist' : 'dead')
  refuses(t, () => MmFile.openExisting(id, { prefixes }), 'ERR_MMFILE_NOT_FOUND')
  sweep({ prefixes })
  t.is(state(), 'does not exist')
  t.deepEqual(left(id), [])
})

test('process_state: monitor_detects_non_existing_state, owner_lock_cannot_be_created_when_process_does_not_exist', (t) => {
  const prefixes = own()
  t.deepEqual(list({ prefixes }), [])
  t.deepEqual(sweep({ prefixes }), [])
  refuses(t, () => remove(uniqueId('state'), { prefixes }), 'ERR_MMFILE_NOT_FOUND')
})

test('process_state: owner_lock_cannot_be_acquired_from_living_process', async (t) => {
  const { guard, id, prefixes, state } = await guarded(t)
  t.deepEqual(sweep({ prefixes }), [])
  t.is(state(), 'alive')
  if (!windows) {
    guard.child.signal('SIGSTOP') // neither does a stopped one count as dead
    t.deepEqual(sweep({ prefixes }), [])
    t.is(state(), 'alive')
    guard.child.signal('SIGCONT')
  }
  t.true(isThere(id, { prefixes }))
})

test('process_state: owner_lock_cannot_be_acquired_twice, cleaner_cannot_be_created_when_another_process_is_currently_cleaning_up', async (t) => {
  const { guard, id, prefixes, state } = await guarded(t)
  const cleaners = [await actor(t), await actor(t), await actor(t)]
  await guard.child.kill()
  for (const one of cleaners) one.begins([{ on: 'mmfile', call: 'sweep', args: [{ prefixes }] }])
  const swept = (await Promise.all(cleaners.map((one) => one.ends()))).flatMap(([{ value }]) =>
    value.map((row) => row.id),
  )
  t.deepEqual(swept, windows ? [] : [id], 'one of them removed it')
  t.is(state(), 'does not exist')
})

test('process_state: cleaner_cannot_be_created_with_a_process_state_currently_being_initialized, monitor_detects_initialized_state', async (t) => {
  const prefixes = own()
  const id = uniqueId('state')
  const maker = await actor(t)
  maker.begins([
    { on: 'MmFile', call: 'createNew', args: [64 << 20, { id, prefixes }], keep: 'file' },
  ])
  do {
    await new Promise(setImmediate)
    t.deepEqual(sweep({ prefixes }), [])
  } while (list({ prefixes }).length === 0)
  t.false(list({ prefixes })[0].stale)
  t.falsy((await maker.ends())[0].error)
  t.true(isThere(id, { prefixes }))
  await maker.exits()
})
