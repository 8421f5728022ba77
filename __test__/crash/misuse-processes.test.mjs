// Processes that misuse their files: they close nothing, end with everything pending, or call at the end
// of their stack.

import test from 'ava'
import { run, start } from '../support/child.mjs'
import { create, left, rounds } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

for (const what of ['file', 'reader', 'view', 'guard']) {
  onLinux(`nothing is closed: ${what}`, async (t) => {
    const count = what === 'file' ? rounds(10_000) : rounds(2000)
    const { said, stderr, code } = await run(t, 'misuse', 'forget', [what, count], {
      node: ['--expose-gc'],
      shell: 'ulimit -n 2048',
    })
    t.deepEqual([stderr, code], ['', 0])
    const [{ before, most, after }] = said
    t.true(after.descriptors <= before.descriptors + 8, JSON.stringify({ before, after }))
    t.true(after.mappings <= before.mappings + 8)
    t.true(after.threads <= before.threads + 1)
    t.log(`${count} times; most: ${JSON.stringify(most)}; after: ${JSON.stringify(after)}`)
  })
}

for (const [what, count] of [
  ['file', 100_000],
  ['mutex', 20_000],
]) {
  onLinux(`${count} times opened and not closed, with 1,024 descriptors: ${what}`, async (t) => {
    const shell = 'ulimit -n 1024'
    const { said, stderr, code } = await run(t, 'misuse', 'pileUp', [what, count], { shell })
    t.deepEqual([said, stderr, code], [['done'], '', 0])
  })
}

onLinux('iterations that are ended while they wait: the process ends by itself', async (t) => {
  const { said, stderr, code } = await run(t, 'misuse', 'iterate', [1000])
  t.deepEqual([stderr, code], ['', 0])
  const [{ before, after, listeners }] = said
  t.is(listeners, 0)
  t.true(after.descriptors <= before.descriptors + 20, JSON.stringify({ before, after }))
  t.true(after.threads <= before.threads + 1)
})

for (const how of ['exit', 'exit in a callback', 'throw']) {
  onLinux(`the process ends with everything pending: ${how}`, async (t) => {
    const file = create(t, 4096, { lifetime: 'last-process' })
    const guard = file.tryLock()
    const child = start(t, 'misuse', 'pending', [how, file.id])
    t.is(await child.next(), 'pending')
    child.tell('end')
    const started = performance.now()
    if (how === 'exit in a callback') setTimeout(() => file.append('x'), 50)
    t.deepEqual(await child.exited, { code: 7, signal: null })
    t.true(performance.now() - started < PROMPT)
    if (how !== 'throw') t.is(child.stderr, '')
    guard.release()
    t.false(file.withLockSync(({ abandoned }) => abandoned))
    t.deepEqual(left(`pending-${file.id}`), [])
  })
}

test('calls at the end of the stack', async (t) => {
  const { said, code, stderr } = await run(t, 'misuse', 'deep')
  t.deepEqual([code, stderr], [0, ''])
  for (const { calls, codes, index } of said)
    t.deepEqual([calls, codes, index], [true, ['RangeError'], true])
  t.is(said.length, 2, 'in the main thread and in a worker')
})
