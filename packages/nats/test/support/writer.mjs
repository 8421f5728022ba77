// Writes messages with their numbers until there are so many, from wherever it was ended the last time, and seals.
//   node writer.mjs file|channel PATH COUNT

import { setTimeout as sleep } from 'node:timers/promises'
import { Channel, MmFile } from 'mmfile'
import { messageOf } from './messages.mjs'

const [kind, path, count] = process.argv.slice(2)
if (kind === 'file') {
  const file = MmFile.createOrOpenFile(path, 64 << 20)
  while (file.length < Number(count)) {
    file.write(file.length, messageOf(file.length))
    if (file.length % 100 === 0) await sleep(5)
  }
  file.seal()
} else {
  const channel = Channel.openFile(path)
  while (channel.nextIndex < Number(count)) {
    const index = channel.nextIndex
    await channel.send(messageOf(index), { expectedIndex: index })
  }
  channel.seal()
}
