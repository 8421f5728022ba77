// Another program cuts a file on disk short while it is used: accessing the missing part would end the
// process.

import test from 'ava'
import { musl } from '../support/c-library.mjs'
import { run } from '../support/child.mjs'
import { folder } from '../support/files.mjs'

// Windows does not let a program cut a mapped file.
const whereFilesAreCut = process.platform === 'win32' ? test.skip : test

whereFilesAreCut('fills in place and waits, while the file is cut', async (t) => {
  const { said, code, signal } = await run(t, 'cut', 'cut', [folder(t)])
  t.deepEqual([code, signal], [0, null], `it ended in ${said.at(-1)?.name}`)
  const outcomes = said.filter(({ name }) => name === undefined)
  const own = outcomes.filter(({ code }) => code === 'the own error')
  t.is(own.length, 2, 'what a function throws is what the call throws')
  const others = outcomes.filter((it) => !own.includes(it))
  t.deepEqual(
    others,
    others.map(() => ({ code: 'ERR_MMFILE_CORRUPT' })),
  )
  t.is(outcomes.length, musl ? 12 : 13)
})
