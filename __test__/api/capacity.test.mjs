// Filling a file to its last byte, and what does not fit: nothing of it is written.

import test from 'ava'
import { create, open, refuses } from '../support/files.mjs'

/** Everything that a refused call could have changed. */
function state(file) {
  const segments = Array.from({ length: file.length }, (_, at) =>
    file.readBytes(at).toString('hex'),
  )
  return { length: file.length, size: file.size, sealed: file.sealed, segments }
}

/** Checks that `act` fails for lack of room, that its error says by how much, and that no handle sees a change. */
function overflows(t, file, needed, act) {
  const other = open(t, file)
  const before = state(file)
  const available = file.capacity - file.size
  const error = refuses(t, act, 'ERR_MMFILE_CAPACITY')
  t.deepEqual([error.needed, error.available], [needed, available])
  t.true(error.message.includes(`${needed}`) && error.message.includes(`${available}`))
  t.deepEqual(state(file), before)
  t.deepEqual(state(other), before)
  other.close()
}

const letters = (count) => 'abcdefgh日\ud800'.repeat(count).slice(0, count)

for (const start of [0, 1, 2, 3, 4, 5, 6, 7]) {
  test(`to the last byte with text that begins ${start + 8} bytes in`, (t) => {
    for (const count of [0, 1, 2, 3, 100, 2047]) {
      const file = create(t, 4 + start + 4 + 2 * count)
      const first = new Uint8Array(start).fill(1)
      file.append(first)
      overflows(t, file, 4 + 2 * count + 2, () => file.append(letters(count + 1)))
      t.is(file.append(letters(count)), 1)
      t.is(file.size, file.capacity)
      t.is(file.read(1), letters(count))
      t.deepEqual([...file.readBytes(0)], [...first], 'nothing before it was touched')
      overflows(t, file, 4, () => file.append(''))
      overflows(t, file, 6, () => file.append('x'))
    }
  })

  test(`to the last byte with bytes that begin ${start + 8} bytes in`, (t) => {
    for (const count of [0, 1, 2, 3, 100, 4093]) {
      const file = create(t, 4 + start + 4 + count)
      file.append(new Uint8Array(start))
      overflows(t, file, 4 + count + 1, () => file.append(new Uint8Array(count + 1)))
      const bytes = new Uint8Array(count).fill(255)
      t.is(file.append(bytes), 1)
      t.is(file.size, file.capacity)
      t.deepEqual([...file.readBytes(1)], [...bytes])
      overflows(t, file, 4, () => file.append(new Uint8Array(0)))
    }
  })

  // Behind the text there is room for a part of the next size word only.
  test(`text with less than a size word of room behind it, ${start} bytes in`, (t) => {
    for (const room of [1, 2, 3, 4, 5]) {
      const file = create(t, 4 + start + 4 + 20 + room)
      file.append(new Uint8Array(start))
      file.append(letters(10))
      t.is(open(t, file).read(1), letters(10))
      t.is(file.capacity - file.size, room)
      if (room < 4) overflows(t, file, 4, () => file.append(''))
      else t.is(file.append(''), 2)
    }
  })
}

test('every way to write reports a value that does not fit', (t) => {
  const file = create(t, 40)
  file.append('start') // 14 bytes
  const big = new Uint8Array(30)
  overflows(t, file, 34, () => file.append(big))
  overflows(t, file, 34, () => file.append(big.buffer))
  overflows(t, file, 34, () => file.append(new DataView(big.buffer)))
  overflows(t, file, 34, () => file.write(1, big))
  overflows(t, file, 36, () => file.append('x'.repeat(16)))
  overflows(t, file, 34, () => file.appendAll([big]))
  overflows(t, file, 4 + 10 + 4 + 10, () =>
    file.appendAll([new Uint8Array(10), new Uint8Array(10)]),
  )
  overflows(t, file, 7 * 4, () => file.appendAll(Array(7).fill('')))
  t.is(file.appendAll([new Uint8Array(10), new Uint8Array(8)]), 1)
  t.is(file.size, 40)
})

test('a write of the wrong index is that, even if it would not fit', (t) => {
  const file = create(t, 40)
  refuses(t, () => file.write(1, new Uint8Array(100)), 'ERR_MMFILE_SEGMENT_ORDER')
})

test('values far larger than the file', (t) => {
  const file = create(t, 16)
  const large = 300_000_000
  overflows(t, file, 4 + 2 * large, () => file.append('x'.repeat(large)))
  const many = new Array(100).fill(new Uint8Array(1 << 27))
  overflows(t, file, 100 * (4 + 2 ** 27), () => file.appendAll(many))
})

test('a full file is still read, sealed, iterated and waited on', async (t) => {
  const file = create(t, 2 * 14)
  file.appendAll(['first', 'secon'])
  t.deepEqual([...file], ['first', 'secon'])
  await file.waitFor(1)
  file.waitForSync(1, { timeout: 0 })
  const third = file.waitFor(2)
  file.seal()
  t.true(open(t, file).sealed)
  await t.throwsAsync(third, { code: 'ERR_MMFILE_SEALED' })
  refuses(t, () => file.append(''), 'ERR_MMFILE_SEALED')
  t.deepEqual([file.length, file.size], [2, 28])
})

test('small files of every capacity, filled with this and that', (t) => {
  // The test itself counts what is written.
  for (let capacity = 1; capacity < 120; capacity += 1) {
    const file = create(t, capacity)
    const written = []
    let used = 0
    for (let at = 0; at < 40; at += 1) {
      const size = (capacity * 7 + at * 13) % 23
      const text = size % 2 === 0
      const value = text ? letters(size / 2) : new Uint8Array(size).fill(at + 1)
      if (used + 4 + size > capacity) {
        const { needed, available } = refuses(t, () => file.append(value), 'ERR_MMFILE_CAPACITY')
        t.deepEqual([needed, available], [4 + size, capacity - used])
      } else {
        t.is(file.append(value), written.length)
        used += 4 + size
        written.push(Buffer.from(value, 'utf16le').toString('hex'))
      }
    }
    t.deepEqual(state(file), {
      length: written.length,
      size: used,
      sealed: false,
      segments: written,
    })
    file.close()
  }
})
