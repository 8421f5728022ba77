// The three ways to write: write with its index, append, and appendAll, which is all or nothing.

import test from 'ava'
import { create, open, refuses } from '../support/files.mjs'

test('write takes the next index and no other', (t) => {
  const file = create(t)
  const other = open(t, file)
  t.is(file.write(0, 'zero'), undefined)
  other.write(1, 'one')
  for (const [index, length] of [
    [0, 2],
    [1, 2],
    [3, 2],
    [2 ** 32, 2],
    [2 ** 32 + 2, 2],
    [Number.MAX_SAFE_INTEGER, 2],
  ]) {
    const { message } = refuses(t, () => file.write(index, 'wrong'), 'ERR_MMFILE_SEGMENT_ORDER')
    t.true(message.includes(`${index}`) && message.includes(`${length}`), message)
  }
  t.deepEqual([...other], ['zero', 'one'])
  file.write(2, 'two')
  t.deepEqual([...other], ['zero', 'one', 'two'])
})

test('two that write the same index: one of them wins', (t) => {
  const file = create(t)
  const handles = [file, open(t, file), open(t, file)]
  for (let index = 0; index < 30; index += 1) {
    const winners = handles.filter((handle, at) => {
      try {
        handle.write(index, `${at}`)
        return true
      } catch (error) {
        t.is(error.code, 'ERR_MMFILE_SEGMENT_ORDER')
        return false
      }
    })
    t.is(winners.length, 1)
    handles.push(handles.shift())
  }
  t.is(file.length, 30)
})

test('append returns the index of the segment', (t) => {
  const file = create(t)
  const other = open(t, file)
  t.is(file.append('a'), 0)
  t.is(other.append('b'), 1)
  file.write(2, 'c')
  t.is(other.append(''), 3)
  t.is(file.appendAll(['d', 'e']), 4)
  t.is(other.append('f'), 6)
  t.deepEqual([...file], ['a', 'b', 'c', '', 'd', 'e', 'f'])
})

test('length and size are always current', (t) => {
  const file = create(t)
  const other = open(t, file, { access: 'read' })
  let size = 0
  for (const [at, text] of ['', 'a', 'bc', ''].entries()) {
    file.append(text)
    size += 4 + text.length * 2
    for (const handle of [file, other]) t.deepEqual([handle.length, handle.size], [at + 1, size])
  }
})

test('appendAll gives consecutive indexes, and the first of them', (t) => {
  const file = create(t)
  t.is(file.appendAll(['a', new Uint8Array([98, 0]), Buffer.from('c\0'), '']), 0)
  t.is(file.appendAll(new Set(['x', 'y'])), 4)
  t.is(
    file.appendAll(
      (function* () {
        yield 'g'
        yield ''
      })(),
    ),
    6,
  )
  t.deepEqual([...file], ['a', 'b', 'c', '', 'x', 'y', 'g', ''])
  t.is(file.size, 8 * 4 + 6 * 2)
})

test('appendAll of nothing returns the next index', (t) => {
  const file = create(t)
  t.is(file.appendAll([]), 0)
  file.append('a')
  t.is(file.appendAll([]), 1)
  t.deepEqual([file.length, file.size], [1, 6])
})

test('appendAll: the last value does not fit, so none is written', (t) => {
  const file = create(t, 100)
  const other = open(t, file)
  file.append('first')
  for (const count of [9, 10, 50]) {
    const values = Array.from({ length: count }, (_, at) => `value ${at % 10}`.slice(0, 5))
    refuses(t, () => file.appendAll(values), 'ERR_MMFILE_CAPACITY')
    t.deepEqual([file.length, file.size, other.length, other.size], [1, 14, 1, 14])
  }
  t.is(file.appendAll(['12345', '12345', '12345', '12345', '12345', '12345']), 1)
  t.is(other.size, 98)
})

test('appendAll of ten thousand', (t) => {
  const file = create(t, 1 << 20)
  const values = Array.from({ length: 10_000 }, (_, at) =>
    at % 3 === 0 ? `${at}` : new Uint8Array(at % 7),
  )
  t.is(file.appendAll(values), 0)
  t.is(file.length, 10_000)
  const wrong = values.findIndex((value, at) =>
    typeof value === 'string' ? file.read(at) !== value : file.byteLength(at) !== value.length,
  )
  t.is(wrong, -1)
})

test('values that change while they are listed', (t) => {
  const file = create(t)
  const values = ['a', 'b']
  const index = file.appendAll(
    (function* () {
      for (const value of values) {
        if (values.length < 4) values.push('more')
        yield value
      }
    })(),
  )
  t.is(index, 0)
  t.deepEqual([...file], ['a', 'b', 'more', 'more'])
})

test('a list that writes to the file itself, or closes it', (t) => {
  const file = create(t)
  const index = file.appendAll(
    (function* () {
      yield 'second'
      file.append('first')
      yield 'third'
    })(),
  )
  t.is(index, 1)
  t.deepEqual([...file], ['first', 'second', 'third'])
  const closing = open(t, file)
  const values = (function* () {
    yield 'x'
    closing.close()
  })()
  refuses(t, () => closing.appendAll(values), 'ERR_MMFILE_CLOSED')
  t.is(file.length, 3)
})

test('a detached buffer has no bytes', (t) => {
  const file = create(t)
  const view = new Uint8Array([1, 2, 3])
  structuredClone(view.buffer, { transfer: [view.buffer] })
  t.is(file.append(view), 0)
  t.is(file.byteLength(0), 0)
})
