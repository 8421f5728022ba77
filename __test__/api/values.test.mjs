// Every writable value comes back unchanged, at any position in the file.

import test from 'ava'
import { create, open, refuses } from '../support/files.mjs'

const MIB = 1 << 20

const texts = {
  'the empty one': '',
  'one letter': 'a',
  'a NUL': '\0',
  'NULs inside': 'a\0\0b\0',
  'Latin-1': 'Grüße, façade \xff',
  'other scripts': '日本語 العربية हिन्दी',
  emoji: '👩‍👩‍👧‍👦 💾 🇨🇭',
  'a high surrogate alone': '\ud83d',
  'a low surrogate alone': '\udcbe',
  'surrogates in the wrong order': '\udcbe\ud83d',
  'lone surrogates between letters': 'a\ud800b\udfffc',
  'a byte order mark': '\ufeff',
  'the last code unit': '\uffff\ufffe',
  'line ends': '\r\n\u2028\u2029',
  XML: '<?xml version="1.0" encoding="utf-16"?>\r\n<TaskInfoCollection/>',
}

for (const [name, text] of Object.entries(texts)) {
  test(`a string: ${name}`, (t) => {
    const file = create(t)
    const other = open(t, file, { access: 'read' })
    // At even and at odd offsets: text is aligned in one case and not in the other.
    for (const fill of [0, 1, 2, 3]) {
      file.append(new Uint8Array(fill))
      const index = file.append(text)
      for (const reader of [file, other]) {
        t.is(reader.read(index), text)
        t.is(reader.byteLength(index), text.length * 2)
        t.deepEqual(reader.readBytes(index), Buffer.from(text, 'utf16le'))
      }
    }
  })
}

test('strings however the engine keeps them', (t) => {
  const file = create(t, MIB)
  const latin = 'one byte a letter, long enough to be kept as a rope. '
  const strings = [
    latin.repeat(50),
    `${latin.repeat(20)}é${latin}`,
    `${latin}${'日本'.repeat(40)}${latin}`, // a rope of both kinds
    (latin + '日本'.repeat(40)).slice(5, 70), // a slice
    JSON.parse('"\\ud83d\\ude00"'),
    String.fromCharCode(...Array.from({ length: 1000 }, (_, at) => at * 65)),
    Buffer.alloc(5000, 'x').toString('latin1'), // outside of the engine's heap
    Symbol.for('an internalized one').description,
  ]
  for (const text of strings) t.is(file.read(file.append(text)), text)
  t.deepEqual([...file], strings)
})

test('every code unit', (t) => {
  const file = create(t, MIB)
  const text =
    String.fromCharCode(...Array(0x8000).keys()) +
    String.fromCharCode(...Array.from(Array(0x8000).keys(), (unit) => unit + 0x8000))
  t.is(text.length, 0x10000)
  t.true(file.read(file.append(text)) === text)
})

const bytes = Uint8Array.from({ length: 64 }, (_, at) => (at * 37 + 5) & 255)
const { buffer } = bytes

/** A value and its bytes. */
const values = {
  'no bytes': [new Uint8Array(0), []],
  'one byte': [new Uint8Array([255]), [255]],
  'one zero byte': [new Uint8Array([0]), [0]],
  'an odd number of bytes': [new Uint8Array([1, 2, 3]), [1, 2, 3]],
  'all bytes': [Uint8Array.from({ length: 256 }, (_, at) => at), Array.from(Array(256).keys())],
  'an ArrayBuffer': [buffer, [...bytes]],
  'an empty ArrayBuffer': [new ArrayBuffer(0), []],
  'a Buffer': [Buffer.from('Grüße'), [...Buffer.from('Grüße')]],
  'a part of a Buffer': [Buffer.from(buffer).subarray(3, 6), [...bytes.subarray(3, 6)]],
  'a DataView': [new DataView(buffer), [...bytes]],
  'a DataView with an offset': [new DataView(buffer, 5, 7), [...bytes.subarray(5, 12)]],
  'an empty DataView at the end': [new DataView(buffer, 64), []],
  'an empty Float64Array': [new Float64Array(0), []],
}

const kinds = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ...(globalThis.Float16Array ? [globalThis.Float16Array] : []),
]
for (const Kind of kinds) {
  const size = Kind.BYTES_PER_ELEMENT
  values[`a ${Kind.name}`] = [new Kind(buffer), [...bytes]]
  const part = new Kind(buffer, 2 * size, 3)
  values[`a part of a ${Kind.name}`] = [part, [...bytes.subarray(2 * size, 5 * size)]]
}

const shared = new SharedArrayBuffer(64)
new Uint8Array(shared).set(bytes)
values['a SharedArrayBuffer'] = [shared, [...bytes]]
values['a view of a SharedArrayBuffer'] = [new Uint8Array(shared, 3, 4), [...bytes.subarray(3, 7)]]
values['an Int32Array on a SharedArrayBuffer'] = [
  new Int32Array(shared, 8, 2),
  [...bytes.subarray(8, 16)],
]
values['a DataView of a SharedArrayBuffer'] = [
  new DataView(shared, 1, 5),
  [...bytes.subarray(1, 6)],
]

for (const [name, [value, expected]] of Object.entries(values)) {
  test(`bytes: ${name}`, (t) => {
    const file = create(t)
    const other = open(t, file)
    const index = file.append('before')
    t.is(file.append(value), index + 1)
    file.write(index + 2, value)
    t.is(file.appendAll([value, 'after']), index + 3)
    for (const reader of [file, other]) {
      for (const at of [index + 1, index + 2, index + 3]) {
        t.deepEqual([...reader.readBytes(at)], expected)
        t.deepEqual([...reader.view(at)], expected)
        t.is(reader.byteLength(at), expected.length)
      }
      t.is(reader.read(index + 4), 'after')
    }
  })
}

test('views whose length follows their buffer', (t) => {
  const file = create(t)
  const resizable = new ArrayBuffer(16, { maxByteLength: 64 })
  const following = [
    new Uint8Array(resizable, 8),
    new DataView(resizable, 8),
    new Int16Array(resizable),
  ]
  const fixed = [new Uint8Array(resizable, 8, 8), new DataView(resizable, 8, 8)]
  const lengths = (list) => list.map((view) => file.byteLength(file.append(view)))
  t.deepEqual(lengths([...following, ...fixed]), [8, 8, 16, 8, 8])
  resizable.resize(32)
  t.deepEqual(lengths([...following, ...fixed]), [24, 24, 32, 8, 8])
  // Outside of their buffer: nothing may be read from there.
  resizable.resize(4)
  t.deepEqual(lengths([...following, ...fixed]), [0, 0, 4, 0, 0])
  const growable = new SharedArrayBuffer(8, { maxByteLength: 64 })
  const ends = new DataView(growable, 2)
  growable.grow(32)
  t.deepEqual(lengths([growable, ends]), [32, 30])
})

test('a Buffer from the pool brings its own bytes only', (t) => {
  const file = create(t)
  const small = Buffer.from('in the pool')
  t.true(small.buffer.byteLength > small.length)
  t.is(file.readBytes(file.append(small)).toString(), 'in the pool')
})

test('changing a value afterwards does not change its segment', (t) => {
  const file = create(t)
  const value = new Uint8Array([1, 2, 3])
  file.append(value)
  file.appendAll([value, value.buffer])
  value.fill(9)
  for (const index of [0, 1, 2]) t.deepEqual([...file.readBytes(index)], [1, 2, 3])
})

test('an odd number of bytes is no text, and says how to read it', (t) => {
  const file = create(t)
  for (const size of [1, 3, 4095 - 100]) {
    const index = file.append(new Uint8Array(size))
    const { message } = refuses(t, () => file.read(index), 'ERR_MMFILE_NOT_TEXT')
    const reason = `it has an odd number of bytes, ${size}`
    t.true(message.includes(`segment ${index} is not UTF-16 text (${reason}): read`), message)
    t.is(file.readBytes(index).length, size)
  }
  refuses(t, () => [...file], 'ERR_MMFILE_NOT_TEXT')
})

test('reading a missing segment is ERR_MMFILE_SEGMENT_RANGE, by every method', (t) => {
  const file = create(t)
  const target = new Uint8Array(8).fill(7)
  for (const length of [0, 1]) {
    for (const index of [length, length + 1, 2 ** 31, 2 ** 32, 2 ** 32 + length, 2 ** 53 - 1]) {
      for (const act of [
        () => file.read(index),
        () => file.readBytes(index),
        () => file.readInto(index, target),
        () => file.view(index),
        () => file.byteLength(index),
      ]) {
        const { message } = refuses(t, act, 'ERR_MMFILE_SEGMENT_RANGE')
        t.true(message.includes(String(index)))
      }
    }
    file.append('x')
  }
  t.true(target.every((byte) => byte === 7))
})

test('readBytes returns a copy, readInto fills its target', (t) => {
  const file = create(t)
  file.append(new Uint8Array([1, 2, 3, 4]))
  const copy = file.readBytes(0)
  t.true(Buffer.isBuffer(copy))
  copy.fill(9)
  t.deepEqual([...file.readBytes(0)], [1, 2, 3, 4])

  const plain = new Uint8Array(8)
  t.is(file.readInto(0, plain), 4)
  t.is(file.readInto(0, plain, 4), 4)
  t.deepEqual([...plain], [1, 2, 3, 4, 1, 2, 3, 4])
  const around = new Uint8Array(10).fill(7)
  t.is(file.readInto(0, around.subarray(2, 8), 1), 4)
  t.deepEqual([...around], [7, 7, 7, 1, 2, 3, 4, 7, 7, 7], 'and not a byte beside it')
  const words = new Uint32Array(3)
  t.is(file.readInto(0, words, 5), 4)
  t.deepEqual([...new Uint8Array(words.buffer)], [0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0])
  for (const target of [
    new ArrayBuffer(6),
    new SharedArrayBuffer(6),
    new DataView(new ArrayBuffer(7), 1),
    new Int16Array(3),
    Buffer.alloc(6),
    new Uint8Array(new SharedArrayBuffer(9), 2, 6),
  ]) {
    t.is(file.readInto(0, target, 1), 4)
    const all = ArrayBuffer.isView(target)
      ? new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
      : new Uint8Array(target)
    t.deepEqual([...all], [0, 1, 2, 3, 4, 0])
  }
  file.append('')
  t.is(file.readInto(1, new Uint8Array(0)), 0)
})

test.serial('64 MiB of text and of bytes', (t) => {
  const size = 64 * MIB
  const file = create(t, 2 * size + 9 + 8)
  const big = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at += 4) big.writeUInt32LE((at * 2654435761) >>> 0, at)
  const text = big.toString('utf16le') // any pattern of bits, lone surrogates too
  t.is(text.length, size / 2)
  file.append(new Uint8Array(1)) // the following segments are at odd offsets
  t.is(file.append(text), 1)
  t.is(file.append(big), 2)
  t.deepEqual([file.size, file.length], [2 * size + 13, 3])
  const other = open(t, file, { access: 'read' })
  t.true(other.read(1) === text)
  t.is(other.readBytes(2).compare(big), 0)
  t.is(Buffer.compare(other.view(1), big), 0)
  const target = Buffer.alloc(size + 2)
  t.is(other.readInto(2, target, 1), size)
  t.is(big.compare(target, 1, size + 1), 0)
  t.deepEqual([target[0], target[size + 1]], [0, 0])
  refuses(t, () => file.append('x'), 'ERR_MMFILE_CAPACITY')
})
