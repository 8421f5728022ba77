// docs/memory-layout.md: its tables are the code's, and its programs do what it says.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { MmFile, NamedMutex } from 'mmfile'
import { musl } from '../support/c-library.mjs'
import { start } from '../support/child.mjs'
import { closing, create, objectOf, open, rounds, shm } from '../support/files.mjs'
import { blocks, page, table } from '../support/markdown.mjs'

const text = page('docs/memory-layout.md')
const core = (name) => page(`crates/mmfile-core/src/${name}`)
const layout = core('control/layout.rs')

const python = process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0
const foreign = !musl && python ? test : test.skip

test('the offsets are those of layout.rs', (t) => {
  const coded = [...layout.matchAll(/const OFF_(\w+): u64 = (0x[0-9a-f]+);/g)]
  const written = table(text, '### Offsets')
  t.true(coded.length > 20)
  t.deepEqual(
    written.map(([offset, name]) => [name, offset]),
    coded.map(([, name, offset]) => [name, offset]),
  )
  const used = core('control/mod.rs') + core('control/description.rs')
  for (const [, name, type] of written) {
    if (type === 'lock' || type === 'table') continue
    const [, how] = used.match(new RegExp(`(word|long|load)\\(at::OFF_${name}\\b`))
    t.is(type, how === 'word' ? 'u32' : 'u64', name)
  }
})

test('the rows of participants are those of layout.rs', (t) => {
  const coded = [...layout.matchAll(/const (SLOT_\w+): u64 = (0x[0-9a-f]+);/g)]
  const written = table(text, '### Participants')
  t.is(coded.length, 5)
  t.deepEqual(
    written.map(([offset, name]) => [name, offset]),
    coded.map(([, name, offset]) => [name, offset]),
  )
  const used = core('control/participants.rs')
  for (const [, name, type] of written) {
    const [, how] = used.match(new RegExp(`(word|long)\\(slot \\+ at::${name}\\)`))
    t.is(type, how === 'word' ? 'u32' : 'u64', name)
  }
})

test('the words of a channel are those of channel_layout.rs', (t) => {
  const code = core('control/channel_layout.rs')
  const coded = [...code.matchAll(/const (\w+): u64 = (0x[0-9a-f]+);/g)].map(([, ...it]) => it)
  const written = ['### Words of a channel', '### Slots'].flatMap((title) => table(text, title))
  t.true(written.length > 30)
  t.deepEqual(
    written.map(([offset, name]) => [name, offset]),
    coded.filter(([name]) => !name.startsWith('CLAIM_')),
  )
})

test('the constants are those of the code', (t) => {
  const code = [
    layout,
    ...['frames/segment_size.rs', 'object/files/liveness.rs', 'platform/unix/process.rs'].map(core),
  ]
  const value = (written) => {
    const plain = written.replaceAll('_', '')
    const [, base, shift] = plain.match(/^(\d+) ?<< ?(\d+)$/) ?? plain.match(/^(\d+)\^(\d+)$/) ?? []
    if (base === undefined) return Number(plain)
    return plain.includes('^') ? base ** shift : base * 2 ** shift
  }
  const written = table(text, '### Constants')
  t.true(written.length > 10)
  for (const [name, number] of written) {
    if (name === 'PARTICIPANT_COUNT') continue
    const found = code.join('\n').match(new RegExp(`const ${name}: u\\d+ = ([^;]+);`))
    t.is(value(number), value(found?.[1] ?? ''), name)
  }
  // The table of participants fills the block.
  const constants = Object.fromEntries(written)
  const offsets = table(text, '### Offsets').map(([offset, name]) => [name, Number(offset)])
  t.is(
    Object.fromEntries(offsets).PARTICIPANTS +
      constants.PARTICIPANT_COUNT * constants.PARTICIPANT_SIZE,
    Number(constants.CONTROL_SIZE),
  )
  const named = [...layout.matchAll(/const (\w+): u\d+ = [^;]+;/g)].map(([, name]) => name)
  const others = ['MAGIC', 'ARCHITECTURE', 'C_LIBRARY']
  const missing = named.filter((name) => !/^(OFF|SLOT)_/.test(name) && !others.includes(name))
  t.deepEqual(
    missing.filter((name) => !written.some(([one]) => one === name)),
    [],
  )
  t.true(layout.includes('MMFILE\\r\\n') && text.includes('`MMFILE\\r\\n`'))
})

test('a file on disk has its control block where the page says', (t) => {
  const path = folder(t)
  for (const capacity of [1, 4092, 4093, 100_000]) {
    const name = join(path, `${capacity}`)
    const file = closing(t, MmFile.createFile(name, capacity))
    checkObject(t, file, name, 4)
  }
})

const linux = process.platform === 'linux' ? test : test.skip

linux('so has one in memory', (t) => {
  for (const capacity of [1, 4092, 4093, 100_000]) {
    const file = create(t, capacity)
    checkObject(t, file, objectOf(file), 0)
  }
})

/** Appends a segment if there is room for it, and compares `path` with the page's bytes. */
function checkObject(t, file, path, flags) {
  const { capacity } = file
  if (capacity > 8) file.append('ab')
  const bytes = readFileSync(path)
  const control = Math.ceil((capacity + 4) / 4096) * 4096
  t.is(bytes.length, control + 4096)
  t.is(bytes.readUInt32LE(0), capacity > 8 ? 4 : 0)
  t.true(bytes.subarray(file.size, control).every((byte) => byte === 0))
  t.is(bytes.toString('latin1', control, control + 8), 'MMFILE\r\n')
  t.is(bytes.readBigUInt64LE(control + 0x20), BigInt(capacity))
  t.is(bytes.readUInt32LE(control + 0x18) & 4, flags)
}

linux('a mutex is a control block', (t) => {
  const mutex = closing(t, NamedMutex.open(`layout-${process.pid}`))
  const bytes = readFileSync(shm(`mmfile-mutex-${mutex.name}`))
  t.is(bytes.length, 4096)
  t.is(bytes.toString('latin1', 0, 8), 'MMFILE\r\n')
  t.is(bytes.readUInt32LE(0x18) & 2, 2)
})

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'mmfile-layout-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

/** A folder with the page's programs, and the one that kills itself. */
function programs(t) {
  const path = folder(t)
  const [reader, writer, ...more] = blocks(text, 'python')
  t.deepEqual(more, [])
  writeFileSync(join(path, 'mmfile_reader.py'), reader.code)
  writeFileSync(join(path, 'mmfile_writer.py'), writer.code)
  // It has to be woken, or hangs: it does not check by itself.
  const patient = reader.code.replace('Timespec(0, 500_000_000)', 'Timespec(600, 0)')
  t.not(patient, reader.code)
  writeFileSync(join(path, 'patient.py'), patient)
  const kills = fileURLToPath(new URL('../support/killed-writer.py', import.meta.url))
  copyFileSync(kills, join(path, 'kills.py'))
  return path
}

/** Starts one of them; returns the lines that it prints, and its exit. */
function begin(t, path, name, ...args) {
  const child = spawn('python3', [name, ...args], { cwd: path })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (more) => {
    stderr += more
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }))
  return { child, next, ended, tell: (line) => child.stdin.write(`${line}\n`) }
}

const fine = { code: 0, signal: null, stderr: '' }

/** The one in the middle. */
function median(times) {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

foreign(
  "the reader reads the package's segments, is woken by more, and ends at the seal",
  async (t) => {
    const file = create(t, 10_000)
    const values = ['Grüße 💾', '', 'x']
    file.append(values[0])
    file.appendAll(values.slice(1))
    const path = programs(t)
    const impatient = begin(t, path, 'mmfile_reader.py', file.id)
    for (const value of values) t.is(await impatient.next(), value)
    const reader = begin(t, path, 'patient.py', file.id)
    for (const value of values) t.is(await reader.next(), value)
    const times = []
    for (let round = 0; round < rounds(7); round += 1) {
      await pause(70 * (round % 3))
      const started = performance.now()
      file.append(`${round}`)
      t.is(await reader.next(), `${round}`)
      times.push(performance.now() - started)
    }
    t.log(`read ${median(times).toFixed(1)} ms after the append (median)`)
    await pause(100)
    file.seal()
    for (const { ended } of [reader, impatient]) t.deepEqual(await ended, fine)
  },
)

foreign('the reader keeps the file, and is a peer', async (t) => {
  const file = create(t, 100, { lifetime: 'last-process' })
  const reader = begin(t, programs(t), 'mmfile_reader.py', file.id)
  file.append('here')
  t.is(await reader.next(), 'here')
  await t.throwsAsync(file.waitFor(1, { requirePeer: true, timeout: 500 }), {
    code: 'ERR_MMFILE_TIMEOUT',
  })
  const wait = file.waitFor(1, { requirePeer: true, timeout: 30_000 })
  reader.child.kill('SIGKILL')
  await t.throwsAsync(wait, { code: 'ERR_MMFILE_PEER_GONE' })
})

foreign("the package reads the writer's segments, and its sleepers are woken", async (t) => {
  const file = create(t, 10_000)
  const handle = open(t, file, { access: 'read' })
  const path = programs(t)
  const writer = begin(t, path, 'mmfile_writer.py', file.id)
  const reader = begin(t, path, 'patient.py', file.id)
  const times = []
  for (let index = 0; index < 2 * rounds(5); index += 2) {
    const wait = handle.waitFor(index)
    await pause(1000) // it sleeps half a second at a time by now
    const started = performance.now()
    const value = index % 4 ? 'theirs' : ''
    writer.tell(value)
    await wait
    times.push(performance.now() - started)
    t.is(await reader.next(), value)
    t.deepEqual([file.read(index), file.append('ours')], [value, index + 1])
    t.is(await reader.next(), 'ours')
  }
  t.log(`woken ${median(times).toFixed(1)} ms after the line (median)`)
  writer.child.stdin.end()
  t.deepEqual(await writer.ended, fine)
  t.is(file.recovered, 0)
})

foreign('the writer refuses values that do not fit, and a sealed file', async (t) => {
  const path = programs(t)
  const say = async (file, value) => {
    const writer = begin(t, path, 'mmfile_writer.py', file.id)
    writer.child.stdin.end(value)
    return (await writer.ended).stderr
  }
  const full = create(t, 20)
  t.is(await say(full, 'ab\ncd'), '')
  t.regex(await say(full, 'x'), /no room/)
  t.deepEqual([[...full], full.size], [['ab', 'cd'], 16])
  t.is(await say(full, ''), '')
  const sealed = create(t, 100)
  sealed.seal()
  t.regex(await say(sealed, 'x'), /sealed/)
  t.is(sealed.length, 0)
})

foreign('several writers at once, theirs and ours, lose nothing', async (t) => {
  const count = rounds(400)
  const path = programs(t)
  const file = create(t, 5 * count * 64)
  const ours = ['a', 'b'].map((who) => start(t, 'appenders', 'many', [file.id, who, count]))
  for (const writer of ours) t.is(await writer.next(), 'ready')
  const theirs = ['c', 'd', 'e'].map((who) => {
    const writer = begin(t, path, 'mmfile_writer.py', file.id)
    const lines = Array.from({ length: count }, (_, at) => `${who}:${at}:${'y'.repeat(at % 13)}\n`)
    writer.child.stdin.end(lines.join(''))
    return writer
  })
  const reader = begin(t, path, 'mmfile_reader.py', file.id)
  for (const writer of ours) writer.tell('go')
  for (const [at, writer] of ours.entries()) {
    const indexes = await writer.next()
    t.is(indexes.length, count)
    for (const [step, index] of indexes.entries()) {
      t.true(file.read(index).startsWith(`${'ab'[at]}:${step}:`))
    }
  }
  for (const writer of theirs) t.deepEqual(await writer.ended, fine)
  const all = [...file]
  t.is(all.length, 5 * count)
  for (const who of 'abcde') {
    const steps = all.filter((one) => one.startsWith(who)).map((one) => Number(one.split(':')[1]))
    t.deepEqual(
      steps,
      Array.from({ length: count }, (_, at) => at),
    )
  }
  for (const value of all) if ((await reader.next()) !== value) t.fail(value)
  file.seal()
  t.deepEqual(await reader.ended, fine)
  t.is(file.recovered, 0)
  t.log(`${all.length} segments by five processes`)
})

/** Has a writer kill itself before its store number `at`; whether it did. */
function killAt(t, path, file, at, values) {
  const { status, signal, stderr } = spawnSync(
    'python3',
    ['kills.py', file.id, `${at}`, ...values],
    {
      cwd: path,
      encoding: 'utf8',
    },
  )
  t.is(stderr, '')
  t.true(signal === 'SIGKILL' || status === 0)
  return signal === 'SIGKILL'
}

foreign('a writer that is killed before any of its stores has appended all or nothing', (t) => {
  const path = programs(t)
  let kills = 0
  for (let at = 0, killed = true; killed; at += 1) {
    const file = create(t, 1000)
    file.append('before')
    killed = killAt(t, path, file, at, ['one', 'two', 'three'])
    const [first, ...rest] = file
    t.is(first, 'before')
    t.true(['', 'one,two,three'].includes(`${rest}`), `${at}: ${rest}`)
    t.is(file.append('after'), rest.length + 1)
    t.is(open(t, file).length, rest.length + 2)
    t.is(file.recovered, killed ? 1 : 0)
    checkEnd(t, file)
    if (killed) kills += 1
    file.close()
  }
  t.true(kills > 10)
  t.log(`${kills} places to be killed at`)
})

/** The bytes behind the last segment are zero. */
function checkEnd(t, file) {
  const bytes = readFileSync(objectOf(file))
  t.true(bytes.subarray(file.size, -4096).every((byte) => byte === 0))
}

foreign('a writer repairs what ours left, and may be killed while it does', async (t) => {
  const path = programs(t)
  let kills = 0
  for (let at = 0, killed = true; killed; at += 1) {
    const file = create(t, 1000)
    const victim = start(t, 'victims', 'hold', [file.id])
    await victim.next()
    victim.tell('1')
    await victim.next()
    const object = openSync(objectOf(file), 'r+')
    const control = fstatSync(object).size - 4096
    // It was writing two segments, and had not yet published the first.
    writeSync(object, Buffer.from([0, 0, 0, 0, 1, 2, 3, 4, 2, 0, 0, 0, 5, 6]), 0, 14, 20)
    const intent = new BigUint64Array([24n, 1n, 38n, 3n])
    writeSync(object, Buffer.from(intent.buffer), 0, 32, control + 0x100)
    closeSync(object)
    await victim.kill()
    killed = killAt(t, path, file, at, ['theirs'])
    const values = [...file]
    t.true(['inside 1', 'inside 1,theirs'].includes(`${values}`), `${at}: ${values}`)
    t.true(killed || values.length === 2)
    t.is(file.append('next'), values.length)
    t.is(file.recovered, killed ? 1 : 0)
    t.is(file.length, values.length + 1)
    checkEnd(t, file)
    if (killed) kills += 1
    file.close()
  }
  t.true(kills > 10)
  t.log(`${kills} places to be killed at`)
})
