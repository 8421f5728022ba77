// Whatever stands in shared memory, there is an error or data: never a crash, never a hang.

import { readFileSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { MmFile } from 'mmfile'
import { run } from './support/child.mjs'
import { create, open, refuses, rounds } from './support/files.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

for (const where of ['data', 'control', 'lock', 'everything']) {
  onLinux(`random bytes in ${where}`, async (t) => {
    const { said, code, signal, stderr } = await run(t, 'hostile', 'scribble', [where, rounds(150)])
    t.deepEqual([code, signal, stderr], [0, null, ''])
    const [{ operations, codes, strange, longest }] = said
    t.deepEqual(strange, [], 'only errors that the contract knows')
    t.true(longest < 3000, `${longest} ms for one operation`)
    t.log(
      `${operations} operations, ${Object.keys(codes).length} kinds of error, longest ${longest} ms`,
    )
  })
}

/** Changes some bytes of a control block for as long as `act` runs. */
function tampered(file, offset, bytes, act) {
  const path = `/dev/shm/mmfile-lock-${file.id}`
  const before = readFileSync(path)
  const changed = Buffer.from(before)
  Buffer.from(bytes).copy(changed, offset)
  writeFileSync(path, changed, { flag: 'r+' })
  act()
  writeFileSync(path, before, { flag: 'r+' })
}

const incompatible = {
  'another version': [8, [99, 0, 0, 0]],
  'another architecture': [16, [99, 0, 0, 0]],
  'another C library': [20, [99, 0, 0, 0]],
  'another PID namespace': [56, [1, 0, 0, 0, 0, 0, 0, 0]],
  'something else': [0, Buffer.from('notours!')],
}

for (const [name, [offset, bytes]] of Object.entries(incompatible)) {
  onLinux(`a file that was made by ${name} is ERR_MMFILE_INCOMPATIBLE`, (t) => {
    const file = create(t)
    file.append('x')
    tampered(file, offset, bytes, () => {
      for (const act of [
        () => MmFile.openExisting(file.id),
        () => MmFile.openExisting(file.id, { access: 'read' }),
        () => MmFile.createOrOpen(file.id, 100),
      ]) {
        t.true(refuses(t, act, 'ERR_MMFILE_INCOMPATIBLE').message.includes(file.id))
      }
      refuses(t, () => MmFile.createNew(64, { id: file.id }), 'ERR_MMFILE_EXISTS')
    })
    t.is(open(t, file).read(0), 'x')
  })
}

onLinux('a capacity that is not that of the data is not believed', (t) => {
  const file = create(t, 1000)
  for (const bytes of [Array(8).fill(255), [0, 0, 0, 0, 0, 0, 0, 0], [233, 3, 0, 0, 0, 0, 0, 0]]) {
    tampered(file, 32, bytes, () => {
      refuses(t, () => MmFile.openExisting(file.id), 'ERR_MMFILE_ACCESS')
    })
  }
  t.is(open(t, file).capacity, 1000)
})

onLinux('a file that nobody finishes is waited for no longer than one wants to', (t) => {
  const file = create(t, 1000)
  tampered(file, 12, [0, 0, 0, 0], () => {
    const started = performance.now()
    const act = () => MmFile.openExisting(file.id, { lockTimeout: 50 })
    t.regex(refuses(t, act, 'ERR_MMFILE_TIMEOUT').message, /creator/)
    t.true(performance.now() - started >= 49)
  })
})
