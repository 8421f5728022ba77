// list and sweep: what files there are, and which of them nobody has any more.

import test from 'ava'
import { list, MmFile, sweep } from 'mmfile'
import { actor } from './support/actors.mjs'
import { start } from './support/child.mjs'
import { closing, left, uniqueId } from './support/files.mjs'

function own() {
  const name = uniqueId('list')
  return { data: `${name}-data-`.slice(-60), mutex: `${name}-lock-`.slice(-60) }
}

test('it tells what there is, without opening it', (t) => {
  const prefixes = own()
  t.deepEqual(list({ prefixes }), [])
  const before = Date.now()
  const file = closing(t, MmFile.createNew(500, { prefixes, lifetime: 'last-process' }))
  file.appendAll(['a', 'b'])
  const [info, ...rest] = list({ prefixes })
  t.deepEqual(rest, [])
  t.true(info.created instanceof Date && info.created.getTime() >= before - 1)
  t.deepEqual(info, {
    id: file.id,
    capacity: 500,
    size: 12,
    length: 2,
    sealed: false,
    lifetime: 'last-process',
    created: info.created,
    creator: process.pid,
    stale: false,
  })
  file.seal()
  t.true(MmFile.list({ prefixes })[0].sealed)
  t.deepEqual(sweep({ prefixes }), [])
  file.close()
  t.deepEqual(list({ prefixes }), [])
})

test('what a killed process left is stale, and sweep takes it away', async (t) => {
  const prefixes = own()
  const { data, mutex } = prefixes
  const creators = [1, 2, 3].map(() => start(t, 'sweepers', 'create', [data, mutex]))
  const ids = await Promise.all(creators.map((creator) => creator.next()))
  t.deepEqual(
    list({ prefixes }).map((info) => info.stale),
    [false, false, false],
  )
  await Promise.all(creators.map((creator) => creator.kill()))
  if (process.platform === 'win32') {
    // There the kernel takes everything away at once.
    t.deepEqual([list({ prefixes }), MmFile.sweep({ prefixes })], [[], []])
    return
  }
  t.deepEqual(
    list({ prefixes }).map((info) => info.stale),
    [true, true, true],
  )
  t.deepEqual(MmFile.sweep({ prefixes }).sort(), ids.sort())
  t.deepEqual(list({ prefixes }), [])
  for (const id of ids) t.deepEqual(left(id), [])
})

test('wrong options are refused', (t) => {
  for (const act of [list, sweep, MmFile.list, MmFile.sweep]) {
    t.throws(() => act(5), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => act({ prefixes: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => act({ prefixes: { data: '/' } }), { code: 'ERR_INVALID_ARG_VALUE' })
  }
})

test('data is taken away with its control block, whatever prefix the one who does it has', async (t) => {
  const id = uniqueId('elsewhere')
  const creator = await actor(t)
  await creator.keeps('file', 'MmFile', 'createNew', 1 << 16, { id })
  await creator.child.kill()
  const other = { data: uniqueId('other-') }
  MmFile.createNew(64, { prefixes: other }).close()
  t.deepEqual(left(id), [])
  const removed = MmFile.createNew(4096, { id })
  if (process.platform !== 'win32') MmFile.remove(id, { prefixes: other })
  removed.close()
  t.deepEqual(left(id), [])
  MmFile.createNew(64, { id }).close()
})
