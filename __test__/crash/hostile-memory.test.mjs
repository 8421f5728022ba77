// With any bytes in shared memory, calls return an error or data: never a crash, never a hang.

import test from 'ava'
import { MmFile, remove } from 'mmfile'
import { run } from '../support/child.mjs'
import {
  controlOffset,
  create,
  left,
  objectOf,
  open,
  overwrite,
  refuses,
  rounds,
} from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

for (const where of ['data', 'control', 'lock', 'table', 'everything']) {
  onLinux(`random bytes in ${where}`, async (t) => {
    const { said, code, signal, stderr } = await run(t, 'hostile', 'scribble', [where, rounds(150)])
    t.deepEqual([code, signal, stderr], [0, null, ''])
    const [{ operations, codes, strange, longest }] = said
    t.deepEqual(strange, [], 'only errors that the contract knows')
    t.true(longest < PROMPT, `${longest} ms for one operation`)
    t.log(
      `${operations} operations, ${Object.keys(codes).length} kinds of error, longest ${longest} ms`,
    )
  })
}

onLinux('a size that changes while the segment is read', async (t) => {
  const { said, code, signal, stderr } = await run(t, 'hostile', 'resize', [rounds(3)])
  t.deepEqual([code, signal, stderr], [0, null, ''])
  const [{ strange, sizes }] = said
  t.deepEqual([strange, sizes], [0, [2048, 4096, 8192]], 'nothing but the bytes of the segment')
})

// `npm run fuzz -- --target javascript` does this for longer, and under AddressSanitizer.
onLinux('another process scribbles during every operation', async (t) => {
  const args = [rounds(3), Math.floor(Math.random() * 2 ** 31)]
  const { said, code, signal, stderr } = await run(t, 'hostile', 'race', args)
  t.deepEqual([code, signal, stderr], [0, null, ''])
  const [{ strange, longest, ...told }] = said
  t.deepEqual(strange, [])
  t.log(JSON.stringify({ ...told, longest }))
})

/** Changes some bytes of a control block for as long as `act` runs. */
function tampered(file, offset, bytes, act) {
  const at = controlOffset(file.capacity) + offset
  const before = overwrite(objectOf(file), at, bytes)
  act()
  overwrite(objectOf(file), at, before)
}

const incompatible = {
  'another version': [8, [99, 0, 0, 0]],
  'another architecture': [16, [99, 0, 0, 0]],
  'another C library': [20, [99, 0, 0, 0]],
  'another PID namespace': [48, [1, 0, 0, 0, 0, 0, 0, 0]],
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

onLinux('a file whose control block is none any more is something else, and stays', (t) => {
  const file = create(t, 100, { lifetime: 'last-process' })
  file.append('x')
  tampered(file, 0, Buffer.from('notours!'), () => {
    for (const act of [
      () => MmFile.openExisting(file.id),
      () => MmFile.openExisting(file.id, { access: 'read' }),
      () => MmFile.createOrOpen(file.id, 100),
      () => remove(file.id),
    ]) {
      t.true(refuses(t, act, 'ERR_MMFILE_ACCESS').message.includes(file.id))
    }
    t.deepEqual([file.append('y'), left(file.id).length], [1, 1])
  })
  t.deepEqual([...open(t, file)], ['x', 'y'])
})

onLinux('a capacity that is not that of the data is not believed', (t) => {
  const file = create(t, 1000) // one of up to 4092 would look the same from outside
  for (const bytes of [Array(8).fill(255), Array(8).fill(0), [253, 15, 0, 0, 0, 0, 0, 0]]) {
    tampered(file, 32, bytes, () => {
      refuses(t, () => MmFile.openExisting(file.id), 'ERR_MMFILE_ACCESS')
    })
  }
  t.is(open(t, file).capacity, 1000)
})
