// A program that does what actors.mjs asks of it, one call after the other, and keeps what it made.

import { createInterface } from 'node:readline'
import { list, MmFile, NamedMutex, remove, sweep } from 'mmfile'
import { block, pause, play, say } from './program.mjs'

const things = new Map(
  Object.entries({
    MmFile,
    NamedMutex,
    mmfile: { list, remove, sweep },
    process,
    Date,
    actor: {
      block,
      pause,
      /** From now on it is another user. */
      become(user) {
        process.setgroups([])
        process.setgid(user)
        process.setuid(user)
      },
      /** All strings of a file that it keeps. */
      texts: (name) => [...things.get(name)],
      /** From now on these signals end nothing. */
      endure(...signals) {
        for (const signal of signals) process.on(signal, () => {})
      },
    },
  }),
)

function facts(error) {
  const { name, code, message, errno, syscall, cause } = error
  return { name, code, message, errno, syscall, cause: cause && { ...cause } }
}

async function act({ on, get, call, args, keep }) {
  const started = performance.now()
  const taken = () => performance.now() - started
  try {
    const thing = things.get(on)
    const value = get ? thing[get] : await thing[call](...args)
    if (keep) things.set(keep, value)
    return { value: keep ? value !== undefined : value, ms: taken() }
  } catch (error) {
    return { error: facts(error), ms: taken() }
  }
}

await play({
  async act() {
    say('here')
    for await (const line of createInterface({ input: process.stdin })) {
      const { calls } = JSON.parse(line)
      const results = []
      for (const one of calls) results.push(await act(one))
      say(results)
    }
    process.exit()
  },
})
