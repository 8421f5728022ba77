// Views: the shared memory itself, without a copy.

import { readFileSync, statfsSync } from 'node:fs'
import { receiveMessageOnPort } from 'node:worker_threads'
import test from 'ava'
import { MmFile } from 'mmfile'
import { create, open, rounds, shm } from '../support/files.mjs'

test('a view is the shared memory, not a copy', (t) => {
  const file = create(t)
  const other = open(t, file)
  file.append(new Uint8Array([1, 2, 3]))
  const [mine, theirs, again] = [file.view(0), other.view(0), file.view(0)]
  t.true(mine instanceof Uint8Array)
  t.true(mine.buffer instanceof ArrayBuffer)
  t.deepEqual(
    [[...mine], [...theirs]],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  )
  // Views are for reading; only this proves that they show the same bytes.
  mine[1] = 9
  t.deepEqual([[...theirs], [...again], [...other.readBytes(0)]], Array(3).fill([1, 9, 3]))
})

test('a view shows its segment and nothing beside it', (t) => {
  const file = create(t)
  const sizes = [0, 1, 2, 3, 4, 5, 0, 100, 7, 0]
  for (const [at, size] of sizes.entries()) file.append(new Uint8Array(size).fill(at + 1))
  const other = open(t, file, { access: 'read' })
  for (const reader of [file, other]) {
    for (const [at, size] of sizes.entries()) {
      t.deepEqual([...reader.view(at)], Array(size).fill(at + 1))
    }
    for (let at = sizes.length - 1; at >= 0; at -= 1) t.is(reader.view(at).length, sizes[at])
  }
})

test('views of later segments', (t) => {
  const file = create(t, 1 << 20)
  const readers = [open(t, file), open(t, file, { access: 'read' })]
  const early = []
  for (let at = 0; at < 2000; at += 1) {
    file.append(`segment ${at}`)
    if (at % 50 === 0) early.push(...readers.map((reader) => [at, reader.view(at)]))
  }
  for (const [at, view] of early) t.is(Buffer.from(view).toString('utf16le'), `segment ${at}`)
  for (const reader of readers) {
    const wrong = Array.from(Array(2000).keys()).filter(
      (at) => Buffer.from(reader.view(at)).toString('utf16le') !== `segment ${at}`,
    )
    t.deepEqual(wrong, [])
  }
})

test('a view of an old segment does not change while others append', (t) => {
  const file = create(t, 1 << 16)
  file.append('constant')
  const view = file.view(0)
  const other = open(t, file)
  while (other.size + 100 < other.capacity) other.append('x'.repeat(40))
  t.is(Buffer.from(view).toString('utf16le'), 'constant')
})

test('the last byte of a full file', (t) => {
  for (const capacity of [4, 5, 4096, 4097]) {
    const file = create(t, capacity)
    const bytes = new Uint8Array(capacity - 4).map((_, at) => at)
    file.append(bytes)
    t.deepEqual([...file.view(0)], [...bytes])
    t.true(file.view(0).buffer.byteLength <= capacity)
  }
})

test('uses of a view', (t) => {
  const file = create(t)
  file.append('Grüße 💾')
  const view = file.view(0)
  t.is(new TextDecoder('utf-16le').decode(view), 'Grüße 💾')
  t.is(Buffer.from(view.buffer, view.byteOffset, view.length).toString('utf16le'), 'Grüße 💾')
  t.deepEqual([...view.slice(0, 2)], [71, 0])
  t.deepEqual(structuredClone(view.slice()), Uint8Array.from(Buffer.from('Grüße 💾', 'utf16le')))
  const copy = view.slice()
  file.close()
  t.is(copy.length, 16, 'a slice is a copy, and stays')
})

test('appending views: of the file itself, and of another', (t) => {
  const file = create(t, 1 << 16)
  const other = create(t, 1 << 16)
  other.append('from the other')
  file.append('from here')
  t.is(file.append(file.view(0)), 1)
  t.is(file.append(other.view(0)), 2)
  t.is(file.appendAll([file.view(1), other.view(0), file.view(0).subarray(2, 4)]), 3)
  t.deepEqual(
    [...file],
    ['from here', 'from here', 'from the other', 'from here', 'from the other', 'r'],
  )
  // Also where it ends right before the place that it is copied to.
  for (let at = 6; at < 200; at += 1) file.append(file.view(at - 1))
  t.is(file.read(199), 'r')
  // All that there is in the file, and more than that.
  const whole = new Uint8Array(file.view(0).buffer)
  t.is(whole.length, 1 << 16)
  const used = file.size
  t.is(file.append(whole.subarray(0, used)), 200)
  t.is(Buffer.compare(file.view(200), whole.subarray(0, used)), 0)
  t.throws(() => file.append(whole), { code: 'ERR_MMFILE_CAPACITY' })
})

test('reading into a view of another file', (t) => {
  const [from, to] = [create(t), create(t)]
  from.append('copied')
  to.append('______')
  t.is(from.readInto(0, to.view(0)), 12)
  t.is(to.read(0), 'copied')
})

test("writing to a view of a 'read' handle changes nothing for other handles", (t) => {
  const file = create(t, 10_000)
  file.append(new Uint8Array(9000).fill(1))
  const reader = open(t, file, { access: 'read' })
  const bystander = open(t, file, { access: 'read' })
  const view = reader.view(0)
  view.fill(9)
  new Uint8Array(view.buffer).fill(8) // size words, and what is behind the end
  for (const handle of [file, bystander]) {
    t.true(handle.readBytes(0).every((byte) => byte === 1))
    t.deepEqual([handle.length, handle.size], [1, 9004])
  }
  file.append('more')
  t.is(bystander.read(1), 'more')
  t.is(open(t, file).read(1), 'more')
})

// A written page becomes private to its handle, so a view of a later segment on that page may not
// show it. All copying reads show it, and so do all other handles.
test("what comes behind a scribbled view of a 'read' handle can be read", (t) => {
  const file = create(t, 4096)
  const reader = open(t, file, { access: 'read' })
  const bystander = open(t, file, { access: 'read' })
  file.append(new Uint8Array([1, 2, 3]))
  reader.view(0).fill(9)
  file.append(new Uint8Array([4, 5, 6]))
  t.is(reader.length, 2)
  t.deepEqual([...reader.readBytes(1)], [4, 5, 6])
  const target = new Uint8Array(3)
  t.is(reader.readInto(1, target), 3)
  t.deepEqual([...target], [4, 5, 6])
  t.is(reader.view(1).length, 3)
  for (const handle of [file, bystander]) {
    t.deepEqual([...handle.view(0), ...handle.view(1)], [1, 2, 3, 4, 5, 6])
  }
})

const moves = {
  structuredClone: (buffer) => structuredClone(buffer, { transfer: [buffer] }),
  postMessage(buffer) {
    const { port1, port2 } = new MessageChannel()
    port1.postMessage(buffer, [buffer])
    const { message } = receiveMessageOnPort(port2)
    port1.close()
    return message
  },
  transfer: (buffer) => buffer.transfer?.(),
  transferToFixedLength: (buffer) => buffer.transferToFixedLength?.(),
}

// Some versions of Node.js move the memory, some copy it, some refuse: all of it is harmless.
for (const [name, move] of Object.entries(moves)) {
  test(`moving the buffer of a view elsewhere: ${name}`, (t) => {
    const file = MmFile.createNew(1 << 20)
    t.teardown(() => file.close())
    file.appendAll(['zero', '', 'two'])
    const view = file.view(0)
    const { byteOffset, length } = view
    let moved
    try {
      moved = move(view.buffer)
    } catch (error) {
      t.is(error.name, 'DataCloneError')
    }
    t.true([0, length].includes(view.length))
    if (moved) t.is(Buffer.from(moved, byteOffset, length).toString('utf16le'), 'zero')
    // Either way new views can be made.
    t.is(Buffer.from(file.view(0)).toString('utf16le'), 'zero')
    t.is(file.view(1).length, 0)
    t.is(Buffer.from(file.view(2)).toString('utf16le'), 'two')
    t.is(file.read(2), 'two')
    file.close()
    t.is(view.length, 0)
    if (!moved) return
    t.is(Buffer.from(moved, byteOffset, length).toString('utf16le'), 'zero', 'it outlives the file')
    t.is(new Uint8Array(moved).fill(1).at(-1), 1)
  })
}

/** How many GiB can be used. A container often has less shared memory than the machine has memory. */
const memory = () => {
  if (process.platform !== 'linux') return 0
  const [, available] = /MemAvailable: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))
  const { bavail, bsize } = statfsSync(shm(''))
  return Math.min(Number(available) / 2 ** 20, (bavail * bsize) / 2 ** 30)
}

/** A file of so many GiB, filled with large segments and small ones between them. */
function large(t, gigabytes) {
  const file = create(t, gigabytes * 2 ** 30 + 4096)
  const big = new Uint8Array(2 ** 29)
  for (let half = 0; half < 2 * gigabytes; half += 1) {
    big[0] = half + 1
    big[big.length - 1] = half + 101
    file.append(big)
    file.append(`small ${half}`)
  }
  const other = open(t, file, { access: 'read' })
  for (const reader of [file, other]) {
    for (const at of [0, 2 * gigabytes - 1, 1, 0, 2 * gigabytes - 2]) {
      const view = reader.view(2 * at)
      t.deepEqual([view.length, view[0], view[2 ** 29 - 1]], [2 ** 29, at + 1, at + 101])
      t.is(Buffer.from(reader.view(2 * at + 1)).toString('utf16le'), `small ${at}`)
      t.is(reader.read(2 * at + 1), `small ${at}`)
      const tail = reader.view(2 * at).subarray(-3)
      t.deepEqual([...tail], [0, 0, at + 101])
    }
  }
  t.is(
    file.size,
    2 * gigabytes * (2 ** 29 + 4) +
      [...Array(2 * gigabytes).keys()].join('').length * 2 +
      2 * gigabytes * (4 + 12),
  )
}

test.serial('a file that is larger than a buffer can be in one piece', (t) => {
  if (memory() < 4) return t.pass('not enough memory')
  large(t, 1.5)
})

test.serial('offsets past 4 GiB', (t) => {
  if (rounds(1) < 10 || memory() < 8) return t.pass('only in long runs, with enough memory')
  large(t, 5)
})
