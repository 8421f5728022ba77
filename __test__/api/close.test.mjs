// close(): what works afterwards, what fails with ERR_MMFILE_CLOSED, and what happens to other
// handles.

import { inspect } from 'node:util'
import test from 'ava'
import { MmFile } from 'mmfile'
import { start } from '../support/child.mjs'
import { closing, create, open, refuses, rejects } from '../support/files.mjs'

function closed(t) {
  const file = create(t, 100)
  file.append('x')
  file.close()
  return file
}

test('the properties of a closed file', (t) => {
  const file = create(t, 100)
  const { id } = file
  file.close()
  t.like(file, { id, capacity: 100, closed: true, isCreator: true })
})

const calls = {
  length: (file) => file.length,
  size: (file) => file.size,
  sealed: (file) => file.sealed,
  recovered: (file) => file.recovered,
  write: (file) => file.write(1, 'x'),
  append: (file) => file.append('x'),
  appendAll: (file) => file.appendAll(['x']),
  'appendAll of nothing': (file) => file.appendAll([]),
  seal: (file) => file.seal(),
  read: (file) => file.read(0),
  readBytes: (file) => file.readBytes(0),
  readInto: (file) => file.readInto(0, new Uint8Array(4)),
  view: (file) => file.view(0),
  byteLength: (file) => file.byteLength(0),
  iteration: (file) => [...file],
  waitForSync: (file) => file.waitForSync(0),
  'waitForSync with a timeout of 0': (file) => file.waitForSync(9, { timeout: 0 }),
  withLock: (file) => file.withLockSync(() => {}),
  tryLock: (file) => file.tryLock(),
}

for (const [name, call] of Object.entries(calls)) {
  test(`${name}: ERR_MMFILE_CLOSED`, (t) => {
    refuses(t, () => call(closed(t)), 'ERR_MMFILE_CLOSED')
  })
}

test('waitFor: ERR_MMFILE_CLOSED, as a rejection', async (t) => {
  const file = closed(t)
  await rejects(t, file.waitFor(0), 'ERR_MMFILE_CLOSED')
  await rejects(t, file.waitFor(9, { timeout: 0 }), 'ERR_MMFILE_CLOSED')
})

test('closing again changes nothing', async (t) => {
  const file = create(t)
  const other = open(t, file)
  t.is(other.close(), undefined)
  const late = open(t, file) // in whose table it may have got the place of the one before
  other.close()
  other[Symbol.dispose]()
  await other[Symbol.asyncDispose]()
  t.true(other.closed)
  late.append('x')
  t.is(late.read(0), 'x', 'another handle is not closed in its stead')
})

test('a closed handle never refers to one that was opened later', (t) => {
  const old = create(t)
  old.close()
  const file = create(t, 64)
  file.append('x')
  const answers = []
  for (let round = 0; round < 5000; round += 1) {
    const later = MmFile.openExisting(file.id, { access: 'read' })
    try {
      answers.push(old.read(0))
    } catch (error) {
      if (error.code !== 'ERR_MMFILE_CLOSED') answers.push(error)
    }
    later.close()
  }
  t.deepEqual(answers, [])
})

test('dispose and asyncDispose close', async (t) => {
  const one = create(t)
  t.is(one[Symbol.dispose](), undefined)
  t.true(one.closed)
  const two = create(t)
  const promise = two[Symbol.asyncDispose]()
  t.true(promise instanceof Promise)
  t.is(await promise, undefined)
  t.true(two.closed)
})

test('other handles of the same file keep working', (t) => {
  const file = create(t)
  const [one, two] = [open(t, file), open(t, file)]
  file.append('x')
  one.close()
  two.append('y')
  t.deepEqual([...file], ['x', 'y'])
})

test('pending waits of this handle reject, those of another do not', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const waits = [file.waitFor(0), file.waitFor(5), file.waitFor(0, { timeout: 1e6 })]
  const theirs = other.waitFor(0)
  file.close()
  for (const wait of waits) await rejects(t, wait, 'ERR_MMFILE_CLOSED')
  other.append('x')
  await theirs
  t.pass()
})

test('closing in the callback of a wait', async (t) => {
  const file = create(t)
  const order = []
  const waits = [
    file.waitFor(0).then(() => {
      order.push(0)
      file.close()
    }),
    file.waitFor(1).then(t.fail, ({ code }) => order.push(code)),
    file.waitFor(2).then(t.fail, ({ code }) => order.push(code)),
  ]
  file.append('x')
  await Promise.all(waits)
  t.deepEqual(order, [0, 'ERR_MMFILE_CLOSED', 'ERR_MMFILE_CLOSED'])
})

test('views become empty, and stay harmless', (t) => {
  const file = create(t)
  file.append(new Uint8Array([1, 2, 3]))
  const view = file.view(0)
  const sub = view.subarray(1)
  const same = new DataView(view.buffer, view.byteOffset, 3)
  t.is(same.getUint8(0), 1)
  file.close()
  t.deepEqual([view.length, view.byteLength, view.byteOffset, sub.length], [0, 0, 0, 0])
  t.is(view[0], undefined)
  t.is(view.buffer.byteLength, 0)
  t.throws(() => same.getUint8(0), { instanceOf: TypeError })
  view[0] = 9
  t.is(Buffer.from(view).toString(), '')
})

test('views that other handles gave out stay', (t) => {
  const file = create(t)
  const other = open(t, file)
  file.append(new Uint8Array([1, 2, 3]))
  const [gone, stays] = [file.view(0), other.view(0)]
  file.close()
  t.deepEqual([gone.length, [...stays]], [0, [1, 2, 3]])
})

test('the lock is released, for other processes too', async (t) => {
  const file = create(t, 4096, { lifetime: 'last-process' })
  const child = start(t, 'locks', 'takeAndTell', [file.id])
  await child.next()
  const guard = file.tryLock()
  t.truthy(guard)
  child.tell('take')
  t.is(await child.next(), 'waiting')
  file.close()
  t.deepEqual(await child.next(), { abandoned: false, recovered: 0 })
  guard.release() // late, and nothing
  child.tell('end')
})

test('closing inside withLock: the callback continues, and the lock is free', async (t) => {
  const file = create(t, 4096, { lifetime: 'last-process' })
  const other = open(t, file)
  const result = file.withLockSync(() => {
    file.close()
    refuses(t, () => file.append('x'), 'ERR_MMFILE_CLOSED')
    t.is(other.append('the lock is free'), 0)
    return 'result'
  })
  t.is(result, 'result')
  const second = open(t, other)
  await second.withLock(async (guard) => {
    second.close()
    await Promise.resolve()
    const theirs = other.tryLock()
    t.truthy(theirs)
    guard.release() // late, and nothing: not theirs either
    t.is(t.throws(() => other.tryLock()).code, 'ERR_MMFILE_LOCK_HELD')
    theirs.release()
  })
})

test('an iteration over a closed file throws', (t) => {
  const file = create(t)
  file.appendAll(['a', 'b', 'c'])
  const seen = []
  refuses(
    t,
    () => {
      for (const text of file) {
        seen.push(text)
        file.close()
      }
    },
    'ERR_MMFILE_CLOSED',
  )
  t.deepEqual(seen, ['a'])
})

test('console.log of a file shows its state, before and after', (t) => {
  const file = create(t, 100)
  file.append('x')
  const text = inspect(file)
  for (const part of ['MmFile', file.id, 'capacity: 100', 'length: 1', 'size: 6']) {
    t.true(text.includes(part), text)
  }
  file.close()
  t.true(inspect(file).includes('closed: true'))
  t.notThrows(() => inspect({ deep: { in: { an: { object: file } } } }))
})

test('a listener of process exit can still use its file, and the file ends after it', async (t) => {
  const child = start(t, 'exits', 'exitListener', ['process.exit'])
  const id = await child.next()
  const file = closing(t, MmFile.openExisting(id))
  child.tell('end')
  t.deepEqual(await child.next(), { value: 0 })
  await child.exited
  t.is(file.read(0), 'goodbye')
  refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_NOT_FOUND')
})
