// Many processes log to one file on disk; a collector writes the lines to a text file, each once, even if processes
// are killed.
//
//   node log-collector.mjs collect all.log & node log-collector.mjs write ONE & node log-collector.mjs write TWO

import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Channel } from 'mmfile'

const [role, argument = 'all.log', count = '3000'] = process.argv.slice(2)
const log = Channel.createOrOpenFile('log.mmf', {
  encoding: 'utf8',
  capacity: 16 << 20,
  groups: ['collector'],
})

/** The indices of the last whole lines `INDEX TEXT`; cuts off half a line. */
async function written(output) {
  const { size } = await output.stat()
  const tail = Buffer.alloc(Math.min(size, 1 << 20))
  await output.read(tail, 0, tail.length, size - tail.length)
  const end = tail.lastIndexOf('\n')
  await output.truncate(size - tail.length + end + 1)
  const lines = tail.toString('utf8', 0, end + 1).split('\n')
  if (size > tail.length) lines.shift() // the end of one
  return new Set(lines.map((line) => Number.parseInt(line, 10)))
}

if (role === 'write') {
  let lost = 0
  for (let n = 0; n < Number(count); n += 1) {
    // A log must not stop the program: what finds no room is counted.
    if (log.trySend(`${argument} ${n}`) === undefined) lost += 1
    if (n % 100 === 0) await sleep(1)
  }
  if (lost > 0) await log.send(`${argument} lost ${lost} lines`)
  log.close()
} else {
  const output = await open(argument, 'a+')
  const before = await written(output)
  const lines = log.member('collector', { prefetch: 1000 })
  console.log('collecting')
  for (;;) {
    const first = await lines.receive()
    const batch = [first, ...lines.tryReceiveAll(999)]
    // Killed between the write and ack(), it gets them again, in any order: the index tells.
    const fresh = batch.filter(({ index }) => !before.has(index))
    await output.appendFile(fresh.map(({ index, value }) => `${index} ${value}\n`).join(''))
    await output.datasync()
    for (const line of batch) line.ack()
  }
}
