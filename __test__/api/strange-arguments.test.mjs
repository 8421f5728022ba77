// Arguments that throw when they are read, revoked proxies, strange names, and numbers in unusual
// places: the error is the same as for any wrong argument.

import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import test from 'ava'
import { list, MmFile, NamedMutex, remove } from 'mmfile'
import { closing, create, left, uniqueId } from '../support/files.mjs'

const type = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_TYPE' }

/** Things that cannot be looked at as others can, each made anew. */
const shy = () => {
  const throwing = {
    get() {
      throw new Error('not for you')
    },
  }
  const revoked = (target) => {
    const { proxy, revoke } = Proxy.revocable(target, {})
    revoke()
    return proxy
  }
  const named = (name) => Object.defineProperty(() => {}, 'name', name)
  const made = (how) => Object.create(null, { constructor: how })
  return [
    revoked({}),
    revoked([]),
    revoked(() => {}),
    new Proxy({}, throwing),
    new Proxy(() => {}, throwing),
    named({ value: Symbol('s') }),
    named({ value: {} }),
    named(throwing),
    made(throwing),
    made({ value: null }),
    made({ value: { name: Symbol('s') } }),
    made({ value: { name: { toString: throwing.get } } }),
    made({ value: Object.defineProperty({}, 'name', throwing) }),
    Object.create(null),
    Object.assign(Object.create(null), { [inspect.custom]: throwing.get }),
    Object.create(null, { [Symbol.toStringTag]: throwing }),
    Object.assign(new Error('x'), { constructor: undefined, stack: Symbol('s') }),
  ]
}

const revoked = () => shy().slice(0, 3)
const objects = () => shy().filter((one) => typeof one === 'object')

const id = uniqueId('shy')
const calls = [
  ['index', (file, wrong) => file.read(wrong)],
  ['value', (file, wrong) => file.append(wrong)],
  ['values[0]', (file, wrong) => file.appendAll([wrong])],
  ['values', (file, wrong) => file.appendAll(wrong), revoked],
  ['target', (file, wrong) => file.readInto(0, wrong)],
  ['targetOffset', (file, wrong) => file.readInto(0, new Uint8Array(64), wrong)],
  ['work', (file, wrong) => file.withLockSync(wrong), objects],
  ['options', (file, wrong) => file.waitFor(9, wrong), revoked],
  ['options', (file, wrong) => file.withLockSync(() => {}, wrong), revoked],
  ['options', (_, wrong) => MmFile.createNew(64, wrong), revoked],
  ['options.prefixes', (_, prefixes) => MmFile.createNew(64, { id, prefixes }), revoked],
  ['options.prefixes.data', (_, data) => MmFile.createNew(64, { id, prefixes: { data } })],
  ['options.timeout', (file, timeout) => file.waitFor(9, { timeout })],
  ['options.signal', (file, signal) => file.waitFor(9, { signal })],
  ['options.signal', (file, signal) => file.lock({ signal })],
  ['options.requirePeer', (file, requirePeer) => file.waitFor(9, { requirePeer })],
  ['options.requirePeer', (file, requirePeer) => file.waitForSync(9, { requirePeer })],
  ['options.directory', (_, directory) => MmFile.createNew(64, { id, directory })],
  ['options.directory', (_, directory) => NamedMutex.open(id, { directory })],
  ['options.prefix', (_, prefix) => NamedMutex.open(id, { prefix })],
  ['options', (_, wrong) => NamedMutex.open(id, wrong), revoked],
  ['options.kind', (_, kind) => remove(id, { kind })],
  ['options', (_, wrong) => list(wrong), revoked],
  ['options.as', (file, as) => file.segments({ as })],
  ['capacity', (_, capacity) => MmFile.createNew(capacity, { id })],
  ['id', (_, wrong) => MmFile.openExisting(wrong)],
  ['path', (_, wrong) => MmFile.openFile(wrong)],
]

test('unreadable objects, as every argument', async (t) => {
  const file = create(t)
  file.append('x')
  for (const [name, call, values = shy] of calls) {
    const kind = name.includes('.') ? 'property' : 'argument'
    for (const wrong of values()) {
      const { message } = await t.throwsAsync(async () => call(file, wrong), type, name)
      t.true(message.startsWith(`The "${name}" ${kind} must be `), message)
      t.regex(message, / Received [^ ].*$/)
    }
  }
  t.deepEqual(left(id), [])
  t.deepEqual([...file], ['x'])
  file.withLockSync(() => file.append('nothing is locked'))
})

const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
const notNumbers = [null, true, 1n, '0', '', Symbol('s'), {}, [], () => {}, new Number(0)]

/** The functions with a time or a number that the other tests of arguments do not cover. */
const numeric = {
  'options.timeout': [
    (file, _, timeout) => file.lock({ timeout }),
    (_, mutex, timeout) => mutex.lock({ timeout }),
    (_, mutex, timeout) => mutex.lockSync({ timeout }),
    (_, mutex, timeout) => mutex.withLockSync(() => {}, { timeout }),
  ],
  'options.from': [
    (file, _, from) => file.segments({ from }),
    (file, _, from) => file.createReadStream({ from }),
  ],
  'options.highWaterMark': [
    (file, _, highWaterMark) => file.createReadStream({ highWaterMark }),
    (file, _, highWaterMark) => file.createWriteStream({ highWaterMark }),
  ],
  'options.lockTimeout': [(_, __, lockTimeout) => NamedMutex.open(id, { lockTimeout })],
  capacity: [(_, __, capacity) => MmFile.createFile(join(tmpdir(), id), capacity)],
}

for (const [name, calls] of Object.entries(numeric)) {
  test(`not a number, or out of range: ${name}`, async (t) => {
    const file = create(t)
    const mutex = closing(t, NamedMutex.open(uniqueId('numbers')))
    const message = new RegExp(`"${name}"`)
    const isTime = /timeout$/i.test(name)
    const wrong = [-1, -Infinity, NaN, ...(isTime ? [] : [0.5, -0.5, Infinity, 2 ** 53, 2 ** 64])]
    // `null` is as good as nothing to Node.js's streams.
    const others = name === 'options.highWaterMark' ? notNumbers.slice(1) : notNumbers
    for (const call of calls) {
      for (const one of others) {
        await t.throwsAsync(async () => call(file, mutex, one), { ...type, message })
      }
      for (const one of wrong) {
        await t.throwsAsync(async () => call(file, mutex, one), { ...range, message }, `${one}`)
      }
    }
    t.is(file.append('x'), 0)
    mutex.withLockSync(() => {}, { timeout: -0 })
    file.withLockSync(() => {}, { timeout: -0 })
    t.false(existsSync(join(tmpdir(), id)))
  })
}

test('a path that only looks like a URL, and a URL with misleading own properties', (t) => {
  const url = pathToFileURL(resolve('nowhere'))
  for (const wrong of [Object.create(URL.prototype), new Proxy(url, {}), Object.create(url)]) {
    t.throws(() => MmFile.openFile(wrong), type)
  }
  Object.defineProperty(url, 'href', { value: 'file:///elsewhere' })
  const error = t.throws(() => MmFile.openFile(url), { code: 'ERR_MMFILE_NOT_FOUND' })
  t.regex(error.message, /nowhere/)
})
