// The command line: reading and writing a file's contents.

import test from 'ava'
import { MmFile } from 'mmfile'
import { start } from '../support/child.mjs'
import { command, done, prints, startCommand } from '../support/cli.mjs'
import { create, left } from '../support/files.mjs'

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

test('inspect and cat show a part of a file, of millions of segments just as quickly', async (t) => {
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

test('inspect --limit shows that many segments', async (t) => {
  const count = 130_000
  const file = create(t, count * 6)
  file.appendAll(Array.from({ length: count }, () => 'x'))
  const { stdout, status, stderr } = await command(t, ['inspect', file.id, '--limit', '200000'])
  t.deepEqual([status, stderr, stdout.match(/ x$/gm)?.length], [0, '', count])
})

test('text is recognised in each encoding, and bytes are shown as bytes', async (t) => {
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

test('append stores text in the given encoding', async (t) => {
  const file = create(t, 4096, { encoding: 'utf8' })
  await prints(t, ['append', file.id, 'Grüße', '--encoding', 'utf8'], '0\n')
  await prints(t, ['append', file.id, '--lines', '--encoding', 'latin1'], '1\n', { input: 'é\n' })
  t.deepEqual([file.read(0), [...file.readBytes(1)]], ['Grüße', [0xe9]])
  t.is((await command(t, ['append', file.id, '€', '--encoding', 'latin1'])).status, 2)
})

test('without --encoding, append uses the encoding of the newest texts, as cat recognises it', async (t) => {
  const appended = async (...values) => {
    const file = create(t, 1 << 20)
    if (values.length > 0) file.appendAll(values)
    const index = file.length
    await prints(t, ['append', file.id, 'Grüße'], `${index}\n`)
    await prints(t, ['append', file.id, '--lines'], `${index + 1}\n${index + 2}\n`, {
      input: 'é\nx',
    })
    const texts = ['Grüße', 'é', 'x']
    for (const encoding of ['utf8', 'utf16le']) {
      const bytes = texts.map((text) => [...Buffer.from(text, encoding)])
      const stored = texts.map((_, at) => [...file.readBytes(index + at)])
      if (stored.join() === bytes.join()) return encoding
    }
    return 'mixed'
  }
  const utf8 = (text) => Buffer.from(text)
  const wide = (text) => Buffer.from(text, 'utf16le')
  const noText = Buffer.from([0, 1, 255, 216])
  t.is(await appended(), 'utf16le')
  t.is(await appended('', noText), 'utf16le')
  t.is(await appended(utf8('a log')), 'utf8')
  t.is(await appended(utf8('日本')), 'utf8')
  t.is(await appended(wide('a log')), 'utf16le')
  t.is(await appended(utf8('a log'), '', noText, ''), 'utf8')
  t.is(await appended(utf8('a'), utf8('b'), wide('spoiled')), 'utf8')
  t.is(await appended(...Array(40).fill(utf8('old')), ...Array(20).fill(wide('new'))), 'utf16le')
  t.is(await appended(wide('中文'), wide('a'), wide('中')), 'utf16le') // '中' has the bytes of '-N'
  t.is(await appended(utf8(`x${'é'.repeat(9000)}`)), 'utf8')
})

test('seal ends followers; follow --from end begins with the next segment', async (t) => {
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

test('cat of much output, to a reader that is slow or closes the pipe', async (t) => {
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

test('follow prints existing and new segments, until the file is sealed', async (t) => {
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

test('follow ends with its peers if the option asks for that, and with a signal', async (t) => {
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
