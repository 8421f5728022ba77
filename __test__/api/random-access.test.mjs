// Any segment in any order, iteration, and any operations in any order against a plain array.

import test from 'ava'
import { MmFile } from 'mmfile'
import { create, open, randoms, rounds, uniqueId } from '../support/files.mjs'

test('100,000 segments, in any order and by several handles', (t) => {
  const count = 100_000
  const file = create(t, 4 << 20)
  const early = open(t, file, { access: 'read' })
  const text = (at) => (at % 10 === 0 ? '' : `segment ${at}`)
  for (let at = 0; at < count; at += 1000) {
    file.appendAll(Array.from({ length: 1000 }, (_, more) => text(at + more)))
  }
  t.is(file.length, count)
  const late = open(t, file)
  const random = randoms(1)
  const wrong = []
  const check = (reader, at) => {
    if (reader.read(at) !== text(at)) wrong.push(at)
  }
  for (const reader of [early, late]) {
    check(reader, count - 1) // the very last one first: nothing is known of the way there
    for (let round = 0; round < 20_000; round += 1) check(reader, random(count))
    for (let at = count - 1; at >= 0; at -= 7) check(reader, at)
    for (let at = 0; at < count; at += 13) check(reader, at)
  }
  for (let round = 0; round < 20_000; round += 1) {
    const at = random(count)
    const view = late.view(at)
    if (Buffer.from(view.buffer, view.byteOffset, view.length).toString('utf16le') !== text(at)) {
      wrong.push(at)
    }
    if (late.byteLength(at) !== text(at).length * 2) wrong.push(at)
  }
  t.deepEqual(wrong.slice(0, 10), [])
})

test('iteration yields the segments that exist when it begins', (t) => {
  const file = create(t)
  t.deepEqual([...file], [])
  file.appendAll(['a', 'b'])
  t.deepEqual([...file], ['a', 'b'])
  const [first, second, ...more] = file
  t.deepEqual([first, second, more], ['a', 'b', []])
  t.deepEqual(
    Array.from(file, (text) => text.toUpperCase()),
    ['A', 'B'],
  )
  t.deepEqual([...open(t, file, { access: 'read' })], ['a', 'b'])
})

test('iteration ends although another handle appends meanwhile', (t) => {
  const file = create(t)
  file.appendAll(['a', 'b'])
  const seen = []
  for (const text of file) {
    seen.push(text)
    if (seen.length < 100) file.append(`after ${text}`)
  }
  t.deepEqual(seen, ['a', 'b'])
  t.is(file.length, 4)
})

test('iterations are independent of each other, and can be left early', (t) => {
  const file = create(t)
  file.appendAll(['a', 'b', 'c'])
  const pairs = []
  for (const one of file) {
    for (const two of file) {
      if (two === 'c') break
      pairs.push(one + two)
    }
  }
  t.deepEqual(pairs, ['aa', 'ab', 'ba', 'bb', 'ca', 'cb'])
})

/** One operation on the file and on the array that models it. */
const operations = {
  append(run) {
    const value = run.value()
    const needed = 4 + value.bytes.length
    if (run.sealed) return run.fails('ERR_MMFILE_SEALED', (file) => file.append(value.given))
    if (run.size + needed > run.capacity) {
      return run.fails('ERR_MMFILE_CAPACITY', (file) => file.append(value.given))
    }
    run.is(run.handle().append(value.given), run.model.length)
    run.push(value)
  },
  appendAll(run) {
    const values = Array.from({ length: run.random(5) }, () => run.value())
    const given = values.map((value) => value.given)
    const needed = values.reduce((sum, value) => sum + 4 + value.bytes.length, 0)
    if (run.sealed) return run.fails('ERR_MMFILE_SEALED', (file) => file.appendAll(given))
    if (run.size + needed > run.capacity) {
      return run.fails('ERR_MMFILE_CAPACITY', (file) => file.appendAll(given))
    }
    run.is(run.handle().appendAll(given), run.model.length)
    for (const value of values) run.push(value)
  },
  write(run) {
    const index = Math.max(0, run.model.length + run.random(3) - 1)
    const value = run.value()
    const act = (file) => file.write(index, value.given)
    if (run.sealed) return run.fails('ERR_MMFILE_SEALED', act)
    if (index !== run.model.length) return run.fails('ERR_MMFILE_SEGMENT_ORDER', act)
    if (run.size + 4 + value.bytes.length > run.capacity) {
      return run.fails('ERR_MMFILE_CAPACITY', act)
    }
    act(run.handle())
    run.push(value)
  },
  read(run) {
    const index = run.random(run.model.length + 2)
    const bytes = run.model[index]
    if (!bytes) return run.fails('ERR_MMFILE_SEGMENT_RANGE', (file) => file.read(index))
    if (bytes.length % 2) return run.fails('ERR_MMFILE_NOT_TEXT', (file) => file.read(index))
    run.is(run.handle().read(index), bytes.toString('utf16le'))
  },
  readBytes(run) {
    const index = run.random(run.model.length + 2)
    const bytes = run.model[index]
    const act = (file) => file.readBytes(index)
    if (!bytes) return run.fails('ERR_MMFILE_SEGMENT_RANGE', act)
    run.is(act(run.handle()).compare(bytes), 0)
    run.is(Buffer.compare(run.handle().view(index), bytes), 0)
    const target = Buffer.alloc(bytes.length + 3, 7)
    run.is(run.handle().readInto(index, target, 2), bytes.length)
    run.is(target.compare(Buffer.concat([Buffer.from([7, 7]), bytes, Buffer.from([7])])), 0)
  },
  lengths(run) {
    const reader = run.handle()
    run.is(`${reader.length} ${reader.size}`, `${run.model.length} ${run.size}`)
    run.is(reader.sealed, run.sealed)
  },
  reopen(run) {
    const at = run.random(run.handles.length - 1) + 1 // the first one has to stay: it made the file
    run.handles[at].close()
    run.handles[at] = run.open()
  },
  locked(run) {
    const handle = run.handle()
    handle.withLockSync(() => {
      if (!run.sealed && run.size + 8 <= run.capacity) {
        handle.write(handle.length, 'ab')
        run.push({ bytes: Buffer.from('ab', 'utf16le') })
      }
      run.is(handle.length, run.model.length)
    })
  },
  seal(run) {
    if (run.random(30) > 0) return
    run.handle().seal()
    run.sealed = true
  },
}

class Run {
  model = []
  size = 0
  sealed = false

  constructor(seed) {
    this.random = randoms(seed)
    this.capacity = 1 + this.random([50, 500, 5000][this.random(3)])
    this.id = uniqueId('model')
    const synchronized = this.random(4) > 0
    this.handles = [MmFile.createNew(this.capacity, { id: this.id, synchronized })]
    for (let more = this.random(3) + 1; more > 0; more -= 1) this.handles.push(this.open())
  }

  open() {
    return MmFile.openExisting(this.id, { synchronized: this.random(4) > 0 })
  }

  handle() {
    return this.handles[this.random(this.handles.length)]
  }

  value() {
    const size = this.random(10) === 0 ? this.random(2000) : this.random(20)
    const bytes = Buffer.from(Array.from({ length: size }, () => this.random(256)))
    const text = size % 2 === 0 && this.random(2) === 0
    return { bytes, given: text ? bytes.toString('utf16le') : bytes }
  }

  push({ bytes }) {
    this.model.push(bytes)
    this.size += 4 + bytes.length
  }

  is(actual, expected) {
    if (actual !== expected) throw new Error(`${actual} instead of ${expected}`)
  }

  fails(code, act) {
    let result
    try {
      result = act(this.handle())
    } catch (error) {
      return this.is(error.code, code)
    }
    throw new Error(`${result} instead of ${code}`)
  }
}

test('any operations in any order do what they do to an array', (t) => {
  const names = Object.keys(operations)
  let done = 0
  for (let seed = 1; seed <= rounds(400); seed += 1) {
    const run = new Run(seed)
    const story = []
    try {
      for (let step = 0; step < 150; step += 1) {
        const name = names[run.random(names.length)]
        story.push(name)
        operations[name](run)
        done += 1
      }
      for (const handle of run.handles) {
        run.is(handle.length, run.model.length)
        for (const [at, bytes] of run.model.entries()) {
          run.is(handle.readBytes(at).compare(bytes), 0)
        }
      }
    } catch (error) {
      t.fail(`seed ${seed}, step ${story.length} (${story.slice(-5)}): ${error.stack}`)
    } finally {
      for (const handle of run.handles) handle.close()
    }
  }
  t.is(done, rounds(400) * 150)
})
