// The behaviour that .NET's tests of System.IO.MemoryMappedFiles ask for, asked of MmFile. A title begins
// with the name of the case; docs/ported-suites.md lists them all, and those that do not apply.

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { MmFile } from 'mmfile'
import { actor } from '../support/actors.mjs'
import { run } from '../support/child.mjs'
import { closing, create, isThere, left, open, refuses, uniqueId } from '../support/files.mjs'

const range = { instanceOf: RangeError, code: 'ERR_OUT_OF_RANGE' }
const capacities = [1, 256, 4096, 10_000]
const accesses = ['read', 'read-write']
const ids = () => [uniqueId('map'), uniqueId('Map.With_All-'), crypto.randomUUID()]
const pattern = (size, at = (index) => index) => Uint8Array.from({ length: size }, (_, i) => at(i))

/** Checks what every file has to be able to do. */
function valid(t, file, capacity, access = 'read-write') {
  t.deepEqual([file.capacity, file.access, file.closed], [capacity, access, false])
  t.is(file.length, 0)
  if (access === 'read') refuses(t, () => file.append('x'), 'ERR_MMFILE_READ_ONLY')
  else if (capacity >= 8) {
    t.is(file.append(pattern(4)), 0)
    t.deepEqual([...file.view(0)], [0, 1, 2, 3])
  } else refuses(t, () => file.append(pattern(4)), 'ERR_MMFILE_CAPACITY')
}

test('CreateNew.TooLargeCapacity_Windows, TooLargeCapacity_Unix', (t) => {
  const id = uniqueId('large')
  refuses(t, () => MmFile.createNew(Number.MAX_SAFE_INTEGER, { id }), 'ERR_MMFILE_NO_SPACE')
  t.deepEqual(left(id), [])
})

test('CreateNew.ValidMapNames_Windows, ReusingNames_Windows', (t) => {
  for (const id of ids()) {
    const first = MmFile.createNew(4096, { id })
    valid(t, first, 4096)
    refuses(t, () => MmFile.createNew(4096, { id }), 'ERR_MMFILE_EXISTS')
    first.close()
    valid(t, create(t, 4096, { id }), 4096)
  }
})

test('CreateNew.ValidArgumentCombinations', (t) => {
  for (const capacity of capacities) {
    for (const id of [undefined, uniqueId('valid')]) {
      for (const lifetime of ['creator', 'last-process']) {
        for (const synchronized of [true, false]) {
          const file = MmFile.createNew(capacity, { id, lifetime, synchronized })
          valid(t, file, capacity)
          file.close()
          t.false(isThere(file.id))
        }
      }
    }
  }
})

test('CreateNew.DataNotPersistedBetweenMaps_Windows, DataNotPersistedBetweenMaps_Unix', (t) => {
  const id = uniqueId('again')
  const first = MmFile.createNew(4096, { id })
  first.append(pattern(4000, () => 42))
  first.close()
  const second = create(t, 4096, { id })
  t.is(second.length, 0)
  second.append(new Uint8Array(1))
  t.is(second.view(0)[0], 0)
})

test('CreateNew.ManyConcurrentMaps', (t) => {
  const files = Array.from({ length: 100 }, () => create(t))
  for (const file of files) valid(t, file, 4096)
  t.is(new Set(files.map(({ id }) => id)).size, 100)
})

test('CreateNew.RoundedUpCapacity_Unix', (t) => {
  t.is(create(t, 1).capacity, 1)
})

test('CreateNew.UnusableAfterDispose; ViewStream.HandleClosedOnDisposal', async (t) => {
  const file = create(t)
  const stream = file.createReadStream()
  t.false(file.closed)
  file.close()
  t.true(file.closed)
  for (const call of [
    () => file.view(0),
    () => file.append('x'),
    () => file.createReadStream(),
    () => file.createWriteStream(),
  ]) {
    refuses(t, call, 'ERR_MMFILE_CLOSED')
  }
  stream.resume()
  const [error] = await once(stream, 'error')
  t.is(error.code, 'ERR_MMFILE_CLOSED')
})

test('CreateOrOpen.InvalidArguments_Capacity, InvalidArguments_Capacity_TooLarge, TooLargeCapacity', (t) => {
  const id = uniqueId('capacity')
  for (const capacity of [0, -1, 2 ** 53]) t.throws(() => MmFile.createOrOpen(id, capacity), range)
  refuses(t, () => MmFile.createOrOpen(id, Number.MAX_SAFE_INTEGER), 'ERR_MMFILE_NO_SPACE')
  t.false(isThere(id))
})

test('CreateOrOpen.ValidArgumentCombinations_NonExecute', (t) => {
  for (const capacity of capacities) {
    for (const synchronized of [true, false]) {
      const id = uniqueId('valid')
      const made = MmFile.createOrOpen(id, capacity, { synchronized })
      valid(t, made, capacity)
      t.true(made.isCreator)
      made.close()
      const original = create(t, capacity, { id })
      const opened = closing(t, MmFile.createOrOpen(id, capacity, { synchronized }))
      t.false(opened.isCreator)
      valid(t, opened, capacity)
      t.is(original.length, opened.length)
    }
  }
})

test('CreateOrOpen.OpenedCapacityMatchesOriginal', (t) => {
  const original = create(t, 10_000)
  for (const capacity of [1, 20_000]) {
    const opened = closing(t, MmFile.createOrOpen(original.id, capacity))
    t.deepEqual([opened.capacity, original.capacity], [10_000, 10_000])
  }
})

test('CreateOrOpen.OpenedAccessibilityLimitedBeyondOriginal', (t) => {
  const original = create(t)
  original.append('x')
  const reader = open(t, original, { access: 'read' })
  refuses(t, () => reader.append('y'), 'ERR_MMFILE_READ_ONLY')
  t.is(reader.read(0), 'x')
  t.is(original.append('y'), 1)
})

test('OpenExisting.InvalidArguments_Name_NonExistent', (t) => {
  for (const access of accesses) {
    refuses(t, () => MmFile.openExisting(uniqueId(), { access }), 'ERR_MMFILE_NOT_FOUND')
  }
})

test('OpenExisting.OpenCreatedNew', (t) => {
  for (const id of ids()) {
    const original = MmFile.createNew(4096, { id })
    for (const access of accesses) {
      const opened = MmFile.openExisting(id, { access })
      t.deepEqual([opened.capacity, opened.access], [4096, access])
      opened.close()
    }
    original.close()
    for (const access of accesses) {
      refuses(t, () => MmFile.openExisting(id, { access }), 'ERR_MMFILE_NOT_FOUND')
    }
  }
})

test('OpenExisting.OpenCreatedFromFile', (t) => {
  const path = join(folder(t), 'map')
  const original = closing(t, MmFile.createFile(path, 4096))
  for (const access of accesses) {
    const opened = MmFile.openFile(path, { access })
    valid(t, opened, 4096, access)
    opened.close()
    if (access === 'read') continue
    t.is(original.length, 1)
  }
})

test('ViewAccessor.InvalidArguments, ViewStream.InvalidArguments', (t) => {
  const file = create(t)
  file.append('x')
  for (const index of [-1, 2 ** 53, 0.5]) {
    t.throws(() => file.view(index), range)
    t.throws(() => file.createReadStream({ from: index }), range)
  }
  refuses(t, () => file.view(1), 'ERR_MMFILE_SEGMENT_RANGE')
  refuses(t, () => file.view(Number.MAX_SAFE_INTEGER), 'ERR_MMFILE_SEGMENT_RANGE')
})

test('ViewAccessor.ValidAccessLevelCombinations, ViewStream.ValidAccessLevelCombinations', async (t) => {
  const file = create(t)
  file.append(pattern(16))
  file.seal()
  for (const access of accesses) {
    const opened = open(t, file, { access })
    t.deepEqual([...opened.view(0)], [...pattern(16)])
    const chunks = []
    for await (const chunk of opened.createReadStream()) chunks.push(...chunk)
    t.deepEqual(chunks, [...pattern(16)])
  }
})

test('ViewAccessor.InvalidAccessLevelsCombinations, ViewStream.InvalidAccessLevelsCombinations', async (t) => {
  const file = create(t)
  const reader = open(t, file, { access: 'read' })
  for (const call of [
    () => reader.append('x'),
    () => reader.appendAll(['x']),
    () => reader.write(0, 'x'),
    () => reader.seal(),
  ]) {
    refuses(t, call, 'ERR_MMFILE_READ_ONLY')
  }
  const code = await new Promise((resolve, reject) => {
    const stream = reader.createWriteStream()
    stream.on('error', (error) => resolve(error.code)).on('finish', reject)
    stream.end('x')
  })
  t.is(code, 'ERR_MMFILE_READ_ONLY')
  t.is(file.length, 0)
})

test('ViewAccessor.PointerOffsetMatchesViewStart, ViewStream.PointerOffsetMatchesViewStart', (t) => {
  for (const size of [1, 4095, 4096, 4099, 12_290, 70_000]) {
    const file = create(t, 2 * size + 8)
    for (const index of [0, 1]) {
      file.append(pattern(size, (at) => at + index))
      const view = file.view(index)
      t.deepEqual([view.length, view[0], view[size - 1]], [size, index, (size - 1 + index) & 255])
    }
  }
})

test('ViewAccessor.AllReadWriteMethods, ViewStream.AllReadWriteMethods', (t) => {
  const kinds = [
    [Int8Array, -14],
    [Uint8Array, 42],
    [Uint8ClampedArray, 255],
    [Int16Array, -11],
    [Uint16Array, 0xffff],
    [Int32Array, -(2 ** 31)],
    [Uint32Array, 2 ** 32 - 1],
    [Float32Array, 15.5],
    [Float64Array, Math.PI],
    [BigInt64Array, -(2n ** 63n)],
    [BigUint64Array, 2n ** 64n - 1n],
  ]
  for (const start of [0, 1, 17, 8100]) {
    const file = create(t, 70_000)
    file.append(new Uint8Array(start))
    for (const [Kind, number] of kinds) {
      const at = file.append(Kind.of(number))
      const copy = new Kind(1)
      t.is(file.readInto(at, copy), Kind.BYTES_PER_ELEMENT)
      t.is(copy[0], number)
      t.throws(() => file.readInto(at, copy, 1), range)
    }
    for (const text of ['c', 'x'.repeat(100)]) t.is(file.read(file.append(text)), text)
  }
})

test('ViewAccessor.FlushSupportedOnBothReadAndWriteAccessors', (t) => {
  const path = join(folder(t), 'map')
  const file = closing(t, MmFile.createFile(path, 256))
  file.append('x')
  t.notThrows(() => file.flushSync())
  const reader = closing(t, MmFile.openFile(path, { access: 'read' }))
  t.notThrows(() => reader.flushSync())
})

test('ViewAccessor.ViewsShareData, ViewStream.ViewsShareData', async (t) => {
  const file = create(t)
  file.append(new Uint8Array(256))
  file.seal()
  const [one, two] = [file, open(t, file)].map((handle) => handle.view(0))
  one.set(pattern(256))
  t.deepEqual([...two], [...pattern(256)])
  t.deepEqual([...open(t, file).view(0)], [...pattern(256)])
  for await (const chunk of file.createReadStream()) t.deepEqual([...chunk], [...pattern(256)])
})

test('ViewAccessor.CopyOnWrite, ViewStream.CopyOnWrite', (t) => {
  const file = create(t)
  file.append(new Uint8Array(256))
  file.view(0)[0] = 42
  const copy = open(t, file, { access: 'read' }).view(0)
  t.is(copy[0], 42)
  copy[0] = 84
  t.is(copy[0], 84)
  t.is(file.view(0)[0], 42)
  t.is(open(t, file, { access: 'read' }).view(0)[0], 42)
})

test('ViewAccessor.AllowFinalization, ViewStream.AllowFinalization', async (t) => {
  const { said, code } = await run(t, 'misuse', 'forget', ['view', 100], {
    node: ['--expose-gc'],
  })
  t.is(code, 0)
  t.true(said[0].after.mappings <= said[0].before.mappings + 8)
})

test('CrossProcess.DataShared', async (t) => {
  const path = join(folder(t), 'map')
  const file = closing(t, MmFile.createFile(path, 8192))
  file.append(pattern(4000))
  const other = await actor(t)
  await other.keeps('file', 'MmFile', 'openFile', path)
  const { data } = await other.does('file', 'readBytes', 0)
  t.deepEqual(data, [...pattern(4000)])
  await other.does('file', 'append', String.fromCharCode(...pattern(1000, (at) => 255 - at)))
  await other.does('file', 'flush')
  t.is(file.read(1), String.fromCharCode(...pattern(1000, (at) => 255 - at)))
})

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'mmfile-'))
  t.teardown(() => {
    try {
      rmSync(path, { recursive: true, force: true })
    } catch (error) {
      // A view that has not been collected keeps its file, which Windows does not delete then.
      if (process.platform !== 'win32') throw error
    }
  })
  return path
}
