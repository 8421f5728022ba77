// Processes that are killed with SIGKILL, at the worst moment and at random: the others continue.

import { availableParallelism, loadavg } from 'node:os'
import test from 'ava'
import { list, MmFile, sweep } from 'mmfile'
import { start } from '../support/child.mjs'
import { create, left, open, randoms, rounds, summary, uniqueId } from '../support/files.mjs'

const kills = rounds(100)
// A busy machine ends a process late: the measurements need a free core.
const limit = loadavg()[0] > availableParallelism() ? 1000 : 100
const now = () => Number(process.hrtime.bigint()) / 1e6

/** Processes of one kind that are ready before they are needed: starting one takes a while. */
class Victims {
  #ready = []

  constructor(t, name, args) {
    this.make = () => start(t, 'victims', name, args)
    this.#ready = [this.make(), this.make()]
  }

  async next() {
    this.#ready.push(this.make())
    const victim = this.#ready.shift()
    await victim.next()
    return victim
  }

  kill() {
    return Promise.all(this.#ready.map((victim) => victim.kill()))
  }
}

test.serial('killed while it holds the lock, with another process waiting for it', async (t) => {
  const file = create(t, kills * 200)
  const victims = new Victims(t, 'hold', [file.id])
  const survivor = start(t, 'victims', 'survive', [file.id])
  t.is(await survivor.next(), 'ready')
  const times = []
  for (let round = 0; round < kills; round += 1) {
    const victim = await victims.next()
    victim.tell(round)
    t.is(await victim.next(), 'held')
    survivor.tell('take')
    t.is(await survivor.next(), 'waiting')
    const killed = now()
    victim.signal('SIGKILL')
    const { abandoned, recovered, at, index } = await survivor.next()
    times.push(at - killed)
    t.deepEqual([abandoned, recovered, index], [true, round + 1, 2 * round + 1])
    t.is(file.read(2 * round), `inside ${round}`, 'what it had appended stays')
    t.deepEqual(await victim.exited, { code: null, signal: 'SIGKILL' })
  }
  t.log(`${kills} kills; from the kill to the lock: ${summary(times)}`)
  t.deepEqual(
    times.filter((time) => time >= limit),
    [],
  )
  t.is(file.length, 2 * kills)
  t.is(file.recovered, 0, 'the survivor counted them')
  survivor.tell('end')
  await victims.kill()
})

test.serial('killed at any moment while it appends', async (t) => {
  const victims = new Victims(t, 'append', [])
  const random = randoms(60)
  const times = []
  const counts = { appends: 0, recovered: 0, untold: 0 }
  for (let round = 0; round < kills; round += 1) {
    const file = create(t, 16 << 20)
    const reader = open(t, file, { access: 'read' })
    const victim = await victims.next()
    victim.tell(file.id)
    await victim.next() // it begins
    const moment = now() + random(3000) / 1000
    while (now() < moment); // a timer would not be as fine
    victim.signal('SIGKILL')
    const killed = now()
    const mine = file.append('survivor')
    times.push(now() - killed)

    const told = []
    for await (const { index, size } of victim.said()) if (size !== undefined) told[index] = size
    t.deepEqual(await victim.exited, { code: null, signal: 'SIGKILL' })
    for (let index = 0; index < mine; index += 1) {
      const bytes = reader.view(index)
      const whole = bytes.length === (told[index] ?? bytes.length) && isFilled(bytes, index)
      if (!whole) t.fail(`segment ${index} of ${bytes.length} bytes is not whole`)
    }
    t.true(told.length <= mine, 'all that was acknowledged is there')
    t.true(mine - told.length <= 1, 'and at most one that it had no time to tell')
    t.deepEqual([reader.read(mine), reader.length, file.length], ['survivor', mine + 1, mine + 1])
    t.true(file.recovered <= 1)
    counts.appends += mine
    counts.recovered += file.recovered
    counts.untold += mine - told.length
    const late = open(t, file)
    t.deepEqual([late.length, late.size, late.tryLock().abandoned], [mine + 1, file.size, false])
    for (const handle of [file, reader, late]) handle.close()
  }
  t.log(
    `${kills} kills in ${counts.appends} appends: ${counts.recovered} times it had the lock, ` +
      `${counts.untold} segments were whole and not told; ` +
      `from the kill to the next append: ${summary(times)}`,
  )
  t.deepEqual(
    times.filter((time) => time >= limit),
    [],
  )
  t.true(counts.recovered > 0)
  await victims.kill()
})

/** Whether all bytes are as the victim makes them. */
function isFilled(bytes, index) {
  const filled = Buffer.alloc(bytes.length, index & 255)
  filled.writeUInt32LE(bytes.length, 0)
  return filled.equals(bytes)
}

test.serial(
  'killed while making and closing files: the next ones that are made, and a sweep, clear up',
  async (t) => {
    const prefixes = { data: uniqueId('killed-data-'), mutex: uniqueId('killed-lock-') }
    const names = () => left(prefixes.data)
    const victims = new Victims(t, 'create', [prefixes.data, prefixes.mutex])
    const random = randoms(61)
    let found = 0
    const times = []
    for (let round = 0; round < Math.ceil(kills / 3); round += 1) {
      const victim = await victims.next()
      victim.tell(round)
      await victim.next()
      await new Promise((resolve) => setTimeout(resolve, random(4)))
      const moment = now() + random(1000) / 1000
      while (now() < moment);
      await victim.kill()
      found += names().length
      const started = now()
      const file = MmFile.createNew(64, { prefixes })
      times.push(now() - started)
      const stale = list({ prefixes }).filter((info) => info.stale)
      const swept = sweep({ prefixes })
      t.deepEqual(new Set(swept.map(({ id }) => id)), new Set(stale.map(({ id }) => id)))
      if (process.platform === 'linux') t.is(names().length, 1, 'its own')
      file.close()
      t.deepEqual(names(), [])
    }
    t.log(
      `${found} objects of ${times.length} killed processes; making the next: ${summary(times)}`,
    )
    await victims.kill()
  },
)

test.serial('a killed reader and a killed waiter leave no trace', async (t) => {
  const file = create(t)
  file.append('x')
  for (const name of ['read', 'wait']) {
    const victim = start(t, 'victims', name, [file.id])
    await victim.next()
    await victim.kill()
    t.is(file.append('y'), file.length - 1)
  }
  t.is(file.recovered, 0)
  t.is(file.tryLock().abandoned, false)
})

test.serial('an abandoned lock is reported to the next holder only', async (t) => {
  const file = create(t)
  const reader = open(t, file, { access: 'read' })
  const victim = start(t, 'victims', 'hold', [file.id])
  await victim.next()
  victim.tell('x')
  await victim.next()
  await victim.kill()
  // A handle that may only read leaves the repair to one that may write.
  const theirs = reader.tryLock()
  t.deepEqual([theirs.abandoned, reader.recovered], [true, 0])
  theirs.release()
  const mine = file.tryLock()
  t.deepEqual([mine.abandoned, file.recovered], [true, 1])
  mine.release()
  t.is(file.tryLock().abandoned, false)
  t.is(file.recovered, 1)
})

test.serial('all processes are killed: the file is gone, and its id free', async (t) => {
  const id = uniqueId('all-dead')
  const victims = [start(t, 'victims', 'have', [id]), start(t, 'victims', 'have', [id])]
  for (const victim of victims) await victim.next()
  await Promise.all(victims.map((victim) => victim.kill()))
  t.throws(() => MmFile.openExisting(id), { code: 'ERR_MMFILE_NOT_FOUND' })
  t.deepEqual(left(id), [], 'looking for it was enough')
  t.is(create(t, 64, { id }).length, 0)
})
