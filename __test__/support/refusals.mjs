// Programs to whom the system says no.

import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { list, MmFile, NamedMutex, sweep } from 'mmfile'
import { descriptors, left, shm } from './files.mjs'
import { block, play, say } from './program.mjs'

/** The outcome of a call, and its duration. */
async function tried(act) {
  const started = performance.now()
  const outcome = {}
  try {
    const thing = await act()
    thing?.close?.()
    thing?.release?.()
    outcome.ok = true
  } catch ({ code, errno, syscall, cause }) {
    Object.assign(outcome, { code, errno, syscall, cause: cause?.code })
  }
  return { ...outcome, ms: Math.round(performance.now() - started) }
}

/** Takes all descriptors that there are. */
function takeAll() {
  const taken = []
  try {
    for (;;) taken.push(openSync('/dev/null'))
  } catch {
    return taken
  }
}

/** All that wants something of the system, for files and mutexes of these prefixes. */
function everything(id, prefixes, path) {
  const file = MmFile.createNew(4096, { id: `${id}-kept`, prefixes })
  const reader = MmFile.openExisting(file.id, { prefixes, access: 'read' })
  const mutex = NamedMutex.open(`${id}-mutex`)
  const capacity = 10_000
  file.append('first')
  return {
    newcomers: {
      createNew: () => MmFile.createNew(capacity, { id: `${id}-new`, prefixes }),
      createOrOpen: () => MmFile.createOrOpen(`${id}-new`, capacity, { prefixes }),
      openExisting: () => MmFile.openExisting(file.id, { prefixes }),
      'openExisting to read': () => MmFile.openExisting(file.id, { prefixes, access: 'read' }),
      'createOrOpen of what is there': () => MmFile.createOrOpen(file.id, capacity, { prefixes }),
      createFile: () => {
        const made = MmFile.createFile(path, capacity)
        rmSync(path)
        return made
      },
      'NamedMutex.open': () => NamedMutex.open(`${id}-other`),
      'NamedMutex.openExisting': () => NamedMutex.openExisting(mutex.name),
      list: () => {
        const files = list({ prefixes }).filter(({ kind }) => kind === 'file')
        if (files.length !== 1) throw new Error('it did not see the file')
      },
      sweep: () => {
        sweep({ prefixes })
      },
    },
    residents: {
      append: () => void file.append('x'),
      withLock: () => file.withLockSync(() => {}),
      lock: () => file.lock(),
      'NamedMutex.lock': () => mutex.lock(),
      'NamedMutex.tryLock': () => mutex.tryLock(),
      waitFor: async () => {
        const wait = file.waitFor(file.length)
        await null
        file.append('y')
        await wait
      },
      waitForSync: () => file.waitForSync(0),
      view: () => void reader.view(0),
      'segments()': async () => {
        for await (const _ of reader.segments()) return
      },
    },
    close() {
      for (const one of [reader, file, mutex]) one.close()
    },
  }
}

await play({
  /** Sends signals as fast as it makes sense, until it is killed. */
  bombard(pid, ...signals) {
    say('begun')
    for (let sent = 0; ; sent += 1) {
      process.kill(Number(pid), signals[sent % signals.length])
      block(0.2)
    }
  },

  /** Everything with room for no descriptor, for one, for two and so on. */
  async descriptors(id, most, path) {
    const prefixes = { data: `${id}-data-`, mutex: `${id}-lock-` }
    const own = () => left(id).length
    const { newcomers, residents, close } = everything(id, prefixes, path)
    for (const act of Object.values({ ...newcomers, ...residents })) await tried(act)
    const before = [descriptors(), own()]
    for (let room = 0; room <= Number(most); room += 1) {
      const taken = takeAll()
      for (const one of taken.splice(0, room)) closeSync(one)
      const results = {}
      for (const [name, act] of Object.entries({ ...newcomers, ...residents })) {
        results[name] = await tried(act)
      }
      for (const one of taken) closeSync(one)
      say({ room, results, before, after: [descriptors(), own()] })
    }
    const id2 = `${id}-last`
    const last = MmFile.createNew(4096, { id: id2, prefixes })
    const taken = takeAll()
    last.close()
    for (const one of taken) closeSync(one)
    say({ left: left(id2) })
    close()
    say({ closed: own() })
  },

  /** Everything on a /dev/shm with room for so few objects or pages that are not taken yet. */
  async smallShm(what, path) {
    const small = (options) =>
      spawnSync('mount', ['-t', 'tmpfs', '-o', `mode=1777,${options}`, 'tmpfs', shm('')])
    for (let room = 0; room < 12; room += 1) {
      // The folder itself is one object.
      small(what === 'objects' ? `nr_inodes=${room + 1}` : `size=${Math.max(room, 0.5) * 4}k`)
      const results = {}
      for (const [name, act] of Object.entries({
        createNew: () => MmFile.createNew(10_000, { id: 'new' }),
        createOrOpen: () => MmFile.createOrOpen('new', 10_000),
        'NamedMutex.open': () => NamedMutex.open('mutex'),
        list: () => void list(),
        sweep: () => void sweep(),
      })) {
        results[name] = { ...(await tried(act)), left: left('') }
      }
      say({ room, results })
    }
    small('size=256k')
    const { newcomers, residents, close } = everything('full', undefined, path)
    try {
      writeFileSync(shm('filler'), Buffer.alloc(1 << 20))
    } catch {}
    const results = {}
    for (const [name, act] of Object.entries({ ...newcomers, ...residents })) {
      results[name] = await tried(act)
    }
    close()
    say({ full: true, results, left: left('') })
  },
})
