// Every argument of every member, wrong in every way: each has its own error, which names the
// argument, and nothing has changed afterwards.

import { inspect } from 'node:util'
import test from 'ava'
import { MmFile, MmFileError } from 'mmfile'
import { create, isThere, left, uniqueId } from '../support/files.mjs'

const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }
const value = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' }
const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }

const things = [undefined, null, true, 1n, Symbol('s'), {}, [], () => {}, new Date()]
const notNumbers = [...things, '0', '', new Number(0)]
const notStrings = [...things, 0, new String('x')]
const wrongNumbers = [-1, -0.5, 1.5, Number.NaN, 2 ** 53, 2 ** 64, Infinity, -Infinity]
const wrongTimes = [-1, -Infinity, Number.NaN]

/** A file with two segments, which has to be the same after `act`. */
async function untouched(t, act) {
  const file = create(t, 256)
  file.append('first')
  file.append(new Uint8Array([1, 2, 3]))
  const before = [file.length, file.size, file.sealed, file.recovered]
  await act(file)
  t.deepEqual([file.length, file.size, file.sealed, file.recovered], before)
  t.is(file.read(0), 'first')
  t.deepEqual([...file.readBytes(1)], [1, 2, 3])
  t.is(file.append('still works'), 2)
}

/** Checks that `call` fails as expected with each of the values, and names the argument. */
async function each(t, call, name, values, expected) {
  for (const wrong of values) {
    // A call that returns a promise may reject or throw.
    const error = await t.throwsAsync(async () => call(wrong), expected, inspect(wrong))
    if (!error) continue
    t.regex(error.message, new RegExp(`['"]${name.replace(/[.[\]]/g, '\\$&')}['"]`), inspect(wrong))
    t.true(error.stack.includes(expected.code), 'the code stands in the stack, as with Node.js')
    t.false(error instanceof MmFileError)
  }
}

const withIndex = {
  write: (file, index) => file.write(index, 'x'),
  read: (file, index) => file.read(index),
  readBytes: (file, index) => file.readBytes(index),
  readInto: (file, index) => file.readInto(index, new Uint8Array(64)),
  view: (file, index) => file.view(index),
  byteLength: (file, index) => file.byteLength(index),
  waitFor: (file, index) => file.waitFor(index, { timeout: 0 }),
  waitForSync: (file, index) => file.waitForSync(index, { timeout: 0 }),
}

for (const [member, call] of Object.entries(withIndex)) {
  test(`${member}: a wrong index`, (t) =>
    untouched(t, async (file) => {
      await each(t, (index) => call(file, index), 'index', notNumbers, type)
      await each(t, (index) => call(file, index), 'index', wrongNumbers, range)
    }))
}

const notValues = [
  ...things,
  5,
  [1, 2],
  new String('x'),
  new Set(['x']),
  new Map(),
  Promise.resolve('x'),
]

const withValue = {
  append: [(file, wrong) => file.append(wrong), 'value'],
  write: [(file, wrong) => file.write(2, wrong), 'value'],
  'appendAll, first of it': [(file, wrong) => file.appendAll([wrong, 'x']), 'values[0]'],
  'appendAll, last of it': [(file, wrong) => file.appendAll(['x', 'y', wrong]), 'values[2]'],
}

for (const [member, [call, name]] of Object.entries(withValue)) {
  test(`${member}: a wrong value`, (t) =>
    untouched(t, (file) => each(t, (wrong) => call(file, wrong), name, notValues, type)))
}

test('append and write: a value left out', (t) =>
  untouched(t, async (file) => {
    await each(t, () => file.append(), 'value', [undefined], type)
    await each(t, () => file.write(2), 'value', [undefined], type)
    await each(t, () => file.write(), 'index', [undefined], type)
  }))

test('appendAll: something that is no list of values', (t) =>
  untouched(t, async (file) => {
    const wrong = [undefined, null, true, 1n, {}, () => {}, 5, 'a string has letters, not values']
    await each(t, (values) => file.appendAll(values), 'values', wrong, type)
    await each(
      t,
      (values) => file.appendAll(values),
      'values[0]',
      [[1], new Array(1), new Uint8Array(2)],
      type,
    )
  }))

test('appendAll: an iterator that throws', (t) =>
  untouched(t, (file) => {
    const own = new Error('the own error')
    const values = (function* () {
      yield 'x'
      throw own
    })()
    t.is(
      t.throws(() => file.appendAll(values)),
      own,
    )
  }))

test('readInto: a wrong target', (t) =>
  untouched(t, async (file) => {
    const wrong = [...things, 'x', 5, [1, 2, 3, 4]]
    await each(t, (target) => file.readInto(0, target), 'target', wrong, type)
  }))

test('readInto: a wrong offset', (t) =>
  untouched(t, async (file) => {
    const target = new Uint8Array(64).fill(7)
    const call = (offset) => file.readInto(0, target, offset)
    const wrong = notNumbers.filter((one) => one !== undefined)
    await each(t, call, 'targetOffset', wrong, type)
    await each(t, call, 'targetOffset', wrongNumbers, range)
    t.true(
      target.every((byte) => byte === 7),
      'nothing was copied',
    )
  }))

test('readInto: a target that is too small, or an offset too far', (t) =>
  untouched(t, (file) => {
    const target = new Uint8Array(12).fill(7)
    for (const [view, offset] of [
      [target.subarray(0, 9), 0], // one byte too few: 'first' has ten
      [target, 3],
      [target, 12],
      [target, 13],
      [target, Number.MAX_SAFE_INTEGER],
      [new Uint8Array(0), 0],
      [new ArrayBuffer(9), 0],
      [new DataView(target.buffer, 3), 0],
    ]) {
      const error = t.throws(() => file.readInto(0, view, offset), range)
      t.regex(error.message, /target/)
    }
    t.true(
      target.every((byte) => byte === 7),
      'nothing was copied',
    )
  }))

const notOptions = [null, true, 5, 1n, 'x', Symbol('s'), () => {}]
const given = (values) => values.filter((one) => one !== undefined)

test('waitFor and waitForSync: wrong options', (t) =>
  untouched(t, async (file) => {
    for (const member of ['waitFor', 'waitForSync']) {
      const wait = (options) => file[member](7, options)
      await each(t, wait, 'options', notOptions, type)
      const timeout = (timeout) => wait({ timeout })
      await each(t, timeout, 'options.timeout', given(notNumbers), type)
      await each(t, timeout, 'options.timeout', wrongTimes, range)
    }
    const signal = (signal) => file.waitFor(7, { signal })
    await each(t, signal, 'options.signal', [...given(things), 5, 'x', new EventTarget()], type)
    for (const member of ['waitFor', 'waitForSync', 'segments', 'createReadStream']) {
      const call = (options) =>
        member.startsWith('wait') ? file[member](7, options) : file[member](options)
      const spin = (spin) => call({ spin, timeout: 0 })
      await each(t, spin, 'options.spin', given(notNumbers), type)
      await each(t, spin, 'options.spin', wrongTimes, range)
    }
    const ref = (ref) => file.waitFor(7, { ref, timeout: 0 })
    await each(t, ref, 'options.ref', [null, 0, 'x', {}], type)
  }))

test('withLock: wrong arguments, and the lock is free afterwards', (t) =>
  untouched(t, async (file) => {
    for (const member of ['withLock', 'withLockSync']) {
      await each(t, (work) => file[member](work), 'work', [undefined, null, {}, 'x', 5], type)
      await each(t, (options) => file[member](t.fail, options), 'options', notOptions, type)
      const timeout = (timeout) => file[member](t.fail, { timeout })
      await each(t, timeout, 'options.timeout', given(notNumbers), type)
      await each(t, timeout, 'options.timeout', wrongTimes, range)
    }
    const guard = file.tryLock()
    t.truthy(guard)
    guard.release()
  }))

test('withLockSync: a work that returns a promise', async (t) => {
  const file = create(t)
  // biome-ignore lint/suspicious/noThenProperty: the test needs a `then`
  const promises = [Promise.resolve(), { then() {} }]
  await each(t, (promise) => file.withLockSync(() => promise), 'work', promises, value)
  file.tryLock().release()
})

test('createNew and createOrOpen: a wrong capacity', async (t) => {
  const id = uniqueId('capacity')
  for (const call of [
    (capacity) => MmFile.createNew(capacity, { id }),
    (capacity) => MmFile.createOrOpen(id, capacity),
  ]) {
    await each(t, call, 'capacity', notNumbers, type)
    await each(t, call, 'capacity', [0, -0, ...wrongNumbers], range)
  }
  t.false(isThere(id))
  t.deepEqual(left(id), [])
})

const malformed = [
  '.',
  '..',
  '...',
  'a/b',
  '/a',
  '../a',
  'a\\b',
  'a b',
  ' a',
  'a\n',
  'a\0b',
  'ä',
  '日本',
  '💾',
  '\ud800',
  'a:b',
  'x'.repeat(65),
  'x'.repeat(1 << 16),
  '{0f8fad5b-d9cb-469f-a165-70867728950e',
  '0f8fad5b-d9cb-469f-a165-70867728950e}',
  '{{0f8fad5b-d9cb-469f-a165-70867728950e}}',
  '{0f8fad5b-d9cb-469f-a165-70867728950g}',
  '{0f8fad5bd9cb469fa16570867728950e}',
  '(0f8fad5b-d9cb-469f-a165-70867728950e)',
  'urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e',
]

test('an id that is missing, empty or malformed', async (t) => {
  const calls = [
    (id) => MmFile.openExisting(id),
    (id) => MmFile.openExisting(id, { access: 'read' }),
    (id) => MmFile.createOrOpen(id, 64),
    (id) => MmFile.createNew(64, { id }),
  ]
  for (const [at, call] of calls.entries()) {
    const wrong = at === 3 ? given(notStrings) : notStrings // a new file gets a fresh id
    const name = at === 3 ? 'options.id' : 'id'
    await each(t, call, name, wrong, type)
    await each(t, call, name, ['', ...malformed], value)
  }
  await each(t, () => MmFile.openExisting(), 'id', [undefined], type)
  await each(t, () => MmFile.createOrOpen(), 'id', [undefined], type)
})

test('wrong options of the three ways to have a file', async (t) => {
  const id = uniqueId('options')
  const calls = {
    createNew: (options) => MmFile.createNew(64, options),
    createOrOpen: (options) => MmFile.createOrOpen(id, 64, options),
    openExisting: (options) => MmFile.openExisting(id, options),
  }
  for (const call of Object.values(calls)) {
    await each(t, call, 'options', notOptions, type)
    const flag = (synchronized) => call({ id, synchronized })
    await each(t, flag, 'options.synchronized', [null, 0, 1, 'true', {}], type)
    const timeout = (lockTimeout) => call({ id, lockTimeout })
    await each(t, timeout, 'options.lockTimeout', given(notNumbers), type)
    await each(t, timeout, 'options.lockTimeout', wrongTimes, range)
    const directory = (directory) => call({ id, directory })
    const url = new URL('file:///dev/shm')
    await each(t, directory, 'options.directory', [null, 5, true, {}, url, Buffer.from('/')], type)
    await each(t, directory, 'options.directory', ['', 'a\0b'], value)
    await each(t, (prefixes) => call({ id, prefixes }), 'options.prefixes', [null, 'x', 5], type)
    for (const which of ['data', 'mutex']) {
      const prefix = (text) => call({ id, prefixes: { [which]: text } })
      await each(t, prefix, `options.prefixes.${which}`, [null, 5, {}, ['x']], type)
      const wrong = ['a/b', '../', 'a b', 'ä', 'a\0', 'x'.repeat(65)]
      await t.throwsAsync(async () => prefix('/'), {
        ...value,
        message: new RegExp(`prefixes.${which}`),
      })
      for (const text of wrong) t.throws(() => prefix(text), value, inspect(text))
    }
    t.throws(() => call({ id, prefixes: { data: 'same-', mutex: 'same-' } }), {
      ...value,
      message: /prefixes/,
    })
  }
  const lifetime = (lifetime) => calls.createNew({ id, lifetime })
  await each(t, lifetime, 'options.lifetime', [null, 0, true, {}], type)
  await each(t, lifetime, 'options.lifetime', ['', 'Creator', 'forever'], value)
  const access = (access) => calls.openExisting({ access })
  await each(t, access, 'options.access', [null, 0, true, {}], type)
  await each(t, access, 'options.access', ['', 'write', 'readonly'], value)
  t.false(isThere(id), 'none of them made it')
  t.deepEqual(left(id), [])
})

test('an option that is undefined is one that was left out', (t) => {
  const options = {
    id: undefined,
    synchronized: undefined,
    lifetime: undefined,
    lockTimeout: undefined,
    directory: undefined,
    prefixes: undefined,
    access: undefined,
  }
  const file = MmFile.createNew(64, options)
  const { id } = file
  t.deepEqual([file.synchronized, file.access], [true, 'read-write'])
  MmFile.openExisting(id, { ...options, prefixes: { data: undefined, mutex: undefined } }).close()
  MmFile.createOrOpen(id, 64, undefined).close()
  file.append('x')
  file.waitForSync(0, { timeout: undefined, spin: undefined, requirePeer: undefined })
  t.is(
    file.withLockSync(() => 5, { timeout: undefined }),
    5,
  )
  file.close()
  t.false(isThere(id), 'its lifetime was the default one')
})

test('the constructor is not for programs', (t) => {
  t.throws(() => new MmFile(), { instanceOf: TypeError, message: /createNew/ })
  t.throws(() => new MmFile(Symbol('MmFile'), { handle: 0 }, {}), { instanceOf: TypeError })
})

test('a method without its file throws instead of crashing', (t) => {
  const { append } = MmFile.prototype
  t.throws(() => append('x'), { instanceOf: TypeError })
  t.throws(() => append.call({}, 'x'), { instanceOf: TypeError })
  t.throws(() => Reflect.get(MmFile.prototype, 'length'), { instanceOf: TypeError })
})
