// Programs that know only the frames: what they read, and how the package sees what they write.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { musl } from '../support/c-library.mjs'
import { start } from '../support/child.mjs'
import { create, objectOf, open, refuses, rejects } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const script = fileURLToPath(new URL('../support/frames-only.py', import.meta.url))
const here = process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0
const foreign = here ? test : test.skip
const foreignAlone = here ? test.serial : test.skip

/** Runs the foreign program to its end, and returns what it says. */
function python(t, command, file, ...args) {
  const { stdout, stderr, status } = spawnSync(
    'python3',
    [script, command, objectOf(file), ...args],
    {
      encoding: 'utf8',
    },
  )
  t.is(status, 0, stderr)
  const said = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return said.length === 1 ? said[0] : said
}

const hex = (value) => Buffer.from(value, 'utf16le').toString('hex')

/** The bytes from the end on, up to the next size word. */
function behind(file) {
  const bytes = readFileSync(objectOf(file)).subarray(0, file.capacity)
  return [...bytes.subarray(file.size, file.size + 4)]
}

foreign('it reads what we write', (t) => {
  const file = create(t, 4096)
  const values = [
    'text',
    '',
    'Grüße 💾',
    '\ud800',
    '\0',
    new Uint8Array([1]),
    new Uint8Array([1, 2, 3]),
  ]
  file.append(values[0])
  file.appendAll(values.slice(1, 4))
  for (const value of values.slice(4)) file.append(value)
  const [{ segments, words }, { end, behind }] = python(t, 'read', file)
  t.deepEqual(segments, values.map(hex))
  t.deepEqual(words, [8, -(2 ** 31), 16, 2, 2, 1, 3])
  t.deepEqual([end, behind], [file.size, '00000000'])
})

foreign('the word at the end is zero whenever there is room for it', (t) => {
  for (let capacity = 40; capacity < 60; capacity += 1) {
    const file = create(t, capacity)
    // The bytes behind the end were written before, by a program that broke the rules.
    python(t, 'word', file, '0xffffffff', 30)
    file.appendAll(['12345', '12345'])
    t.deepEqual(behind(file), Array(4).fill(0))
    file.append(new Uint8Array(capacity - 32 - (capacity % 5)))
    t.deepEqual(behind(file), Array(Math.min(4, capacity - file.size)).fill(0))
  }
})

foreign('every way to read sees what it appends', async (t) => {
  const file = create(t, 4096)
  const reader = open(t, file, { access: 'read' })
  file.append('ours')
  const waits = [file.waitFor(2), reader.waitFor(1), open(t, file).waitFor(3)]
  python(t, 'append', file, hex('theirs'), '', '010203')
  await Promise.all(waits)
  for (const handle of [reader, file, open(t, file)]) {
    t.deepEqual([handle.length, handle.size], [4, 4 + 8 + 4 + 12 + 4 + 4 + 3])
    t.deepEqual([handle.read(1), handle.read(2), [...handle.view(3)]], ['theirs', '', [1, 2, 3]])
    handle.waitForSync(3, { timeout: 0 })
  }
  t.is(file.append('ours again'), 4)
  python(t, 'append', file, hex('theirs again'))
  t.deepEqual([reader.read(4), reader.read(5)], ['ours again', 'theirs again'])
  const [{ segments }] = python(t, 'read', file)
  t.is(segments.length, 6)
  t.is(file.recovered, 0)
})

for (const look of [
  'length',
  'size',
  'read',
  'iteration',
  'waitForSync',
  'view',
  'write',
  'sealed',
]) {
  foreign(`the first look at what it appended may be ${look}`, (t) => {
    const file = create(t, 4096)
    const handle = open(t, file, { access: look === 'write' ? 'read-write' : 'read' })
    python(t, 'append', file, hex('a'), hex('bc'))
    const seen = {
      length: () => handle.length === 2,
      size: () => handle.size === 14,
      read: () => handle.read(1) === 'bc',
      iteration: () => `${[...handle]}` === 'a,bc',
      waitForSync: () => handle.waitForSync(1, { timeout: 0 }) === undefined,
      view: () => handle.view(1).length === 4,
      write: () => handle.write(2, 'd') === undefined,
      sealed: () => !handle.sealed,
    }
    t.true(seen[look]())
    t.deepEqual([...handle].slice(0, 2), ['a', 'bc'])
  })
}

// Others that run beside it would stop the event loop, whose time is taken here.
foreignAlone('a wait for its segment ends soon, although it wakes no process', async (t) => {
  const file = create(t, 4096)
  for (let index = 0; index < 3; index += 1) {
    const wait = file.waitFor(index)
    await new Promise((resolve) => setTimeout(resolve, 300)) // it sleeps longer by now
    python(t, 'append', file, hex('x'))
    const started = performance.now()
    await wait
    t.true(performance.now() - started < PROMPT)
  }
})

foreign('filling the file to the last byte', (t) => {
  const file = create(t, 30)
  python(t, 'append', file, hex('abc'), '00'.repeat(16))
  t.deepEqual([file.length, file.size], [2, 30])
  refuses(t, () => file.append(''), 'ERR_MMFILE_CAPACITY')
})

foreign('it seals', async (t) => {
  const file = create(t, 4096)
  const reader = open(t, file, { access: 'read' })
  const wait = reader.waitFor(1)
  python(t, 'append', file, hex('last'))
  python(t, 'word', file, '0xffffffff')
  await rejects(t, wait, 'ERR_MMFILE_SEALED')
  refuses(t, () => file.append('x'), 'ERR_MMFILE_SEALED')
  t.deepEqual(
    [file.sealed, reader.sealed, open(t, file).sealed, file.length],
    [true, true, true, 1],
  )
})

foreign('it sees that we seal', (t) => {
  const file = create(t, 4096)
  file.append('x')
  file.seal()
  const [, { end, behind }] = python(t, 'read', file)
  t.deepEqual([end, behind], [6, 'ffffffff'])
})

const wrong = {
  'a negative size': 0xfffffffe,
  'the smallest negative size but one': 0x80000001,
  'a negative size in the middle': 0xc0000000,
  'the largest size': 0x7fffffff,
  'a size that reaches one byte past the capacity': 100 - 14 - 4 + 1,
}

for (const [name, word] of Object.entries(wrong)) {
  foreign(`${name} is ERR_MMFILE_CORRUPT, and earlier segments stay`, async (t) => {
    const file = create(t, 100)
    file.append('12345')
    const reader = open(t, file, { access: 'read' })
    const pending = file.waitFor(1)
    t.is(python(t, 'word', file, `${word}`), 14)
    const late = open(t, file)
    for (const handle of [file, reader, late]) {
      const acts = [() => handle.read(1), () => handle.view(1), () => handle.readBytes(1)]
      if (handle !== reader) {
        acts.push(
          () => handle.append(''),
          () => handle.write(1, ''),
          () => handle.appendAll(['x']),
          () => handle.seal(),
        )
      }
      acts.push(() => handle.waitForSync(1, { timeout: 5000 }))
      for (const act of acts) t.is(refuses(t, act, 'ERR_MMFILE_CORRUPT').offset, 14)
      const error = await rejects(t, handle.waitFor(1), 'ERR_MMFILE_CORRUPT')
      t.is(error.offset, 14)
      t.regex(error.message, /14/)
      t.deepEqual([handle.length, handle.size, handle.read(0)], [1, 14, '12345'])
      t.deepEqual([...handle], ['12345'])
    }
    await rejects(t, pending, 'ERR_MMFILE_CORRUPT')
    // Nothing of it is remembered once it has been put right.
    python(t, 'word', file, '0', 14)
    t.is(late.append('goes on'), 1)
    t.deepEqual([...reader], ['12345', 'goes on'])
  })
}

foreign('segments that are whole in front of one that is not', (t) => {
  const file = create(t, 100)
  python(t, 'append', file, hex('a'), hex('b'))
  python(t, 'word', file, '0x80000009')
  const { offset } = refuses(t, () => file.append('c'), 'ERR_MMFILE_CORRUPT')
  t.deepEqual([offset, [...file]], [12, ['a', 'b']])
})

foreign('damage below the end is ERR_MMFILE_CORRUPT, too', (t) => {
  const file = create(t, 1000)
  for (let at = 0; at < 40; at += 1) file.append('x') // six bytes each
  const known = open(t, file)
  t.is(known.read(39), 'x')
  for (const word of [0, 0x7fffffff, 0x80000001, 0xffffffff, 1000]) {
    python(t, 'word', file, `${word}`, 60)
    const late = open(t, file)
    t.is(refuses(t, () => late.read(10), 'ERR_MMFILE_CORRUPT').offset, 60)
    refuses(t, () => late.read(39), 'ERR_MMFILE_CORRUPT')
    refuses(t, () => known.read(10), 'ERR_MMFILE_CORRUPT')
    t.is(late.read(9), 'x')
    t.is(late.length, 40)
  }
  python(t, 'word', file, '2', 60)
  t.is(open(t, file).read(39), 'x')
})

foreign(
  'a dead holder and a foreign writer that was not done: the next one clears up',
  async (t) => {
    const file = create(t, 200)
    const victim = start(t, 'victims', 'hold', [file.id])
    await victim.next()
    victim.tell('1')
    await victim.next()
    python(t, 'append', file, hex('whole'))
    python(t, 'word', file, '0xdeadbeef')
    python(t, 'word', file, '0xdeadbeef', 100)
    await victim.kill()
    t.is(file.append('next'), 2)
    t.deepEqual([[...file], file.recovered], [['inside 1', 'whole', 'next'], 1])
    const bytes = readFileSync(objectOf(file)).subarray(0, file.capacity)
    t.true(
      bytes.subarray(file.size).every((byte) => byte === 0),
      'all behind the end is zero',
    )
  },
)

;(here && !musl ? test : test.skip)('it takes the lock with pthread_mutex_lock', async (t) => {
  const file = create(t, 4096)
  const late = () => {
    const child = spawn('python3', [script, 'locked', objectOf(file), 'append'])
    t.teardown(() => child.kill('SIGKILL'))
    return [child, createInterface({ input: child.stdout })]
  }
  const [child, lines] = late()
  t.deepEqual(JSON.parse((await once(lines, 'line'))[0]), { locked: 0 })
  t.is(file.tryLock(), undefined)
  // It has written the size and not yet the bytes.
  await file.waitFor(0, { timeout: 50 }).catch(({ code }) => t.is(code, 'ERR_MMFILE_TIMEOUT'))
  const wait = file.waitFor(0)
  const unlocked = once(lines, 'line')
  child.stdin.write('\n')
  t.deepEqual(JSON.parse((await unlocked)[0]), { unlocked: 0 })
  await wait
  t.deepEqual([...file], ['locked'])
  file.withLockSync(({ abandoned }) => t.false(abandoned))
  // And it may die with the lock like any of us.
  const [second, more] = late()
  await once(more, 'line')
  second.kill('SIGKILL')
  await once(second, 'exit')
  file.withLockSync(({ abandoned }) => t.true(abandoned))
  t.is(file.recovered, 1)
  // After which it can take it again.
  const [third, third_lines] = late()
  t.deepEqual(JSON.parse((await once(third_lines, 'line'))[0]), { locked: 0 })
  third.kill('SIGKILL')
})
