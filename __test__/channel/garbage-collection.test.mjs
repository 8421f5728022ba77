// Garbage collection releases messages, gives back jobs and closes handles that the program no longer references.

import test from 'ava'
import { channel } from '../support/channels.mjs'
import { run } from '../support/child.mjs'

const PROGRAMS = 'channel-programs'
const gc = { node: ['--expose-gc'] }

test('lost views, jobs, loops, readers, members and writers', async (t) => {
  const one = channel(t, { encoding: 'json', groups: ['g'] })
  one.sendAllSync(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  const { said, stderr } = await run(t, PROGRAMS, 'collects', [one.id], gc)
  t.deepEqual(said, [
    [
      ['group', 7],
      ['reader', 1],
    ],
    'MMFILE_NOT_ACKNOWLEDGED',
    2,
    false,
    [['group', 6]],
    7,
  ])
  t.regex(stderr, /MMFILE_NOT_ACKNOWLEDGED/)
})

test('dropped views stop no writer', async (t) => {
  const one = channel(t, { capacity: 4096 })
  const { said, code } = await run(t, PROGRAMS, 'dropsViews', [one.id], gc)
  t.is(code, 0)
  t.true(said[0] > 200)
})

test('memory that is filled in place is no garbage', async (t) => {
  const one = channel(t, { capacity: 4 << 20, encoding: 'bytes' })
  const { said, code } = await run(t, PROGRAMS, 'fillsInPlace', [one.id])
  t.is(code, 0)
  t.is(said[0].sent, 6000)
  t.true(said[0].collections < 20, `${said[0].collections} collections of the whole heap`)
})

test('MMFILE_CHECK_VIEWS=1 overwrites released views', async (t) => {
  const one = channel(t, { encoding: 'bytes' })
  one.sendAllSync([Buffer.from([1, 2]), Buffer.from([3, 4])])
  const env = { MMFILE_CHECK_VIEWS: '1' }
  const { said } = await run(t, PROGRAMS, 'checksViews', [one.id], { env })
  t.deepEqual(said, [[[1, 2], [0xdb, 0xdb], 'function']])
  t.deepEqual([...one.newest().value], [3, 4])
})
