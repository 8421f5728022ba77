// Segments that a function writes in place.

import test from 'ava'
import { MmFile, NamedMutex } from 'mmfile'
import { start } from '../support/child.mjs'
import {
  closing,
  create,
  folder,
  objectOf,
  open,
  overwrite,
  refuses,
  uniqueId,
} from '../support/files.mjs'

const places = {
  memory: (t, capacity = 4096) => create(t, capacity),
  'memory, unsynchronized': (t, capacity = 4096) => create(t, capacity, { synchronized: false }),
  disk: (t, capacity = 4096) => closing(t, MmFile.createFile(`${folder(t)}/file`, capacity)),
}

for (const [place, make] of Object.entries(places)) {
  test(`${place}: the kept part of the filled bytes becomes the segment`, (t) => {
    const file = make(t)
    let kept
    const index = file.appendWith(5, (target) => {
      t.true(target instanceof Uint8Array && !Buffer.isBuffer(target))
      t.is(target.length, 5)
      t.is(file.length, 0, 'it is not there yet')
      target.set([1, 2, 3, 4, 5])
      kept = target
    })
    t.is(index, 0)
    t.deepEqual([kept.length, kept.buffer.byteLength], [0, 0], 'emptied')
    t.deepEqual([...file.readBytes(0)], [1, 2, 3, 4, 5])
    t.is(
      file.appendWith(1000, (target) => target.fill(7, 0, 3) && 3),
      1,
    )
    t.deepEqual([...file.readBytes(1)], [7, 7, 7])
    t.is(
      file.appendWith(1000, (target) => target.fill(8) && 0),
      2,
    )
    t.is(
      file.appendWith(0, (target) => target.length),
      3,
    )
    t.is(file.size, 4 * 4 + 5 + 3)
    t.is(file.append('next'), 4)
    t.deepEqual([file.byteLength(2), file.byteLength(3), file.read(4)], [0, 0, 'next'])
    const rest = file.capacity - file.size - 4
    t.is(
      file.appendWith(rest, (target) => void target.fill(9)),
      5,
    )
    t.deepEqual([file.size, file.readBytes(5).every((byte) => byte === 9)], [file.capacity, true])
  })

  test(`${place}: nothing is written when it fails`, (t) => {
    const file = make(t)
    file.append('before')
    const own = new Error('its own')
    const throwing = (target) => {
      target.fill(1)
      throw own
    }
    t.is(
      t.throws(() => file.appendWith(100, throwing)),
      own,
    )
    const wrong = [
      ['ERR_INVALID_ARG_VALUE', async () => {}],
      // biome-ignore lint/suspicious/noThenProperty: the test needs a `then`
      ['ERR_INVALID_ARG_VALUE', () => ({ then() {} })],
      ['ERR_INVALID_ARG_TYPE', () => '5'],
      ['ERR_INVALID_ARG_TYPE', () => null],
      ['ERR_INVALID_ARG_TYPE', () => 5n],
      ['ERR_OUT_OF_RANGE', () => 101],
      ['ERR_OUT_OF_RANGE', () => -1],
      ['ERR_OUT_OF_RANGE', () => 0.5],
      ['ERR_OUT_OF_RANGE', () => Number.NaN],
    ]
    for (const [code, fill] of wrong)
      t.throws(() => file.appendWith(100, fill), { code }, `${fill}`)
    for (const fill of [undefined, null, {}, 'x']) {
      t.throws(() => file.appendWith(100, fill), {
        code: 'ERR_INVALID_ARG_TYPE',
        message: /"fill"/,
      })
    }
    t.throws(() => file.appendWith(-1, t.fail), {
      code: 'ERR_OUT_OF_RANGE',
      message: /"byteLength"/,
    })
    for (const size of [4096, 2 ** 31, 2 ** 53 - 1]) {
      refuses(t, () => file.appendWith(size, t.fail), 'ERR_MMFILE_CAPACITY')
    }
    t.deepEqual([file.length, file.size], [1, 16])
    t.is(file.append('after'), 1)
    t.deepEqual([...file], ['before', 'after'])
    file.seal()
    refuses(t, () => file.appendWith(1, t.fail), 'ERR_MMFILE_SEALED')
  })

  test(`${place}: inside, the file is read and not written, locked or closed`, (t) => {
    const file = make(t)
    file.append('before')
    file.appendWith(8, () => {
      t.deepEqual([file.length, file.read(0), file.sealed], [1, 'before', false])
      t.is(file.view(0).length, 12)
      file.waitForSync(0)
      for (const act of [
        () => file.append('x'),
        () => file.write(1, 'x'),
        () => file.appendAll(['x']),
        () => file.appendWith(1, t.fail),
        () => file.seal(),
        () => file.tryLock(),
        () => file.lockSync(),
        () => file.close(),
      ]) {
        const error = refuses(t, act, 'ERR_MMFILE_LOCK_HELD', `${act}`)
        t.is(error.pid, process.pid)
      }
      t.false(file.closed)
      create(t).append('another file is another matter')
      NamedMutex.open(uniqueId('inside')).close()
    })
    file.withLockSync((guard) => {
      file.appendWith(4, (target) => {
        refuses(t, () => file.append('x'), 'ERR_MMFILE_LOCK_HELD')
        refuses(t, () => guard.release(), 'ERR_MMFILE_LOCK_HELD')
        target.fill(5)
      })
    })
    t.deepEqual([file.length, [...file.readBytes(2)]], [3, [5, 5, 5, 5]])
    t.is(file.append('free again'), 3)
  })
}

test('a target that is moved elsewhere is refused, where that is possible at all', (t) => {
  const file = places.disk(t)
  const move = (target) => structuredClone(target, { transfer: [target.buffer] }) && 1
  t.throws(() => file.appendWith(100, move), { code: 'ERR_INVALID_ARG_VALUE', message: /moved? / })
  t.is(file.length, 0)
})

test('inside of a lock() that another thread holds', async (t) => {
  const file = create(t)
  const guard = await file.lock()
  file.appendWith(4, () => {
    refuses(t, () => guard.release(), 'ERR_MMFILE_LOCK_HELD')
    refuses(t, () => file.append('x'), 'ERR_MMFILE_LOCK_HELD')
  })
  guard.release()
  const other = open(t, file)
  other.tryLock().release()
  t.is(other.length, 1)
})

test('another handle of the same thread is refused, too', (t) => {
  const file = create(t)
  const other = open(t, file)
  file.appendWith(4, () => refuses(t, () => other.append('x'), 'ERR_MMFILE_LOCK_HELD') && 4)
  t.is(other.append('x'), 1)
})

test("a 'read' handle and a closed one refuse it", (t) => {
  const file = create(t)
  refuses(t, () => open(t, file, { access: 'read' }).appendWith(1, t.fail), 'ERR_MMFILE_READ_ONLY')
  file.close()
  refuses(t, () => file.appendWith(1, t.fail), 'ERR_MMFILE_CLOSED')
})

test('large segments, many of them, and views beside them', (t) => {
  const file = create(t, 64 << 20)
  for (let round = 0; round < 40; round += 1) {
    file.appendWith(1 << 20, (target) => void target.fill(round))
    const view = file.view(round)
    t.deepEqual([view[0], view[view.length - 1], view.length], [round, round, 1 << 20])
  }
  t.is(new Set(Array.from({ length: 40 }, (_, at) => file.view(at)[77])).size, 40)
})

if (process.platform === 'linux') {
  test('bytes that are not kept leave nothing behind the end', (t) => {
    const file = create(t, 1000)
    file.appendWith(500, (target) => target.fill(255) && 6)
    const behind = overwrite(objectOf(file), 10, Buffer.alloc(990))
    t.true(behind.every((byte) => byte === 0))
    // A foreign writer that ends where the append was going to end is counted once.
    const frame = Buffer.alloc(4 + 490)
    frame.writeInt32LE(490)
    overwrite(objectOf(file), 14, frame.subarray(4))
    overwrite(objectOf(file), 10, frame.subarray(0, 4))
    t.deepEqual([file.length, file.size], [2, 504])
    t.is(file.append('next'), 2)
    t.deepEqual([file.length, file.read(2)], [3, 'next'])
  })
}

for (const how of ['is killed', 'exits', 'throws']) {
  test(`a process that ${how} while it fills leaves nothing, and the lock abandoned`, async (t) => {
    const file = create(t)
    file.append('before')
    const child = start(t, 'fills', 'fill', [file.id, how])
    t.is(await child.next(), 'inside')
    refuses(t, () => open(t, file, { lockTimeout: 20 }).append('x'), 'ERR_MMFILE_TIMEOUT')
    if (how === 'is killed') await child.kill()
    else child.tell('go on')
    await child.exited
    const guard = file.lockSync({ timeout: 5000 })
    t.true(guard.abandoned || how === 'throws')
    guard.release()
    t.is(file.append('after'), 1)
    t.deepEqual([...file], ['before', 'after'])
  })
}

test('a worker that is terminated while it fills', async (t) => {
  const child = start(t, 'fills', 'terminate', [])
  t.deepEqual(await child.next(), { length: 1, next: 1 })
})
