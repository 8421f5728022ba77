// Programs that load the package in unusual ways.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { play, say } from './program.mjs'

const require = createRequire(import.meta.url)

await play({
  twice() {
    const first = require('mmfile')
    for (const key of Object.keys(require.cache)) delete require.cache[key]
    const second = require('mmfile')
    const own = [first, second].map(({ MmFile, MmFileError }) => {
      try {
        return MmFile.openExisting('not-there')
      } catch (error) {
        return error instanceof MmFileError
      }
    })
    const file = first.MmFile.createNew(100)
    file.append('x')
    const other = second.MmFile.openExisting(file.id)
    say({ same: first.MmFile === second.MmFile, own, read: other.read(0) })
  },

  broken(directory) {
    try {
      require(join(directory, 'dist/index.js'))
    } catch (error) {
      const { name, code, message, cause } = error
      say({ name, code, message, cause: cause instanceof Error })
    }
  },
})
