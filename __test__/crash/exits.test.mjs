// However a process or a thread that made a file ends: what becomes of the file.

import test from 'ava'
import { MmFile } from 'mmfile'
import { run, start } from '../support/child.mjs'
import { closing, left, open, refuses } from '../support/files.mjs'

const windows = process.platform === 'win32'
/** The exit status after a signal: Windows has no signals, and ends a process with a code. */
const by = (signal, code = 1) => (windows ? { code, signal: null } : { code: null, signal })

/** How a process ends, and its exit status. */
const clean = {
  'the end of the script': ['end', { code: 0, signal: null }],
  'process.exit': ['exit', { code: 0, signal: null }],
  'process.exit with a code, from a callback': ['exit 7', { code: 7, signal: null }],
  'an uncaught exception': ['throw', { code: 1, signal: null }],
  'an unhandled rejection': ['reject', { code: 1, signal: null }],
  ...(!windows && { 'SIGTERM, handled': ['SIGTERM handled', { code: 15, signal: null }] }),
  'an exit listener that throws': ['throw in exit', { code: 1, signal: null }],
  "a worker's process.exit": ['worker exit', { code: 0, signal: null }],
  'the end of a worker': ['worker end', { code: 0, signal: null }],
  'a worker that is terminated': ['worker terminate', { code: 0, signal: null }],
  'a worker that throws': ['worker throw', { code: 0, signal: null }],
}
const sudden = {
  SIGTERM: ['SIGTERM', by('SIGTERM')],
  SIGINT: ['SIGINT', by('SIGINT')],
  SIGKILL: ['SIGKILL', by('SIGKILL')],
  'process.abort': ['abort', by('SIGABRT', 134)],
}

/** Starts a process that makes a file, ends it, and returns our own handle on the file. */
async function creator(t, [how, expected], lifetime, locked) {
  const child = start(t, 'exits', 'create', [how, lifetime, locked])
  const id = await child.next()
  const file = closing(t, MmFile.openExisting(id))
  child.tell('end')
  t.deepEqual(await child.exited, expected)
  return file
}

function goesOn(t, file) {
  t.is(file.read(0), 'from the creator')
  const index = file.append('from another')
  t.is(file.read(index), 'from another')
}

function isGone(t, id) {
  refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
  t.deepEqual(left(id), [])
}

for (const [name, way] of Object.entries(clean)) {
  test(`the creator ends by ${name}: its file cannot be opened any more, and open handles keep working`, async (t) => {
    const file = await creator(t, way, 'creator', '')
    isGone(t, file.id)
    goesOn(t, file)
    t.is(file.recovered, 0)
  })

  test(`the creator ends by ${name} with the lock: the next one knows that its section was not done`, async (t) => {
    const file = await creator(t, way, 'creator', 'locked')
    isGone(t, file.id)
    const guard = file.tryLock()
    t.true(guard?.abandoned)
    guard?.release()
    goesOn(t, file)
  })
}

for (const [name, way] of Object.entries(sudden)) {
  test(`the creator ends by ${name}: nothing is taken away, and the last one ends the file`, async (t) => {
    const file = await creator(t, way, 'creator', '')
    goesOn(t, file)
    const late = open(t, file)
    goesOn(t, late)
    file.close()
    late.close()
    isGone(t, file.id)
  })

  test(`the creator ends by ${name} with the lock: the next one repairs`, async (t) => {
    const file = await creator(t, way, 'creator', 'locked')
    const guard = file.tryLock()
    t.deepEqual([guard?.abandoned, file.recovered], [true, 1])
    guard?.release()
    goesOn(t, file)
    t.is(file.recovered, 1)
  })
}

for (const [name, way] of Object.entries({ ...clean, ...sudden })) {
  test(`lifetime 'last-process', and its maker ends by ${name}`, async (t) => {
    const file = await creator(t, way, 'last-process', '')
    goesOn(t, file)
    const late = open(t, file)
    file.close()
    goesOn(t, late)
    late.close()
    isGone(t, file.id)
  })

  test(`the only process that has the file open ends by ${name}`, async (t) => {
    for (const lifetime of ['creator', 'last-process']) {
      const child = start(t, 'exits', 'create', [way[0], lifetime, ''])
      const id = await child.next()
      child.tell('end')
      t.deepEqual(await child.exited, way[1])
      if (name in clean) t.deepEqual(left(id), [], 'it is gone at once')
      isGone(t, id)
    }
  })
}

test('a process with pending waits, views and locks can be ended', async (t) => {
  const { said, code, signal, stderr } = await run(t, 'exits', 'busy')
  t.deepEqual([said, code, signal, stderr], [['busy'], 3, null, ''])
})

test('a file in an exit listener that was there before the file', async (t) => {
  const { said, code } = await run(t, 'exits', 'earlyListener')
  t.deepEqual([said, code], [[{ value: 0 }, 'goodbye'], 0])
})

test('two processes that end at the same moment leave nothing', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const child = start(t, 'exits', 'create', ['exit', 'last-process', ''])
    const id = await child.next()
    const others = [start(t, 'exits', 'openAndEnd', [id]), start(t, 'exits', 'openAndEnd', [id])]
    for (const other of others) await other.next()
    for (const one of [child, ...others]) one.tell('end')
    await Promise.all([child, ...others].map((one) => one.exited))
    t.deepEqual(left(id), [])
  }
})
