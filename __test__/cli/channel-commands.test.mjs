// The command and channels.

import { join } from 'node:path'
import test from 'ava'
import { Channel, MmFile, NamedMutex } from 'mmfile'
import { channel, closing, folder, uniqueId } from '../support/channels.mjs'
import { command, done } from '../support/cli.mjs'

test('ls, inspect and peers show channels', async (t) => {
  const one = channel(t, { encoding: 'json', groups: ['workers'] })
  one.sendAllSync([{ a: 1 }, 'two'])
  const { stdout } = await command(t, ['ls', '--kind', 'channel'])
  t.regex(stdout, new RegExp(`${one.id} +channel +2 `))
  const shown = JSON.parse((await command(t, ['inspect', one.id, '--json'])).stdout)
  t.like(shown, {
    id: one.id,
    kind: 'channel',
    encoding: 'json',
    nextIndex: 2,
    oldestIndex: 0,
    sealed: false,
  })
  t.deepEqual(shown.messages, [
    { index: 0, bytes: 7, preview: '{"a":1}' },
    { index: 1, bytes: 5, preview: '"two"' },
  ])
  const text = (await command(t, ['inspect', one.id])).stdout
  t.regex(text, /encoding +json/)
  t.regex(text, /workers/)
  const peers = JSON.parse((await command(t, ['peers', one.id, '--json'])).stdout)
  t.is(peers.peers[0].pid, process.pid)
  t.deepEqual(
    peers.participants.map(({ role, group }) => [role, group]),
    [['group', 'workers']],
  )
  t.regex((await command(t, ['peers', one.id])).stdout, /PARTICIPANT +ROLE/)
})

test('cat prints the messages, by encoding and form', async (t) => {
  const text = channel(t, { encoding: 'utf8' })
  text.sendAllSync(['a', 'ä', 'c'])
  const cat = async (...args) => (await command(t, ['cat', ...args])).stdout
  t.is(await cat(text.id), 'a\nä\nc\n')
  t.is(await cat(text.id, '1'), 'ä\n')
  const missing = await command(t, ['cat', text.id, '3'])
  t.is(missing.status, 1)
  t.regex(missing.stderr, /ERR_MMFILE_SEGMENT_RANGE.*no message 3/)
  t.is(await cat(text.id, '--from', '1', '--limit', '1'), 'ä\n')
  t.is(await cat(text.id, '--json'), '"a"\n"ä"\n"c"\n')
  t.is(await cat(text.id, '--bytes'), 'aäc')
  const json = channel(t, { encoding: 'json' })
  json.sendAllSync([{ a: [1] }])
  t.is(await cat(json.id), '{"a":[1]}\n')
  const bytes = channel(t)
  bytes.sendAllSync([Buffer.from('text'), Buffer.from([255])])
  t.is(await cat(bytes.id), 'text\n<ff>\n')
  t.is(await cat(bytes.id, '--json'), '"text"\n{"base64":"/w=="}\n')
  const codec = { name: 'mine', encode: (text) => Buffer.from(text), decode: String }
  const own = channel(t, { encoding: codec })
  own.sendSync('of a codec')
  t.is(await cat(own.id), 'of a codec\n')
  json.seal()
  t.is(await cat(json.id), '{"a":[1]}\n')
})

test('follow prints new messages until the seal, and joins nothing', async (t) => {
  const one = channel(t, { encoding: 'json' })
  one.sendSync(0)
  const following = command(t, ['follow', one.id, '--json'])
  const some = command(t, ['follow', one.id, '--limit', '2'])
  setTimeout(() => one.sendSync(1), 300)
  t.is((await some).stdout, '0\n1\n')
  t.deepEqual(one.participants(), [])
  one.seal()
  const { stdout, status } = await following
  t.deepEqual([stdout, status], ['0\n1\n', 0])
})

test('send, seal and evict', async (t) => {
  const one = channel(t, { encoding: 'json' })
  const reader = one.reader()
  t.is((await command(t, ['send', one.id, '{"a":1}'])).stdout, '0\n')
  t.deepEqual(reader.tryReceive().value, { a: 1 })
  t.is((await command(t, ['send', one.id, '{'])).status, 2)
  const text = channel(t, { encoding: 'utf8' })
  t.is((await command(t, ['send', text.id, 'words'])).stdout, '0\n')
  t.is(text.newest().value, 'words')
  const [row] = one.participants()
  t.is((await command(t, ['evict', one.id, row.id])).status, 0)
  t.throws(() => reader.tryReceive(), { code: 'ERR_MMFILE_EVICTED' })
  t.is((await command(t, ['evict', one.id, row.id])).status, 2)
  t.is((await command(t, ['seal', one.id])).status, 0)
  t.true(one.sealed)
  const sealed = await command(t, ['send', one.id, '1'])
  t.is(sealed.status, 1)
  t.regex(sealed.stderr, /ERR_MMFILE_SEALED/)
  const file = closing(t, MmFile.createNew(100))
  await command(t, ['seal', file.id])
  t.true(file.sealed)
})

test('a UUID names a channel however it is written', async (t) => {
  const one = channel(t, { encoding: 'utf8' })
  one.sendSync('x')
  const written = `{${one.id.toUpperCase()}}`
  t.is((await command(t, ['cat', written])).stdout, 'x\n')
  t.deepEqual(await command(t, ['rm', written]), { ...done(''), bytes: Buffer.alloc(0) })
  t.is((await command(t, ['cat', one.id])).status, 1)
})

test('an ID that is a file and a channel needs --kind', async (t) => {
  const id = uniqueId()
  closing(t, MmFile.createNew(100, { id })).append('of the file')
  closing(t, Channel.createNew({ id, encoding: 'utf8' })).sendSync('of the channel')
  const { status, stderr } = await command(t, ['cat', id])
  t.is(status, 2)
  t.regex(stderr, /--kind/)
  t.is((await command(t, ['cat', id, '--kind', 'file'])).stdout, 'of the file\n')
  t.is((await command(t, ['cat', id, '--kind', 'channel'])).stdout, 'of the channel\n')
  t.is((await command(t, ['rm', id])).status, 2)
  t.is((await command(t, ['rm', id, '--kind', 'channel'])).status, 0)
  t.is((await command(t, ['cat', id])).stdout, 'of the file\n')
})

test('the error for an ID of the wrong kind names the kind and the right command', async (t) => {
  const place = folder(t)
  const one = channel(t, { encoding: 'utf8' })
  const file = closing(t, MmFile.createNew(100))
  const onDisk = closing(t, Channel.createFile(join(place, 'c.mmf')))
  const fileOnDisk = closing(t, MmFile.createFile(join(place, 'f.mmf'), 100))
  const mutex = closing(t, NamedMutex.open(uniqueId()))
  for (const [text, ...args] of [
    [`'${one.id}' is a channel: 'mmfile send' sends to it`, 'append', one.id, 'x'],
    [`'${onDisk.path}' is a channel: 'mmfile send' sends to it`, 'append', onDisk.path, 'x'],
    [`'${file.id}' is a file: 'mmfile append' appends to it`, 'send', file.id, 'x'],
    [`'${fileOnDisk.path}' is a file: 'mmfile append' appends to it`, 'send', fileOnDisk.path, 'x'],
    [`'${file.id}' is a file: only a channel has participants`, 'evict', file.id, '1'],
    ...['cat', 'inspect', 'follow', 'seal', 'append', 'send', 'evict'].map((verb) => [
      `'${mutex.name}' is a mutex: it has no contents; 'mmfile peers' shows which processes have it`,
      verb,
      mutex.name,
      ...(verb === 'evict' ? ['1'] : []),
    ]),
    [
      "a mutex has no contents; 'mmfile peers' shows which processes have it",
      ...['cat', mutex.name, '--kind', 'mutex'],
    ],
  ]) {
    const { status, stdout, stderr } = await command(t, args, { input: 'x' })
    t.deepEqual([status, stdout], [2, ''], `${args}: ${stderr}`)
    t.true(stderr.startsWith(`mmfile: ${text}\n`), `${args}: ${stderr}`)
  }
  t.deepEqual([one.nextIndex, file.length], [0, 0])
})

test('a command names the kinds that it looked for', async (t) => {
  const id = uniqueId()
  for (const [kinds, ...args] of [
    ...['cat', 'inspect', 'follow', 'seal'].map((verb) => ['file or channel', verb]),
    ...['rm', 'peers'].map((verb) => ['file, channel or mutex', verb]),
    ['file', 'append'],
    ['file', 'cat', '--kind', 'file'],
    ['channel', 'cat', '--kind', 'channel'],
    ['channel', 'send'],
  ]) {
    const [verb, ...options] = args
    const { status, stderr } = await command(t, [verb, id, ...options], { input: 'x' })
    t.is(status, 1)
    t.regex(stderr, new RegExp(`^mmfile: ERR_MMFILE_NOT_FOUND: there is no ${kinds} '${id}': `))
  }
})

test('with a slash it is a path', async (t) => {
  const path = join(folder(t), 'c.mmf')
  const one = closing(t, Channel.createFile(path, { encoding: 'utf8' }))
  one.sendSync('on disk')
  t.is((await command(t, ['cat', path])).stdout, 'on disk\n')
  t.is((await command(t, ['send', path, 'more'])).stdout, '1\n')
  t.is(JSON.parse((await command(t, ['inspect', path, '--json'])).stdout).path, path)
})
