// JavaScript's own ways to go wrong: code of the program that runs in the middle of a call, objects that
// are not what they seem, extreme numbers, handles that are never closed. Never a crash or a hang, and
// always a documented error or the program's own.

import test from 'ava'
import { MmFile, MmFileError, NamedMutex } from 'mmfile'
import { closing, create, left, open, refuses, rejects, uniqueId } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const own = new Error("the program's own")
const throwing = new Proxy(
  {},
  {
    get() {
      throw own
    },
  },
)

/** Options of which one closes the file when it is looked at. */
const closingOptions = (file, name, value) => ({
  get [name]() {
    file.close()
    return value
  },
})

const withOptions = {
  'waitFor, timeout': ['timeout', 100, (file, options) => file.waitFor(5, options)],
  'waitFor, signal': ['signal', undefined, (file, options) => file.waitFor(0, options)],
  'waitFor, requirePeer': ['requirePeer', true, (file, options) => file.waitFor(5, options)],
  'waitForSync, timeout': ['timeout', 100, (file, options) => file.waitForSync(5, options)],
  'waitForSync, spin': ['spin', 5, (file, options) => file.waitForSync(0, options)],
  'withLock, timeout': ['timeout', 100, (file, options) => file.withLockSync(() => {}, options)],
  'lock, timeout': ['timeout', 100, (file, options) => file.lock(options)],
  'lock, signal': ['signal', undefined, (file, options) => file.lock(options)],
  'segments, from': ['from', 0, (file, options) => file.segments(options).next()],
  'segments, as': ['as', 'view', (file, options) => file.segments(options).next()],
  'createWriteStream, seal': ['seal', true, (file, options) => ended(file, options)],
}

function ended(file, options) {
  const stream = file.createWriteStream(options)
  return new Promise((resolve, reject) => {
    stream.on('error', reject).on('finish', resolve).end('x')
  })
}

for (const [what, [name, value, call]] of Object.entries(withOptions)) {
  test(`an option that closes the file when it is looked at: ${what}`, async (t) => {
    const file = create(t)
    file.append('x')
    await rejects(t, async () => call(file, closingOptions(file, name, value)), 'ERR_MMFILE_CLOSED')
    const other = create(t)
    await t.throwsAsync(async () => call(other, throwing), { is: own })
    t.is(other.append('nothing is locked'), 0)
  })
}

test('options that make and close files of the same id while one is made', (t) => {
  const id = uniqueId('reentrant')
  const options = (act) => ({
    id,
    get prefixes() {
      act()
      return undefined
    },
  })
  const file = closing(
    t,
    MmFile.createNew(
      64,
      options(() => MmFile.createNew(64, { id }).close()),
    ),
  )
  t.is(file.append('x'), 0)
  refuses(
    t,
    () =>
      MmFile.createNew(
        64,
        options(() => file.append('y')),
      ),
    'ERR_MMFILE_EXISTS',
  )
  refuses(
    t,
    () =>
      MmFile.openExisting(
        id,
        options(() => file.close()),
      ),
    'ERR_MMFILE_NOT_FOUND',
  )
  t.throws(() => MmFile.createNew(64, throwing), { is: own })
  t.throws(() => MmFile.openExisting(id, { prefixes: throwing }), { is: own })
  t.deepEqual(left(id), [])
})

test('lists that throw, close, or are not what they seem', (t) => {
  const file = create(t)
  const other = open(t, file)
  const lists = [
    throwing,
    new Proxy(['a', 'b'], throwing),
    [Symbol.iterator].map(() => ({ [Symbol.iterator]: () => throwing }))[0],
    { [Symbol.iterator]: () => ({ next: () => throwing }) },
    Object.defineProperty(['a', 'b'], 1, {
      get() {
        throw own
      },
    }),
  ]
  for (const list of lists) {
    const error = t.throws(() => file.appendAll(list))
    t.true(error === own || error instanceof TypeError)
  }
  const closes = Object.defineProperty(['a', 'b'], 1, {
    get() {
      file.close()
      return 'b'
    },
  })
  refuses(t, () => file.appendAll(closes), 'ERR_MMFILE_CLOSED')
  t.is(other.length, 0)
  t.is(other.appendAll(new Proxy(['a', 'b'], {})), 0)
  // A list may return different values later; the listed ones are checked and kept.
  const shrinking = new Uint8Array(new ArrayBuffer(8, { maxByteLength: 8 }))
  const index = other.appendAll(
    (function* () {
      yield shrinking
      shrinking.buffer.resize(2)
      yield 'z'
    })(),
  )
  t.is(other.byteLength(index), 2)
})

test('values that are proxies or say other things of themselves', (t) => {
  const file = create(t)
  const bytes = new Uint8Array([1, 2, 3])
  for (const value of [new Proxy(bytes, {}), new Proxy(bytes.buffer, {}), Object.create(bytes)]) {
    t.throws(() => file.append(value), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => file.readInto(0, value), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  t.throws(() => file.append(throwing), { code: 'ERR_INVALID_ARG_TYPE' })
  class Liar extends Uint8Array {
    get byteLength() {
      return 1 << 30
    }
    get length() {
      file.close()
      return 1 << 30
    }
    get buffer() {
      throw own
    }
  }
  const liar = new Liar(3)
  t.is(file.append(liar), 0)
  t.is(file.byteLength(0), 3)
  t.is(file.readInto(0, liar), 3)
  t.throws(() => file.readInto(0, liar, 1), { code: 'ERR_OUT_OF_RANGE' })
})

test('buffers that were detached, shrunk or grown', (t) => {
  const file = create(t)
  const shared = new SharedArrayBuffer(4, { maxByteLength: 64 })
  const tracking = new Uint8Array(shared)
  shared.grow(64)
  for (const [value, size] of [
    [tracking, 64],
    [shared, 64],
    [new DataView(shared, 8), 56],
  ]) {
    t.is(file.byteLength(file.append(value)), size)
  }
  const resizable = new ArrayBuffer(64, { maxByteLength: 128 })
  const views = [
    new Uint8Array(resizable, 32, 32),
    new Float64Array(resizable, 32),
    new DataView(resizable, 32, 32),
    new DataView(resizable, 32),
  ]
  const sizes = () => views.map((view) => file.byteLength(file.append(view)))
  t.deepEqual(sizes(), [32, 32, 32, 32])
  resizable.resize(40)
  t.deepEqual(sizes(), [0, 8, 0, 8], 'what is outside of its buffer has no bytes')
  const target = new Uint8Array(resizable, 0, 40)
  resizable.resize(16)
  t.throws(() => file.readInto(0, target), { code: 'ERR_OUT_OF_RANGE' })
  resizable.resize(128)
  t.deepEqual(sizes(), [32, 96, 32, 96])
  structuredClone(resizable, { transfer: [resizable] })
  t.deepEqual(sizes(), [0, 0, 0, 0])
  for (const view of [...views, resizable, target]) {
    t.throws(() => file.readInto(0, view), { code: 'ERR_OUT_OF_RANGE' })
  }
  // An object may vanish before all of it is listed.
  const before = file.length
  const [gone, smaller] = [new Uint8Array(8), new ArrayBuffer(8, { maxByteLength: 8 })]
  const list = (function* () {
    yield* [gone, gone.buffer, smaller, new DataView(smaller, 4)]
    structuredClone(gone, { transfer: [gone.buffer] })
    smaller.resize(3)
    yield 'the end'
  })()
  t.is(file.appendAll(list), before)
  const after = [0, 1, 2, 3, 4].map((index) => file.byteLength(before + index))
  t.deepEqual(after, [0, 0, 3, 0, 14])
  // Shared memory is a target as any other, up to where it has grown.
  const large = new SharedArrayBuffer(4, { maxByteLength: 64 })
  const onLarge = [large, new Uint8Array(large), new DataView(large, 2)]
  const text = before + 4
  for (const one of onLarge) t.throws(() => file.readInto(text, one), { code: 'ERR_OUT_OF_RANGE' })
  large.grow(16)
  for (const one of onLarge) t.is(file.readInto(text, one), 14)
  t.is(Buffer.from(large, 2).toString('utf16le'), 'the end')
})

/** An object that `await` treats as a promise. */
const thenable = (then) => Object.defineProperty({}, 'then', { value: then })
const throws = () => {
  throw own
}

test('withLock: a result whose then throws, closes, releases or never settles', async (t) => {
  const file = create(t, 4096, { lifetime: 'last-process' })
  const other = open(t, file)
  const isFree = () =>
    t.is(
      other.withLockSync(() => 'free', { timeout: 0 }),
      'free',
    )
  const thens = Object.defineProperty({}, 'then', {
    get() {
      throw own
    },
  })
  t.throws(() => file.withLockSync(() => thens), { is: own })
  isFree()
  t.throws(() => file.withLockSync(() => throwing), { is: own })
  isFree()
  await t.throwsAsync(
    file.withLock(() => thens),
    { is: own },
  )
  isFree()
  await t.throwsAsync(
    file.withLock(() => thenable(throws)),
    { is: own },
  )
  isFree()
  const twice = thenable((resolve) => [resolve(1), resolve(2)])
  t.is(await file.withLock(() => twice), 1)
  isFree()
  await file.withLock((guard) => thenable((resolve) => [guard.release(), isFree(), resolve()]))
  isFree()
  const promise = Object.assign(Promise.resolve(3), { finally: () => 'of its own' })
  t.is(await file.withLock(() => promise), 3)
  isFree()
  const without = Object.defineProperty(Promise.resolve(4), 'constructor', { get: throws })
  await t.throwsAsync(
    file.withLock(() => without),
    { is: own },
  )
  isFree()
  const closes = thenable((resolve) => [file.close(), resolve('closed')])
  t.is(await file.withLock(() => closes), 'closed')
  isFree()
  const second = open(t, other)
  await new Promise((begun) => {
    second.withLock(() => {
      begun()
      return thenable(() => {}) // never settles; close releases
    })
  })
  t.is(other.tryLock(), undefined)
  second.close()
  isFree()
})

test('callbacks that come back: in a wait, an abort, an iteration, a stream', async (t) => {
  const file = create(t)
  const other = open(t, file)
  const controller = new AbortController()
  controller.signal.addEventListener('abort', () => other.close())
  const wait = other.waitFor(9, { signal: controller.signal })
  const lock = other.lock({ signal: controller.signal, timeout: 10_000 })
  const guard = await lock
  controller.abort()
  const { code, name } = await t.throwsAsync(wait)
  t.true(code === 'ERR_MMFILE_CLOSED' || name === 'AbortError')
  guard.release()
  t.is(file.append('the lock is free'), 0)

  const third = open(t, file)
  await rejects(
    t,
    async () => {
      for await (const _ of third.segments()) {
        file.append('one more')
        third.waitFor(1).then(
          () => third.close(),
          () => {},
        )
      }
    },
    'ERR_MMFILE_CLOSED',
  )
  const fourth = open(t, file)
  const stream = fourth.createReadStream()
  const failed = new Promise((resolve) => stream.on('error', resolve))
  stream.on('data', () => fourth.close())
  t.is((await failed).code, 'ERR_MMFILE_CLOSED')
})

const wrong = [undefined, null, {}, [], 5, 'x', () => {}, new Proxy({}, {})]

test('methods and properties called on foreign objects', async (t) => {
  const file = create(t)
  const mutex = closing(t, NamedMutex.open(uniqueId('mutex')))
  const guard = mutex.tryLock()
  for (const thing of [file, mutex, guard]) {
    const prototype = Object.getPrototypeOf(thing)
    const others = [file, mutex, guard].filter((one) => one !== thing)
    const fakes = [Object.create(prototype), new Proxy(thing, {}), Object.create(thing), prototype]
    for (const key of Reflect.ownKeys(prototype)) {
      if (key === 'constructor') continue
      const { get, value } = Object.getOwnPropertyDescriptor(prototype, key)
      for (const self of [...wrong, ...others, ...fakes]) {
        const call = async () => (get ?? value).call(self, 0, 'x')
        const named = typeof key === 'symbol' || key === 'abandoned'
        // A method that only calls another method finds one of that name.
        if (named && others.includes(self)) continue
        if (named) await call().catch((error) => t.true(error instanceof TypeError))
        else await t.throwsAsync(call, { instanceOf: TypeError }, String(key))
      }
    }
  }
  t.is(file.append('as before'), 0)
  guard.release()
  t.truthy(mutex.tryLock())
})

test('subclasses and constructors', (t) => {
  class Mine extends MmFile {}
  t.throws(() => new Mine(), { instanceOf: TypeError })
  t.throws(() => Reflect.construct(MmFile, [], Array), { instanceOf: TypeError })
  t.throws(() => Reflect.construct(NamedMutex, [Symbol('NamedMutex'), 1, 'x', true]), {
    instanceOf: TypeError,
  })
  const file = closing(t, Mine.createNew(64))
  t.true(file instanceof MmFile)
  t.is(file.append('x'), 0)
  t.is(Reflect.apply(MmFile.openExisting, undefined, [file.id]).read(0), 'x')
  const prototype = Object.getPrototypeOf(file)
  Object.setPrototypeOf(file, null)
  t.is(MmFile.prototype.read.call(file, 0), 'x')
  Object.setPrototypeOf(file, prototype)
  const error = new MmFileError('ERR_MMFILE_CLOSED', 'mine')
  t.is(error.code, 'ERR_MMFILE_CLOSED')
})

test('numbers at the edges', async (t) => {
  const file = create(t)
  t.is(file.write(-0, 'x'), undefined)
  t.is(file.read(-0), 'x')
  t.is(file.readInto(-0, new Uint8Array(2), -0), 2)
  t.true(Object.is(file.appendAll([]), 1))
  for (const index of [1, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    for (const member of ['read', 'readBytes', 'view', 'byteLength']) {
      refuses(t, () => file[member](index), 'ERR_MMFILE_SEGMENT_RANGE')
    }
    refuses(t, () => file.waitForSync(index, { timeout: 0 }), 'ERR_MMFILE_TIMEOUT')
    await rejects(t, file.waitFor(index, { timeout: 1 }), 'ERR_MMFILE_TIMEOUT')
  }
  refuses(t, () => file.write(2 ** 53 - 1, 'x'), 'ERR_MMFILE_SEGMENT_ORDER')
  const times = [-0, Number.MIN_VALUE, 0.1, 2 ** 31, 2 ** 53, 1e21, Number.MAX_VALUE, Infinity]
  for (const timeout of times) {
    file.waitForSync(0, { timeout, spin: timeout })
    await file.waitFor(0, { timeout })
    t.is(
      file.withLockSync(() => 5, { timeout }),
      5,
    )
    const guard = await file.lock({ timeout: timeout || 1000 }).catch(() => file.lock())
    guard.release()
    open(t, file, { lockTimeout: timeout }).close()
    const wait = file.waitFor(7, { timeout: timeout || 1 }).catch(() => {})
    t.true(wait instanceof Promise)
  }
  const started = performance.now()
  for (const spin of [0, 1, 2 ** 53, Number.MAX_VALUE, Infinity]) {
    refuses(t, () => file.waitForSync(7, { timeout: 20, spin }), 'ERR_MMFILE_TIMEOUT')
  }
  t.true(performance.now() - started < PROMPT)
  for (const from of [2 ** 53, Number.NaN, -1]) {
    t.throws(() => file.segments({ from }), { code: 'ERR_OUT_OF_RANGE' })
  }
})
