// With any bytes in a channel's memory, calls return an error or data: never a crash, never a hang.

import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import test from 'ava'
import { musl } from '../support/c-library.mjs'
import { channel } from '../support/channels.mjs'
import { run } from '../support/child.mjs'
import { CONTROL_SIZE, rounds, shm } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

for (const where of ['ring', 'tables', 'control']) {
  for (const native of ['0', '1']) {
    onLinux(`random bytes in ${where}, MMFILE_NATIVE=${native}`, async (t) => {
      const env = { MMFILE_NATIVE: native }
      const options = { env, node: ['--no-warnings'] }
      const { said, code, signal, stderr } = await run(
        t,
        'channel-hostile',
        'scribble',
        [where, rounds(200)],
        options,
      )
      t.deepEqual([code, signal, stderr], [0, null, ''])
      const [{ operations, codes, strange, longest }] = said
      t.is(operations, rounds(200) * 20)
      t.deepEqual(strange, [], 'only errors that the contract knows')
      t.true(longest < PROMPT, `${longest} ms for one operation`)
      t.log(`${operations} operations, ${JSON.stringify(codes)}, longest ${longest} ms`)
    })
  }
}

onLinux('another process writes over a channel during its operations', async (t) => {
  const options = { node: ['--no-warnings'] }
  const args = [rounds(2), Math.floor(Math.random() * 2 ** 31)]
  const { said, code, signal, stderr } = await run(t, 'channel-hostile', 'race', args, options)
  t.deepEqual([code, signal, stderr], [0, null, ''])
  const [{ operations, codes, strange, longest }] = said
  t.deepEqual(strange, [], 'only errors that the contract knows')
  t.true(operations > 30)
  t.log(`${operations} operations, ${JSON.stringify(codes)}, longest ${longest} ms`)
})

onLinux('a lock word that names no living thread does not block', (t) => {
  const word = musl ? 4 : 0 // of the C library's mutex
  const locks = { writers: 0x80 + word, participants: 0x200 + word }
  for (const [lock, offset] of Object.entries(locks)) {
    for (const value of [0x3ffffffe, 0xbfffffff, 0x80012345]) {
      const one = channel(t, { groups: ['g'] })
      const object = openSync(shm(`mmfile-channel-${one.id}`), 'r+')
      const at = fstatSync(object).size - CONTROL_SIZE + offset
      writeSync(object, Buffer.from(Uint32Array.of(value).buffer), 0, 4, at)
      closeSync(object)
      const began = performance.now()
      t.is(one.trySend(Buffer.from('x')), 0)
      const member = one.member('g')
      member.tryReceive().ack()
      t.true(performance.now() - began < PROMPT)
      t.is(one.recovered, 1, `${lock}: ${value.toString(16)}`)
    }
  }
})
