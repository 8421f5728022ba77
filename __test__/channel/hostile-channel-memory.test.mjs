// Whatever stands in a channel's memory, there is an error or data: never a crash, never a hang.

import test from 'ava'
import { run } from '../support/child.mjs'
import { rounds } from '../support/files.mjs'
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
