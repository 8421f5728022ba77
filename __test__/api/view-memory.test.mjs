// How long the memory behind a view stays mapped: as long as the view, but not forever. In child
// processes, which a mistake here would crash.

import test from 'ava'
import { run } from '../support/child.mjs'
import { isThere } from '../support/files.mjs'

const options = { node: ['--expose-gc'] }

/** Runs a program, checks that it succeeds, and returns its output. */
async function play(t, name, ...args) {
  const { said, code, signal, stderr } = await run(t, 'views', name, args, options)
  t.deepEqual([code, signal, stderr], [0, null, ''])
  return said
}

test('a view outlives the MmFile, which closes when it is collected', async (t) => {
  const [{ id, read, closed, after, mapped }] = await play(t, 'outlives')
  t.false(isThere(id))
  t.true(closed, 'others cannot open it any more')
  t.is(read, 'still here')
  t.is(after, 'still here')
  if (process.platform === 'linux') {
    t.deepEqual(mapped, [true, false], 'and the memory goes with the last view')
  }
})

test('no memory is left of files with views, closed or dropped', async (t) => {
  const [{ closed, dropped, moved }] = await play(t, 'leaks')
  t.is(closed, 0)
  t.true(dropped < 30, `${dropped} of 300`)
  t.true(moved < 30, `${moved} of 100`)
})

for (const end of ['close', 'terminate', 'exit', 'gc']) {
  test(`a buffer moved to a worker, then ${end}`, async (t) => {
    t.deepEqual(await play(t, 'toWorker', end), ['ended'])
  })

  test(`a buffer moved from a worker, then ${end}`, async (t) => {
    t.deepEqual(await play(t, 'fromWorker', end), ['ended'])
  })
}

test('workers that end while they have views, repeatedly', async (t) => {
  t.deepEqual(await play(t, 'endWithViews'), ['ended'])
})

test('a process that ends while it has views', async (t) => {
  t.deepEqual(await play(t, 'exitWithViews'), ['view'])
})

test('closing a file while the thread pool works on a view of it', async (t) => {
  const [{ early, same }] = await play(t, 'useInPool')
  t.true(early, 'it was closed in the middle of the work')
  t.true(same, 'which was done to the end')
})

test('closing a file while a socket sends a view of it', async (t) => {
  t.deepEqual(await play(t, 'useInSocket'), [{ early: true, missing: 0, wrong: 0 }])
})

test('ending a worker while the thread pool works on a view of its file', async (t) => {
  t.deepEqual(await play(t, 'endWorkerInPool'), ['ended'])
})

// Elsewhere the engine knows how much memory an emptied view keeps, and frees it together with the view.
const onLinux = process.platform === 'linux' ? test : test.skip

for (const access of ['own', 'read-write', 'read']) {
  onLinux(
    `resident memory is down after close() of handles that had views: ${access}`,
    async (t) => {
      const [{ read, left }] = await play(t, 'resident', access)
      t.is(read, 63 << 20)
      t.true(left > (access === 'own' ? 56 : 112), `${left} MiB less`)
    },
  )
}

onLinux('resident memory is down after close() of a channel that had views', async (t) => {
  const [{ read, shown, left }] = await play(t, 'residentChannel')
  t.is(read, 50 << 20)
  t.deepEqual(shown, [0, 0, 0, 0, 0, 0])
  t.true(left > 50, `${left} MiB less`)
})

test('what a program wrote to a private view stays while the thread pool works on it', async (t) => {
  t.deepEqual(await play(t, 'useChanged'), [{ early: true, same: true }])
})

for (const how of ['viewed', 'filled']) {
  test(`the memory of closed files is collected before there is much of it: ${how}`, async (t) => {
    const [{ most }] = await play(t, 'reclaim', how)
    t.true(most < 40, `${most} files of 16 MiB`)
  })
}
