// Appends, some of them after a wait that has expired, between system calls by which a trace is cut into pieces. It runs
// by itself, under strace.

import { statSync } from 'node:fs'
import { createRequire } from 'node:module'

const { MmFile } = createRequire(import.meta.url)('../../dist/index.js')
const [mark, count] = process.argv.slice(2)
const value = Buffer.from('8 bytes.')
const nothing = () => {}

/** A call that does nothing but stand in the trace. */
const note = (kind) => statSync(`${mark}-${kind}`, { throwIfNoEntry: false })

const kinds = {
  plain: nothing,
  blocking(file) {
    try {
      file.waitForSync(file.length, { timeout: 0 })
    } catch {}
  },
  asynchronous: (file) => file.waitFor(file.length, { timeout: 0 }).catch(nothing),
}

for (const [kind, before] of Object.entries(kinds)) {
  const file = MmFile.createNew(1 << 16)
  for (let call = 0; call < Number(count); call += 1) {
    await before(file)
    note(kind)
    file.append(value)
    note(kind)
  }
  file.close()
}
