// seal(): no more segments, from any process.

import { readFileSync } from 'node:fs'
import test from 'ava'
import { MmFile } from 'mmfile'
import { start } from '../support/child.mjs'
import { closing, create, objectOf, open, refuses } from '../support/files.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

test('a sealed file accepts no more segments, from any handle by any method', (t) => {
  const file = create(t)
  const other = open(t, file)
  const reader = open(t, file, { access: 'read' })
  file.append('x')
  t.deepEqual([file.sealed, other.sealed, reader.sealed], [false, false, false])
  t.is(other.seal(), undefined)
  const late = open(t, file)
  for (const handle of [file, other, reader, late]) {
    t.deepEqual([handle.sealed, handle.length, handle.size], [true, 1, 6])
    t.is(handle.read(0), 'x')
  }
  const full = new Uint8Array(5000)
  for (const handle of [file, other, late]) {
    for (const act of [
      () => handle.append('y'),
      () => handle.append(''),
      () => handle.append(full),
      () => handle.write(1, 'y'),
      () => handle.write(0, 'y'),
      () => handle.appendAll(['y']),
      () => handle.appendAll([]),
      () => handle.withLockSync(() => handle.append('y')),
    ]) {
      t.regex(refuses(t, act, 'ERR_MMFILE_SEALED').message, /sealed/)
    }
  }
  refuses(t, () => reader.append('y'), 'ERR_MMFILE_READ_ONLY')
  refuses(t, () => file.read(1), 'ERR_MMFILE_SEGMENT_RANGE')
  t.deepEqual([file.length, file.size], [1, 6])
})

test('sealing again changes nothing', (t) => {
  const file = create(t)
  file.append('x')
  file.seal()
  file.seal()
  open(t, file).seal()
  t.deepEqual([file.sealed, file.length, file.size], [true, 1, 6])
})

test('an empty file, and a handle without synchronization', (t) => {
  for (const synchronized of [true, false]) {
    const file = create(t, 64, { synchronized })
    file.seal()
    t.deepEqual([file.sealed, file.length, file.size, [...file]], [true, 0, 0, []])
    refuses(t, () => file.append(''), 'ERR_MMFILE_SEALED')
  }
})

for (const room of [0, 1, 2, 3, 4, 5]) {
  onLinux(`a file with ${room} bytes of room behind its end`, (t) => {
    const file = create(t, 14 + room)
    file.append('12345')
    file.seal()
    const late = open(t, file)
    for (const handle of [file, late]) {
      t.deepEqual(
        [handle.sealed, handle.length, handle.size, handle.read(0)],
        [true, 1, 14, '12345'],
      )
      refuses(t, () => handle.append(''), 'ERR_MMFILE_SEALED')
    }
    const behind = readFileSync(objectOf(file)).subarray(14, 14 + room)
    const word = [255, 255, 255, 255].slice(0, room >= 4 ? 4 : 0)
    t.deepEqual([...behind], [...word, ...Array(room - word.length).fill(0)])
  })
}

test('sealing inside withLock', (t) => {
  const file = create(t)
  file.withLockSync(() => {
    file.append('last')
    file.seal()
    refuses(t, () => file.append('x'), 'ERR_MMFILE_SEALED')
  })
  t.true(open(t, file).sealed)
})

test('the seal stays when its process has gone', (t) => {
  const file = create(t, 64, { lifetime: 'last-process' })
  const other = open(t, file)
  file.seal()
  file.close()
  t.true(other.sealed)
  const late = closing(t, MmFile.createOrOpen(other.id, 64))
  t.deepEqual([late.isCreator, late.sealed], [false, true])
})

test('concurrent appends are complete, or refused', async (t) => {
  for (let round = 0; round < 5; round += 1) {
    const file = create(t, 1 << 20)
    const children = [0, 1].map((at) => start(t, 'appenders', 'untilSealed', [file.id, at]))
    for (const child of children) await child.next()
    for (const child of children) child.tell('go')
    await file.waitFor(50 * (round + 1))
    file.seal()
    const { length } = file
    const counts = await Promise.all(children.map((child) => child.next()))
    t.is(counts[0].count + counts[1].count, length)
    t.deepEqual([counts[0].code, counts[1].code], ['ERR_MMFILE_SEALED', 'ERR_MMFILE_SEALED'])
    t.is(file.length, length)
    for (const at of [0, 1]) {
      const theirs = [...file].filter((text) => text.startsWith(`${at}:`))
      t.deepEqual(
        theirs,
        Array.from({ length: counts[at].count }, (_, step) => `${at}:${step}`),
      )
    }
  }
})
