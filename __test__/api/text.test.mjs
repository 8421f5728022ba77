// Strings as bytes, in the encoding of a handle.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import test from 'ava'
import { MmFile } from 'mmfile'
import { closing, create, folder, open, refuses, rejects } from '../support/files.mjs'

const texts = ['', 'a', 'plain text', 'Grüße, naïve café', '日本語 💾 ‮', '\0\n\u{10ffff}', '﻿bom']
const narrow = ['', 'a', 'plain text', 'Grüße\xff\x80\0']
const sizes = { utf16le: 'utf16le', utf8: 'utf8', latin1: 'latin1' }

for (const encoding of Object.keys(sizes)) {
  test(`${encoding}: every way to write and read returns the same text`, async (t) => {
    const file = create(t, 1 << 20, { encoding })
    t.is(file.encoding, encoding)
    const values = encoding === 'latin1' ? narrow : [...texts, ...narrow]
    for (const [at, text] of values.entries()) {
      t.is(at % 2 ? file.append(text) : file.write(at, text) || at, at)
      t.is(file.byteLength(at), Buffer.byteLength(text, encoding))
      t.deepEqual(file.readBytes(at), Buffer.from(text, encoding))
    }
    file.appendAll(values)
    await pipeline(Readable.from(values), file.createWriteStream({ seal: true }))
    const all = [...values, ...values, ...values]
    t.deepEqual([...file], all)
    const reader = open(t, file, { encoding, access: 'read' })
    const seen = []
    for await (const text of reader) seen.push(text)
    t.deepEqual(seen, all)
  })

  test(`${encoding}: a string that fills the file to its last byte`, (t) => {
    for (const length of [1, 2, 3, 7, 100]) {
      const text = 'x'.repeat(length)
      for (let spare = 0; spare < 6; spare += 1) {
        const capacity = 4 + Buffer.byteLength(text, encoding) + spare
        const file = create(t, capacity, { encoding })
        file.append(text)
        t.is(file.read(0), text)
        refuses(t, () => file.append(`${text}x`), 'ERR_MMFILE_CAPACITY')
        t.is(file.length, 1)
      }
    }
  })

  test(`${encoding}: large strings, at every address`, (t) => {
    const file = create(t, 16 << 20, { encoding })
    for (const length of [4095, 1 << 16, 1 << 20]) {
      for (const text of ['x'.repeat(length), 'é'.repeat(length)]) {
        file.append(new Uint8Array(length % 3))
        t.true(file.read(file.append(text)) === text)
      }
    }
  })
}

test('the default is UTF-16, which keeps lone surrogates', (t) => {
  const file = create(t)
  t.is(file.encoding, 'utf16le')
  t.is(file.read(file.append('a\ud800b\udfff')), 'a\ud800b\udfff')
})

test('utf8 has U+FFFD for lone surrogates, as Node.js has', (t) => {
  const file = create(t, 4096, { encoding: 'utf8' })
  const text = 'a\ud800b\udfff'
  t.is(file.read(file.append(text)), Buffer.from(text).toString())
})

test('latin1 refuses what it has no byte for, and writes nothing', (t) => {
  const file = create(t, 4096, { encoding: 'latin1' })
  const wrong = { instanceOf: TypeError, code: 'ERR_INVALID_ARG_VALUE' }
  for (const text of ['€', '\u0100', 'a\ud800', '💾']) {
    t.regex(t.throws(() => file.append(text), wrong).message, /'value' .*latin1/)
    t.throws(() => file.write(0, text), wrong)
    t.regex(t.throws(() => file.appendAll(['a', text]), wrong).message, /values\[1\]/)
  }
  t.is(file.length, 0)
})

test('bytes that are no text of the encoding', async (t) => {
  const file = create(t, 4096, { encoding: 'utf8' })
  const utf16 = open(t, file)
  const latin1 = open(t, file, { encoding: 'latin1' })
  const invalid = [
    [0xff],
    [0xc3],
    [0xc3, 0x28],
    [0xe2, 0x82],
    [0xed, 0xa0, 0x80], // half of a surrogate pair
    [0xf4, 0x90, 0x80, 0x80], // beyond Unicode
    [0xc0, 0x80], // longer than it has to be
    [0x61, 0x62, 0x80],
  ]
  for (const bytes of invalid) {
    const index = file.append(Uint8Array.from(bytes))
    const { message } = refuses(t, () => file.read(index), 'ERR_MMFILE_NOT_TEXT')
    const offset = bytes[0] === 0x61 ? 2 : 0
    t.is(
      message,
      `file '${file.id}': segment ${index} is not UTF-8 text (the byte at offset ${offset} is invalid): read it as bytes`,
    )
    t.deepEqual([...file.readBytes(index)], bytes)
    t.is(latin1.read(index), Buffer.from(bytes).toString('latin1'))
    if (bytes.length % 2 === 0) t.is(utf16.read(index).length, bytes.length / 2)
    else refuses(t, () => utf16.read(index), 'ERR_MMFILE_NOT_TEXT')
  }
  refuses(t, () => [...file], 'ERR_MMFILE_NOT_TEXT')
  await rejects(t, () => file.segments().next(), 'ERR_MMFILE_NOT_TEXT')
  t.is((await file.segments({ as: 'bytes' }).next()).value[0], 0xff)
})

test('bytes are not changed by any encoding', (t) => {
  for (const encoding of Object.keys(sizes)) {
    const file = create(t, 4096, { encoding })
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at)
    for (const value of [bytes, new DataView(bytes.buffer), bytes.buffer]) {
      t.deepEqual(new Uint8Array(file.readBytes(file.append(value))), bytes)
    }
  }
})

test('every way to open a file takes an encoding', (t) => {
  const path = `${folder(t)}/file`
  const encoding = 'utf8'
  const made = closing(t, MmFile.createFile(path, 1000, { encoding }))
  made.append('ü')
  const id = create(t, 1000, { encoding, lifetime: 'last-process' }).id
  for (const file of [
    MmFile.openFile(path, { encoding }),
    MmFile.createOrOpenFile(path, 1, { encoding }),
    MmFile.openExisting(id, { encoding }),
    MmFile.createOrOpen(id, 1, { encoding }),
  ]) {
    t.is(closing(t, file).encoding, encoding)
  }
  t.is(made.byteLength(0), 2)
  for (const call of [
    (wrong) => MmFile.createNew(100, { encoding: wrong }),
    (wrong) => MmFile.openFile(path, { encoding: wrong }),
  ]) {
    t.throws(() => call('ucs2'), { code: 'ERR_INVALID_ARG_VALUE', message: /'utf16le', 'utf8'/ })
    t.throws(() => call(5), { code: 'ERR_INVALID_ARG_TYPE', message: /options\.encoding/ })
  }
})
