// Messages that are larger than the server allows go through the object store, or are an error.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pull, push } from '@mmfile/nats'
import { Objm } from '@nats-io/obj'
import { Channel, MmFile } from 'mmfile'
import { connected, folder, sharedServer, test, until } from './support/nats.mjs'

const shared = sharedServer()
const MIB = 1 << 20

/** Bytes of which none is like the next. */
function bytesOf(length, seed) {
  const bytes = Buffer.alloc(length)
  for (let at = 0, next = seed; at < length; at += 1) {
    next = (next * 1103515245 + 12345) % 2147483648
    bytes[at] = next >> 16
  }
  return bytes
}

const sizes = [10, 3 * MIB, 0, MIB, MIB - 1024, MIB - 1025, 2 * MIB, 5]

function source(t) {
  const file = MmFile.createNew(16 * MIB)
  t.teardown(() => file.close())
  for (const [seed, length] of sizes.entries()) file.append(bytesOf(length, seed))
  file.seal()
  return file
}

test('small and large messages in one stream, in order, into a file and a channel', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'large' }
  const file = source(t)
  const pushed = await push(file, place)
  t.is(pushed.bytes, file.size - 4 * sizes.length)
  const target = MmFile.createNew(16 * MIB)
  t.teardown(() => target.close())
  await pull(place, target)
  const channel = Channel.createNew({ capacity: 32 * MIB })
  t.teardown(() => channel.close())
  await pull(place, channel)
  const reader = channel.reader({ from: 'oldest' })
  for (const index of sizes.keys()) {
    const wanted = file.readBytes(index)
    t.is(Buffer.compare(target.readBytes(index), wanted), 0, `${index}`)
    t.is(Buffer.compare(reader.tryReceive().value, wanted), 0, `${index}`)
  }
  // Again changes nothing, also where the newest message is one of them.
  t.like(await push(file, place), { messages: 0, sealed: true })
})

test('the bytes of a large message are stored once, however often it is pushed', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const file = MmFile.createNew(16 * MIB)
  t.teardown(() => file.close())
  for (let n = 0; n < 4; n += 1) file.append(bytesOf(2 * MIB, 7))
  file.seal()
  await push(file, { js, stream: 'same' })
  const { state } = await jsm.streams.info('OBJ_same-large')
  t.true(state.bytes < 3 * MIB, `${state.bytes}`)
})

test('without the object store they are an error with both sizes', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'none' }
  const error = await t.throwsAsync(push(source(t), { ...place, objects: false }), {
    code: 'ERR_MMFILE_CAPACITY',
    message: /message 1 has 3145728 bytes, and stream 'none' takes 1047552: allow 'objects'/,
  })
  t.like(error, { index: 1, needed: 3 * MIB, available: MIB - 1024 })
})

test('a large message that is gone from the object store, wholly or in part, is an error', async (t) => {
  const { js, jsm } = await connected(t, shared.server)
  const place = { js, stream: 'lost' }
  await push(source(t), place)
  const target = MmFile.createNew(16 * MIB)
  t.teardown(() => target.close())
  const lost = async () => {
    const message = /message 1 of stream 'lost' was in the object store 'lost-large'/
    const error = await t.throwsAsync(pull(place, target), { code: 'ERR_MMFILE_LOST', message })
    t.is(error.index, 1)
    t.is(target.length, 1)
  }
  const { state } = await jsm.streams.info('OBJ_lost-large')
  await jsm.streams.deleteMessage('OBJ_lost-large', state.first_seq)
  await lost()
  await jsm.streams.purge('OBJ_lost-large', { filter: '$O.lost-large.C.>' })
  await lost()
  await jsm.streams.purge('OBJ_lost-large')
  await lost()
  await jsm.streams.delete('OBJ_lost-large')
  await lost()
})

test('a large message stays as long as the message, also where the same bytes were stored before', async (t) => {
  const { js } = await connected(t, shared.server)
  const place = { js, stream: 'aged', config: { max_age: 4e9 } }
  const file = MmFile.createNew(16 * MIB)
  t.teardown(() => file.close())
  const bytes = bytesOf(2 * MIB, 3)
  const progress = []
  const copy = push(file, { ...place, onProgress: ({ nextIndex }) => progress.push(nextIndex) })
  for (let n = 1; n <= 2; n += 1) {
    file.append(bytes)
    await until(() => progress.includes(n))
    await new Promise((resolve) => setTimeout(resolve, 3000))
    // The newest message is three seconds old.
    const store = await new Objm(js).open('aged-large')
    const [known] = await store.list()
    t.is(Buffer.compare(Buffer.from(await store.getBlob(known.name)), bytes), 0)
  }
  file.seal()
  await copy
})

test('without @nats-io/obj, a message that is too large is an error', async (t) => {
  const path = folder(t)
  const own = fileURLToPath(new URL('..', import.meta.url))
  const modules = join(path, 'node_modules')
  for (const name of ['@mmfile', '@nats-io']) mkdirSync(join(modules, name), { recursive: true })
  for (const name of ['dist', 'package.json'])
    cpSync(join(own, name), join(modules, '@mmfile', 'nats', name), { recursive: true })
  const link = (to, name) => symlinkSync(to, join(modules, name), 'junction')
  for (const name of ['nats-core', 'jetstream', 'transport-node'])
    link(join(own, 'node_modules', '@nats-io', name), `@nats-io/${name}`)
  link(join(own, '..', '..'), 'mmfile')
  const file = MmFile.createFile(join(path, 'a'), 8 * MIB)
  file.append(bytesOf(3 * MIB, 1))
  file.close()
  const command = join(modules, '@mmfile', 'nats', 'dist', 'cli', 'main.js')
  const args = [command, 'push', join(path, 'a'), 'uninstalled', '--server', shared.server.url]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.is(status, 1)
  t.regex(
    stderr,
    /ERR_MMFILE_CAPACITY: message 0 has 3145728 bytes, .* takes 1047552: install '@nats-io\/obj'/,
  )
})
