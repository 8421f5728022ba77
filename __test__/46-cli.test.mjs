// The command line: what each command prints, and how it ends.

import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { list, MmFile, NamedMutex } from 'mmfile'
import { start } from './support/child.mjs'
import { command, startCommand } from './support/cli.mjs'
import { closing, create, isThere, left, open, uniqueId } from './support/files.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

const done = (stdout) => ({ status: 0, signal: null, stdout, stderr: '' })

/** Checks all of what a command printed but for the raw bytes. */
async function prints(t, args, stdout, options) {
  const { bytes, ...rest } = await command(t, args, options)
  t.deepEqual(rest, done(stdout))
  return bytes
}

/** Prefixes of a test alone, and the options that tell them to a command. */
function own() {
  const name = uniqueId('cli').slice(0, 40)
  const prefixes = { data: `${name}-d-`, mutex: `${name}-m-` }
  const flags = ['--data-prefix', prefixes.data, '--mutex-prefix', prefixes.mutex]
  return { prefixes, flags }
}

test('help and version', async (t) => {
  const { stdout, status } = await command(t, ['--help'])
  t.is(status, 0)
  const names = ['ls', 'inspect', 'cat', 'follow', 'append', 'seal', 'peers', 'rm', 'sweep']
  names.push('completions')
  for (const name of names) {
    t.regex(stdout, new RegExp(`^  ${name} `, 'm'))
    const help = await command(t, [name, '--help'])
    t.is(help.status, 0)
    t.true(help.stdout.startsWith(`Usage: mmfile ${name}`))
    t.regex(help.stdout, new RegExp(`^Example: .*mmfile ${name} ?`, 'm'))
    for (const same of [
      [name, '-h'],
      ['help', name],
      ['--help', name],
    ]) {
      t.is((await command(t, same)).stdout, help.stdout)
    }
  }
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)))
  await prints(t, ['--version'], `${version}\n`)
  await prints(t, ['-v'], `${version}\n`)
  const bare = await command(t, [])
  t.deepEqual([bare.status, bare.stdout, bare.stderr], [2, '', stdout])
})

test('wrong usage is exit status 2', async (t) => {
  const { id } = create(t)
  for (const args of [
    ['nonsense'],
    ['cat', id, '0', '--limit', '1'],
    ['cat', id, '--encoding', 'ascii'],
    ['inspect', id, '--from', 'end'],
    ['inspect', id, '--limit', '-1'],
    ['inspect', 'not-there', '--limit', 'x'],
    ['cat', 'not-there', '--from', 'x'],
    ['seal'],
    ['cat'],
    ['cat', id, '0', '1'],
    ['cat', id, 'first'],
    ['cat', id, '-1'],
    ['cat', id, '1.5'],
    ['cat', id, '--bytes', '--json'],
    ['ls', 'id'],
    ['ls', '--nonsense'],
    ['ls', '--data-prefix'],
    ['ls', '--data-prefix', 'a/b'],
    ['inspect', ''],
    ['inspect', '..'],
    ['inspect', 'not an id'],
    ['follow', id, '--from', 'x'],
    ['append', id, 'text', '--lines'],
    ['append', id, '--lines', '--bytes'],
    ['rm'],
    ['rm', 'a b'],
    ['rm', id, '--kind', 'segment'],
    ['ls', '--kind', 'files'],
    ['ls', '--directory', ''],
    ['ls', '--prefix', 'a/b'],
    ['peers'],
    ['sweep', 'x'],
    ['completions'],
    ['completions', 'fish'],
  ]) {
    const { status, stdout, stderr } = await command(t, args)
    t.deepEqual([status, stdout], [2, ''], `${args}: ${stderr}`)
    t.regex(stderr, /^mmfile: .*\nTry 'mmfile --help'\.\n$/s, `${args}`)
  }
})

test('a failure is exit status 1, with its code', async (t) => {
  const id = uniqueId()
  const file = create(t, 30)
  file.append(new Uint8Array(3))
  for (const [code, ...args] of [
    ['NOT_FOUND', 'inspect', id],
    ['NOT_FOUND', 'cat', id],
    ['NOT_FOUND', 'follow', id],
    ['NOT_FOUND', 'append', id, 'text'],
    ['NOT_FOUND', 'rm', id],
    ['NOT_FOUND', 'rm', id, '--kind', 'mutex'],
    ['NOT_FOUND', 'peers', id],
    ['UNSUPPORTED', 'cat', id, '--directory', '/there/is/none'],
    ['NOT_FOUND', 'cat', './there/is/none'],
    ['NOT_TEXT', 'cat', file.id, '--encoding', 'utf16le'],
    ['NOT_FOUND', 'seal', id],
    ['SEGMENT_RANGE', 'cat', file.id, '1'],
    ['CAPACITY', 'append', file.id, 'more than there is room for'],
    ['ACCESS', 'cat', './package.json'],
  ]) {
    const { status, stdout, stderr } = await command(t, args)
    t.deepEqual([status, stdout], [1, ''], `${args}: ${stderr}`)
    const expected = code === 'ACCESS' ? /ERR_MMFILE_(INCOMPATIBLE|ACCESS|CORRUPT)/ : `_${code}: `
    t.true(stderr.match(expected) !== null && stderr.startsWith('mmfile: ERR_MMFILE_'), stderr)
  }
  t.deepEqual([file.length, file.size], [1, 7])
})

test('ls shows what there is', async (t) => {
  const { prefixes, flags } = own()
  await prints(t, ['ls', '--json', ...flags], '[]\n')
  const first = create(t, 4096, { prefixes, id: 'first' })
  first.appendAll(['a', 'b'])
  first.seal()
  const creator = start(t, 'sweepers', 'create', [prefixes.data, prefixes.mutex])
  const second = await creator.next()
  const states = async () => JSON.parse((await command(t, ['ls', '--json', ...flags])).stdout)
  const infos = await states()
  t.deepEqual(
    infos.map(({ id, stale }) => [id, stale]),
    [
      ['first', false],
      [second, false],
    ],
  )
  t.deepEqual(
    infos,
    JSON.parse(JSON.stringify(list({ prefixes }).sort((a, b) => a.createdAt - b.createdAt))),
  )
  await creator.kill()
  if (process.platform === 'win32') {
    // What a killed process had is gone at once.
    await prints(t, ['ls', '-q', ...flags], 'first\n')
    await prints(t, ['sweep', '--json', ...flags], '[]\n')
    return
  }
  t.deepEqual(
    (await states()).map(({ stale }) => stale),
    [false, true],
  )
  const { stdout } = await command(t, ['ls', ...flags])
  const [head, one, two] = stdout.split('\n')
  t.regex(head, /^ID +KIND +LENGTH +USED +CAPACITY +LIFETIME +CREATOR +CREATED +STATE$/)
  t.regex(
    one,
    new RegExp(`^first +file +2 +12 +4096 +creator +${process.pid} +\\S+Z +in use, sealed$`),
  )
  t.regex(two, new RegExp(`^${second} .* stale$`))
  await prints(t, ['ls', '-q', ...flags], `first\n${second}\n`)
  const swept = await command(t, ['sweep', ...flags])
  t.regex(swept.stdout, new RegExp(`^ID .*\n${second} +file .* stale\n$`))
  await prints(t, ['sweep', '--json', ...flags], '[]\n')
  t.deepEqual(left(second), [])
  t.is(first.read(1), 'b')
})

test('inspect shows the file and its segments', async (t) => {
  const file = create(t, 4096)
  file.appendAll([
    'text',
    '',
    'line\nline \x1b[2J\u202e',
    '💾'.repeat(50),
    new Uint8Array([0, 1, 255]),
  ])
  const { stdout, status } = await command(t, ['inspect', file.id, '--json'])
  t.is(status, 0)
  const { createdAt, segments, ...facts } = JSON.parse(stdout)
  t.true(Math.abs(Date.now() - new Date(createdAt)) < 60_000)
  const { id, size } = file
  const expected = { id, lifetime: 'creator', creatorPid: process.pid, capacity: 4096, size }
  t.deepEqual(facts, { ...expected, length: 5, sealed: false })
  t.deepEqual(segments, [
    { index: 0, bytes: 8, preview: 'text' },
    { index: 1, bytes: 0, preview: '' },
    { index: 2, bytes: 30, preview: 'line\\nline \\u001b[2J\\u{202e}' },
    { index: 3, bytes: 200, preview: `${'💾'.repeat(30)}…` },
    { index: 4, bytes: 3, preview: '<00 01 ff>' },
  ])
  const shown = await command(t, ['inspect', `{${id.toUpperCase()}}`])
  t.regex(shown.stdout, new RegExp(`^id +${id}\n`))
  t.regex(shown.stdout, /^INDEX +BYTES +BEGINS WITH\n {4}0 +8 +text\n/m)
  t.false(shown.stdout.includes('\x1b'), 'no colours where no terminal is')
})

test('inspect and cat show a part of what there is, of millions of segments as quickly', async (t) => {
  const count = 3_000_000
  const file = create(t, count * 5)
  for (let at = 0; at < count; at += 100_000) {
    file.appendAll(Array.from({ length: 100_000 }, () => new Uint8Array([120])))
  }
  const started = performance.now()
  const rows = async (...args) => {
    const { stdout, status, stderr } = await command(t, ['inspect', file.id, ...args])
    t.deepEqual([status, stderr], [0, ''])
    return stdout.match(/^ *\d+ +1 +x$/gm)?.map((row) => Number.parseInt(row, 10)) ?? []
  }
  const upTo = (from, to) => Array.from({ length: to - from }, (_, at) => from + at)
  t.deepEqual(await rows(), upTo(0, 100))
  t.deepEqual(await rows('--from', '2999990', '--limit', '7'), upTo(2999990, 2999997))
  t.deepEqual(await rows('--from', '2999998'), upTo(2999998, 3000000))
  t.deepEqual(await rows('--from', '3000000'), [])
  t.deepEqual(await rows('--limit', '0'), [])
  const { stdout } = await command(t, ['inspect', file.id])
  t.regex(stdout, /… and 2999900 more/)
  await prints(t, ['cat', file.id, '--from', '2999990', '--limit', '3'], 'x\nx\nx\n')
  await prints(t, ['cat', file.id, '--from', '2999999'], 'x\n')
  await prints(t, ['cat', file.id, '--from', '3000001'], '')
  t.true(performance.now() - started < 30_000)
})

test('inspect shows as many segments as it is told to', async (t) => {
  const count = 130_000
  const file = create(t, count * 6)
  file.appendAll(Array.from({ length: count }, () => 'x'))
  const { stdout, status, stderr } = await command(t, ['inspect', file.id, '--limit', '200000'])
  t.deepEqual([status, stderr, stdout.match(/ x$/gm)?.length], [0, '', count])
})

test('text is recognised by what it is, whatever its encoding, and bytes are shown as bytes', async (t) => {
  const file = create(t, 4096)
  file.appendAll([
    'Grüße',
    Buffer.from('{"a":12}'),
    Buffer.from('日本'),
    new Uint8Array([0, 1, 255, 216]),
  ])
  file.appendAll([new Uint8Array([1, 0, 2, 0]), Buffer.alloc(64), '', Buffer.from('é', 'latin1')])
  const expected = ['Grüße', '{"a":12}', '日本', '<00 01 ff d8>', '<01 00 02 00>']
  expected.push(`<${'00 '.repeat(64).trim()}>`, '', '<e9>')
  await prints(t, ['cat', file.id], expected.map((line) => `${line}\n`).join(''))
  const json = (await command(t, ['cat', '--json', file.id])).stdout
    .trim()
    .split('\n')
    .map(JSON.parse)
  t.deepEqual(json.slice(0, 4), ['Grüße', '{"a":12}', '日本', { base64: 'AAH/2A==' }])
  const { segments } = JSON.parse((await command(t, ['inspect', '--json', file.id])).stdout)
  t.deepEqual(
    segments.map(({ preview }) => preview),
    [...expected.slice(0, 5), `<${'00 '.repeat(16)}…>`, '', '<e9>'],
  )
  await prints(t, ['cat', file.id, '7', '--encoding', 'latin1'], 'é\n')
  await prints(
    t,
    ['cat', file.id, '1', '--encoding', 'utf16le'],
    `${Buffer.from('{"a":12}').toString('utf16le')}\n`,
  )
  t.is((await command(t, ['cat', file.id, '3', '--encoding', 'utf8'])).status, 1)
  const long = create(t, 4096)
  long.append(Buffer.from(`x${'é'.repeat(200)}`))
  t.regex((await command(t, ['inspect', long.id])).stdout, / xé{59}…$/m)
})

test('append stores text in the encoding that it is told', async (t) => {
  const file = create(t, 4096, { encoding: 'utf8' })
  await prints(t, ['append', file.id, 'Grüße', '--encoding', 'utf8'], '0\n')
  await prints(t, ['append', file.id, '--lines', '--encoding', 'latin1'], '1\n', { input: 'é\n' })
  t.deepEqual([file.read(0), [...file.readBytes(1)]], ['Grüße', [0xe9]])
  t.is((await command(t, ['append', file.id, '€', '--encoding', 'latin1'])).status, 2)
})

test('seal ends those who follow; follow --from end begins with what comes', async (t) => {
  const file = create(t, 4096)
  file.append('there')
  const follower = startCommand(t, ['follow', file.id, '--from', 'end'])
  for (let tries = 0; file.peers().length < 2 && tries < 500; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  file.append('comes')
  await follower.shown('comes\n')
  await prints(t, ['seal', file.id], '')
  t.true(file.sealed)
  t.is((await follower.ended).stdout, 'comes\n')
})

test('cat prints segments', async (t) => {
  const file = create(t, 4096)
  const segments = ['Grüße', '', 'a\nb', '\ud800']
  file.appendAll(segments)
  await prints(t, ['cat', file.id], 'Grüße\n\na\nb\n\ufffd\n')
  await prints(t, ['cat', file.id, '0'], 'Grüße\n')
  await prints(t, ['cat', file.id, '2'], 'a\nb\n')
  await prints(
    t,
    ['cat', '--json', file.id],
    segments.map((text) => `${JSON.stringify(text)}\n`).join(''),
  )
  const odd = new Uint8Array([255, 0, 10])
  file.append(odd)
  const all = Buffer.concat([...segments.map((text) => Buffer.from(text, 'utf16le')), odd])
  t.deepEqual((await command(t, ['cat', '-b', file.id])).bytes, all)
  t.deepEqual((await command(t, ['cat', '--bytes', file.id, '4'])).bytes, Buffer.from(odd))
})

test('cat of much, to a reader that takes its time or goes away', async (t) => {
  const file = create(t, 16 << 20)
  for (let index = 0; index < 64; index += 1) file.append(`${index}:${'x'.repeat(100_000)}`)
  const { stdout, status } = await command(t, ['cat', file.id])
  t.is(status, 0)
  t.true(stdout === [...file].map((text) => `${text}\n`).join(''))
  const gone = startCommand(t, ['cat', file.id])
  await gone.shown('0:')
  gone.child.stdout.destroy()
  const { status: quiet, stderr } = await gone.ended
  t.deepEqual([quiet, stderr], [0, ''])
})

test('follow prints what is there and what comes, until the file is sealed', async (t) => {
  const file = create(t, 4096)
  file.append('there')
  const all = startCommand(t, ['follow', file.id])
  const late = startCommand(t, ['follow', file.id, '--from', '1', '--json'])
  await all.shown('there\n')
  file.append('comes')
  await Promise.all([all.shown('comes\n'), late.shown('"comes"\n')])
  file.appendAll(['', 'last'])
  file.seal()
  const { bytes: _, ...rest } = await all.ended
  t.deepEqual(rest, done('there\ncomes\n\nlast\n'))
  t.is((await late.ended).stdout, '"comes"\n""\n"last"\n')
})

test('follow ends with the peers if it is asked to, and with a signal', async (t) => {
  const creator = start(t, 'sweepers', 'create', ['mmfile-data-', 'mmfile-lock-'])
  const id = await creator.next()
  const follower = startCommand(t, ['follow', id, '--require-peer'])
  const listener = startCommand(t, ['follow', id])
  const file = MmFile.openExisting(id)
  file.append('there')
  file.close()
  await Promise.all([follower.shown('there'), listener.shown('there')])
  await creator.kill()
  listener.child.kill('SIGINT')
  const { status, signal } = await listener.ended
  // Windows has no signals between processes: it is killed there.
  const expected = process.platform === 'win32' ? [null, 'SIGINT'] : [130, null]
  t.deepEqual([status, signal], expected)
  const ended = await follower.ended
  t.is(ended.status, 1)
  t.regex(ended.stderr, /ERR_MMFILE_PEER_GONE: /)
  t.deepEqual(left(id), [])
})

test('append takes text, or standard input in three ways', async (t) => {
  const file = create(t, 4096)
  await prints(t, ['append', file.id, 'text'], '0\n')
  await prints(t, ['append', file.id, ''], '1\n')
  await prints(t, ['append', file.id, '--', '--dash'], '2\n')
  await prints(t, ['append', file.id], '3\n', { input: 'two\nlines 💾\n' })
  await prints(t, ['append', file.id, '--lines'], '4\n5\n6\n', { input: 'one\r\n\nthree' })
  await prints(t, ['append', file.id, '-b'], '7\n', { input: Buffer.from([1, 2, 255]) })
  await prints(t, ['append', file.id, '-l'], '', { input: '' })
  await prints(t, ['append', file.id], '', { input: '' })
  await prints(t, ['append', file.id, '-b'], '', { input: '' })
  await prints(t, ['append', file.id, '--allow-empty'], '8\n', { input: '' })
  const texts = ['text', '', '--dash', 'two\nlines 💾\n', 'one', '', 'three']
  t.deepEqual(
    texts.map((_, index) => file.read(index)),
    texts,
  )
  t.deepEqual([...file.readBytes(7)], [1, 2, 255])
  t.is(file.byteLength(8), 0)
  for (const flags of [[], ['--lines']]) {
    const refused = await command(t, ['append', file.id, ...flags], {
      input: Buffer.from([0xc3, 0x28]),
    })
    t.is(refused.status, 1)
    t.regex(refused.stderr, /ERR_ENCODING_INVALID_ENCODED_DATA: /)
  }
  t.is(file.length, 9)
})

test('lines are appended as they come', async (t) => {
  const file = create(t, 4096)
  const appending = startCommand(t, ['append', file.id, '--lines'])
  appending.child.stdin.write('li')
  for (let index = 0; index < 3; index += 1) {
    appending.child.stdin.write(`ne ${index}\nli`)
    await file.waitFor(index)
    t.is(file.read(index), `line ${index}`)
  }
  appending.child.stdin.end()
  t.is((await appending.ended).stdout, '0\n1\n2\n3\n')
  t.is(file.read(3), 'li')
})

test('ls, rm and sweep know files and mutexes apart', async (t) => {
  const { prefixes, flags } = own()
  const prefix = `${prefixes.mutex}n-`
  const place = [...flags, '--prefix', prefix]
  const file = create(t, 100, { prefixes, id: 'both' })
  const mutex = closing(t, NamedMutex.open('both', { prefix }))
  closing(t, NamedMutex.open('lone', { prefix }))
  const shown = async (...args) => {
    const { stdout } = await command(t, ['ls', '--json', ...place, ...args])
    return JSON.parse(stdout)
      .map(({ id, kind }) => `${kind} ${id}`)
      .sort()
  }
  t.deepEqual(await shown(), ['file both', 'mutex both', 'mutex lone'])
  t.deepEqual(await shown('--kind', 'mutex'), ['mutex both', 'mutex lone'])
  await prints(t, ['ls', '--quiet', ...flags], 'both\n')
  const refused = await command(t, ['rm', 'both', ...place])
  t.is(refused.status, 2)
  t.regex(refused.stderr, /'both' is a file and a mutex: say --kind/)
  await prints(t, ['rm', 'both', '--kind', 'mutex', ...place], '')
  await prints(t, ['rm', 'lone', ...place], '')
  t.deepEqual(await shown(), ['file both'])
  await prints(t, ['rm', 'both', ...place], '')
  t.deepEqual(await shown(), [])
  t.deepEqual([file.append('goes on'), mutex.closed], [0, false])
})

test('peers shows who has a file open', async (t) => {
  const file = create(t, 100)
  open(t, file, { access: 'read' })
  const guard = file.tryLock()
  const { stdout } = await command(t, ['peers', file.id])
  const [head, one, two, rest] = stdout.split('\n')
  t.regex(head, /^ *PID +ACCESS +SINCE +CREATOR +LOCK$/)
  t.regex(one, new RegExp(`^ *${process.pid} +read-write +\\S+Z +creator +holds the lock$`))
  t.regex(two, new RegExp(`^ *${process.pid} +read +\\S+Z$`))
  t.is(rest, '')
  guard.release()
  const { stdout: json } = await command(t, ['peers', file.id, '--json'])
  t.deepEqual(
    JSON.parse(json),
    JSON.parse(JSON.stringify(file.peers())).map((peer) => ({ ...peer, self: false })),
  )
})

onLinux('--directory is where files are, for every command', async (t) => {
  const directory = realpathSync.native(mkdtempSync(join(tmpdir(), 'mmfile-cli-')))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const place = ['--directory', directory]
  const file = create(t, 4096, { directory, id: 'here' })
  await prints(t, ['append', 'here', 'text', ...place], '0\n')
  await prints(t, ['cat', 'here', ...place], 'text\n')
  await prints(t, ['ls', '--quiet', ...place], 'here\n')
  await prints(t, ['ls', '--quiet'], 'here\n', { env: { MMFILE_DIRECTORY: directory } })
  t.like(JSON.parse((await command(t, ['inspect', 'here', '--json', ...place])).stdout), {
    id: 'here',
    creatorPid: process.pid,
  })
  const follower = startCommand(t, ['follow', 'here', ...place])
  await follower.shown('text\n')
  file.seal()
  t.is((await follower.ended).status, 0)
  t.regex((await command(t, ['peers', 'here', ...place])).stdout, / creator$/m)
  await prints(t, ['sweep', '--quiet', ...place], '')
  await prints(t, ['rm', 'here', ...place], '')
  t.deepEqual(readdirSync(directory), [])
})

test('rm takes ids away, and leaves those who have the file open alone', async (t) => {
  const files = [1, 2].map(() => create(t, 4096))
  const ids = files.map(({ id }) => id)
  const none = uniqueId()
  const { status, stderr } = await command(t, ['rm', ids[0], none, ids[1]])
  t.is(status, 1)
  t.regex(stderr, new RegExp(`^mmfile: ERR_MMFILE_NOT_FOUND: [^\n]*${none}[^\n]*\n$`))
  for (const file of files) {
    t.false(isThere(file.id))
    t.deepEqual(left(file.id), [])
    file.append('goes on')
    t.is(file.read(0), 'goes on')
  }
  const early = process.platform !== 'win32' // there an id is in use until the last one leaves
  if (!early) files[0].close()
  const again = closing(t, MmFile.createNew(100, { id: ids[0] }))
  files[0].close()
  t.true(isThere(again.id), 'whoever had the id before takes nothing from who has it now')
})

test('a file on disk is named by its path', async (t) => {
  const made = mkdtempSync(join(tmpdir(), 'mmfile-cli-'))
  t.teardown(() => rmSync(made, { recursive: true, maxRetries: 5 }))
  // The folder for temporary files is behind a link on macOS, and may have a short name on Windows.
  const path = join(realpathSync.native(made), 'file')
  MmFile.createFile(path, 4096).close()
  await prints(t, ['append', path, 'kept'], '0\n')
  await prints(t, ['cat', path], 'kept\n')
  const { stdout } = await command(t, ['inspect', path, '--json'])
  t.like(JSON.parse(stdout), {
    path,
    length: 1,
    segments: [{ index: 0, bytes: 8, preview: 'kept' }],
  })
  await prints(t, ['rm', path], '')
  t.regex((await command(t, ['rm', path])).stderr, /ERR_MMFILE_NOT_FOUND: /)
  const other = join(realpathSync.native(made), 'other')
  writeFileSync(other, 'not ours')
  t.is((await command(t, ['rm', other])).status, 1)
  t.is(readFileSync(other, 'utf8'), 'not ours')
})
