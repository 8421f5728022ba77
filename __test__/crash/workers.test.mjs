// Threads of one process that have the same file open, and that end in the middle of an operation.
// In child processes, which a mistake here would crash.

import test from 'ava'
import { run } from '../support/child.mjs'
import { rounds } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

async function play(t, name, ...args) {
  const { said, code, signal, stderr } = await run(t, 'workers', name, args)
  t.deepEqual([code, signal, stderr], [0, null, ''])
  return said
}

test('eight workers append to the same file, each through its own handle', async (t) => {
  const [{ total, length, wrong, distinct }] = await play(t, 'append', 8, rounds(2000))
  t.deepEqual([total, length, distinct], [8 * rounds(2000), 8 * rounds(2000), total])
  t.deepEqual(wrong, [])
})

test('a worker that has the lock keeps the other threads out, and lets them in', async (t) => {
  t.deepEqual(await play(t, 'exclude'), [
    { tried: 'held', appended: 'ERR_MMFILE_TIMEOUT', withLock: 'ERR_MMFILE_TIMEOUT' },
    { tried: false, appended: 1, seen: ['from the worker', 'from the main thread'] },
  ])
})

test('waits in one thread for what another one appends', async (t) => {
  t.deepEqual(await play(t, 'waitForEachOther'), ['done'])
})

/** The operations that have a separate test. */
const INSIDE = ['holding', 'holdingAsync', 'hoarding']

// The worker's work when it is terminated.
const doings = {
  'waits pending': 'waiting',
  'a wait that blocks it': 'waitingSync',
  'a lock that it waits for': 'waitingForLock',
  'a lock that an append waits for': 'waitingInAppend',
  'a lock that it has': 'holding',
  'a lock that it has over an await': 'holdingAsync',
  'appends at full speed': 'appending',
  'guards and views in its hands': 'hoarding',
}

for (const [name, doing] of Object.entries(doings)) {
  test(`workers terminated with ${name}`, async (t) => {
    const [{ longest, length, appended, abandoned }] = await play(t, 'terminate', doing, rounds(5))
    t.log(`terminated within ${longest.toFixed(1)} ms`)
    t.true(longest < PROMPT)
    t.is(length, appended)
    t.is(abandoned, INSIDE.includes(doing), 'a thread that ends inside a section says so')
  })
}

test('the file of a worker that ends is not there any more, while the process lives', async (t) => {
  const ways = ['terminate', 'exit', 'end', 'throw']
  t.deepEqual(
    await play(t, 'creatorEnds', ways.join()),
    ways.map((how) => ({ how, openable: false, read: 'from the worker', left: 0 })),
  )
})

test('many workers, one after the other: nothing is left of them', async (t) => {
  const [{ threads, mappings, descriptors }] = await play(t, 'comeAndGo', rounds(20))
  t.deepEqual([threads, mappings, descriptors], [0, 0, 0])
})
