// Programs that append, alone or with others.

import { MmFile } from 'mmfile'
import { block, hear, pause, play, say } from './program.mjs'

await play({
  /**
   * Appends until the file takes no more, and says how many it took and why not more. From half of the capacity on it
   * appends slowly, so that the file is sealed before it is full, also by a process that is held up.
   */
  untilSealed(id, who) {
    const file = MmFile.openExisting(id)
    say('ready')
    hear()
    let count = 0
    try {
      for (;;) {
        file.append(`${who}:${count}`)
        count += 1
        if (file.size > file.capacity / 2) block(1)
      }
    } catch ({ code }) {
      say({ count, code })
    }
  },

  /** Appends so many segments by this way and that, and says which indexes they got. */
  many(id, who, count) {
    const file = MmFile.openExisting(id)
    const indexes = []
    const value = () => `${who}:${indexes.length}:${'x'.repeat(indexes.length % 17)}`
    say('ready')
    hear()
    while (indexes.length < Number(count)) {
      const step = indexes.length
      if (step % 50 === 0 && step + 2 <= Number(count)) {
        const next = `${who}:${step + 1}:`
        const first = file.appendAll([value(), next])
        indexes.push(first, first + 1)
      } else if (step % 97 === 0) {
        const index = file.withLockSync(() => {
          const { length } = file
          file.write(length, value())
          return length
        })
        indexes.push(index)
      } else if (step % 3 === 0) {
        indexes.push(file.append(Buffer.from(value(), 'utf16le')))
      } else {
        indexes.push(file.append(value()))
      }
    }
    say(indexes)
  },

  /** Reads every segment as soon as it is there, and checks that each writer's are in order. */
  async follow(id, total, how) {
    const file = MmFile.openExisting(id, { access: how === 'length' ? 'read-write' : 'read' })
    const steps = []
    const wrong = []
    let index = 0
    const check = () => {
      const text = index % 5 ? file.read(index) : Buffer.from(file.view(index)).toString('utf16le')
      const [who, step, rest] = text.split(':')
      const expected = steps[who] ?? 0
      if (Number(step) !== expected || rest === undefined) wrong.push([index, text])
      steps[who] = expected + 1
      index += 1
    }
    say('ready')
    while (index < Number(total)) {
      if (how === 'waitFor') await file.waitFor(index)
      else if (how === 'waitForSync') file.waitForSync(index)
      for (const { length } = file; index < length; ) check()
      if (how === 'length') await pause(1)
    }
    say({ seen: index, wrong: wrong.slice(0, 5) })
  },

  /** Writes each index up to a limit, if no other has done so before. */
  race(id, who, count) {
    const file = MmFile.openExisting(id)
    const won = []
    say('ready')
    hear()
    for (let index = 0; index < Number(count); index += 1) {
      try {
        file.write(index, `${who}:${index}`)
        won.push(index)
      } catch (error) {
        if (error.code !== 'ERR_MMFILE_SEGMENT_ORDER') throw error
        index = Math.max(index, file.length - 1)
      }
    }
    say(won)
  },

  groups(id, who, count) {
    const file = MmFile.openExisting(id)
    say('ready')
    hear()
    const group = (step) => Array.from({ length: 4 }, (_, at) => `${who}:${step}:${at}`)
    say(Array.from({ length: Number(count) }, (_, step) => file.appendAll(group(step))))
  },

  untilFull(id, who) {
    const file = MmFile.openExisting(id)
    say('ready')
    hear()
    let count = 0
    try {
      for (;;) {
        file.append(`${who}:${'y'.repeat(count % 13)}`)
        count += 1
      }
    } catch ({ code }) {
      say({ count, code })
    }
  },
})
