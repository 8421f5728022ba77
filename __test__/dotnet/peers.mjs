// Run by Node.js for Windows: a .NET program and this one share files. `node peers.mjs DOTNET PEER REPORT`.

import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MmFile } from 'mmfile'
import { Peer } from './peer.mjs'

const prefixes = { data: 'netmap-', mutex: 'netmutex-' }
const CAPACITY = 1 << 20
const ROUNDS = 20
/** A survivor may not wait longer for a dead holder's lock, in milliseconds: Wine's server is slow. */
const PATIENCE = 2000

/** A process that appends forever, or takes the lock and keeps it. */
async function play(role, id, tag) {
  const file = MmFile.openExisting(id, { prefixes })
  const say = (text) => process.stdout.write(`${text}\n`)
  if (role === 'hold') {
    file.tryLock()
    say('held')
    setInterval(() => {}, 1000)
  } else {
    say('ready')
    for (let number = 0; ; number += 1) {
      say(`did ${number} ${file.append(`${tag}-${number}`)}`)
      if (number % 8 === 0) await pause(0)
    }
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === '--role') await play(...rest)
else await main(first, ...rest)

async function main(dotnet, program, report) {
  const net = async () => {
    const peer = new Peer(dotnet, [program])
    assert.equal(await peer.hear(), 'ready')
    return peer
  }
  const node = async (role, id, tag = '') => {
    const peer = new Peer(process.execPath, [
      fileURLToPath(import.meta.url),
      '--role',
      role,
      id,
      tag,
    ])
    await peer.hear()
    return peer
  }
  const note = (text) => appendFileSync(report, `${text}\n`)
  const open = (id) => MmFile.openExisting(id, { prefixes })
  const readBy = async (peer, index) => {
    const [, text] = (await peer.ask(`read ${index}`)).split(' ')
    return Buffer.from(text, 'base64').toString('utf16le')
  }
  const opened = async (file) => {
    const peer = await net()
    assert.equal(
      await peer.ask(`open ${prefixes.data}${file.id} ${prefixes.mutex}${file.id}`),
      'opened',
    )
    return peer
  }

  // Each creates, each appends, each reads what the other has written.
  {
    const creator = await net()
    const id = 'made-by-net'
    const made = await creator.ask(
      `create ${prefixes.data}${id} ${prefixes.mutex}${id} ${CAPACITY}`,
    )
    assert.equal(made, 'created')
    assert.equal(await creator.ask('append before'), 'at 0')
    const file = open(id)
    assert.deepEqual([file.length, file.read(0), file.capacity], [1, 'before', CAPACITY])
    assert.equal(file.append('Grüße 日本'), 1)
    assert.equal(await creator.ask('append after'), 'at 2')
    await file.waitFor(2, { timeout: 10_000 })
    assert.equal(file.read(2), 'after')
    assert.equal(await readBy(creator, 1), 'Grüße 日本')
    const second = open(id)
    assert.equal(second.append('a second handle'), 3)
    second.close()
    file.close()
    const again = open(id)
    assert.deepEqual([again.length, again.read(3)], [4, 'a second handle'])
    again.close()
    await creator.end()
    assert.throws(() => open(id), { code: 'ERR_MMFILE_NOT_FOUND' })
    note('a .NET program creates, Node.js joins, both append and read: as promised')
  }
  {
    const file = MmFile.createNew(CAPACITY, { prefixes })
    const peer = await opened(file)
    assert.equal(file.append('from Node.js'), 0)
    assert.equal(await readBy(peer, 0), 'from Node.js')
    assert.equal(await peer.ask('append from-.NET'), 'at 1')
    assert.equal(file.read(1), 'from-.NET')
    // Both at once.
    const count = 1000
    peer.tell(`many net ${count}`)
    for (let number = 0; number < count; number += 1) {
      file.append(`node-${number}`)
      if (number % 16 === 0) await pause(0)
    }
    while ((await peer.hear()) !== 'done');
    const next = { net: 0, node: 0 }
    for (let index = 2; index < file.length; index += 1) {
      const [who, number] = file.read(index).split('-')
      assert.equal(Number(number), next[who])
      next[who] += 1
    }
    assert.deepEqual(next, { net: count, node: count })
    assert.equal(await peer.ask('abandoned'), 'abandoned 0')
    await peer.end()
    file.close()
    note(`Node.js creates, both append ${count} at once: none lost, none twice, in order`)
  }

  // .NET dies between the size and the bytes of a segment.
  {
    const file = MmFile.createNew(CAPACITY, { prefixes })
    for (let round = 0; round < ROUNDS; round += 1) {
      const peer = await opened(file)
      assert.equal(await peer.ask(`append whole-${round}`), `at ${3 * round}`)
      assert.equal(await peer.ask(`begin half-${round}`), 'begun')
      await peer.kill()
      // Its size word says that it is there; no process can tell that it is not whole.
      assert.equal(file.append(`next-${round}`), 3 * round + 2)
      assert.equal(file.recovered, round + 1)
      assert.deepEqual(
        [0, 1, 2].map((at) => file.read(3 * round + at).replaceAll('\0', '_')),
        [`whole-${round}`, '_'.repeat(`half-${round}`.length), `next-${round}`],
      )
    }
    file.close()
    note(
      `.NET killed between size and bytes, ${ROUNDS} times: all others whole, it is there as zeros`,
    )
  }

  // One of them dies with the lock; the other continues.
  {
    const file = MmFile.createNew(CAPACITY, { prefixes })
    let worst = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const peer = await opened(file)
      assert.equal(await peer.ask('hold'), 'held')
      await peer.kill()
      const started = performance.now()
      assert.equal(file.append(`round ${round}`), round)
      worst = Math.max(worst, performance.now() - started)
      assert.equal(file.recovered, round + 1)
    }
    assert.ok(worst < PATIENCE, `${worst} ms`)
    file.close()
    note(
      `.NET killed with the mutex, ${ROUNDS} times: recovered ${ROUNDS} times, worst ${worst.toFixed(1)} ms`,
    )
  }
  {
    const file = MmFile.createNew(CAPACITY, { prefixes })
    const peer = await opened(file)
    let worst = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const holder = await node('hold', file.id)
      await holder.kill()
      const started = performance.now()
      assert.equal(await peer.ask(`append round-${round}`), `at ${round}`)
      worst = Math.max(worst, performance.now() - started)
      assert.equal(await peer.ask('abandoned'), `abandoned ${round + 1}`)
      assert.equal(file.read(round), `round-${round}`)
    }
    assert.ok(worst < PATIENCE, `${worst} ms`)
    await peer.end()
    file.close()
    note(
      `Node.js killed with the lock, ${ROUNDS} times: .NET went on each time, worst ${worst.toFixed(1)} ms`,
    )
  }

  // Both kinds append, and are killed at random.
  {
    const file = MmFile.createNew(4 * CAPACITY, { prefixes })
    const said = new Map()
    let number = 0
    let own = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const tags = [`net${round}`, `node${round}`]
      const pair = [await opened(file), await node('append', file.id, tags[1])]
      pair[0].tell(`many ${tags[0]} 100000`)
      const end = performance.now() + 10 + 40 * Math.random()
      while (performance.now() < end) {
        file.append(`own-${own}`)
        own += 1
        await pause(1)
      }
      for (const [at, peer] of pair.entries()) {
        const lines = await peer.kill()
        said.set(
          tags[at],
          lines.map((line) => /^did (\d+) (\d+)$/.exec(line.trim())).filter(Boolean),
        )
        file.append(`own-${own}`)
        own += 1
        number += 1
      }
    }
    const found = new Map()
    for (let index = 0; index < file.length; index += 1) {
      const text = file.read(index)
      const [who, at] = text.split('-')
      const before = found.get(who) ?? []
      if (Number(at) === before.length && /^[a-z]+\d*-\d+$/.test(text)) before.push(index)
      // A foreign writer publishes the size first: what it died in the middle of is not whole.
      else assert.match(text, /\0$/, `segment ${index} is ${JSON.stringify(text)}`)
      found.set(who, before)
    }
    let acknowledged = 0
    for (const [who, lines] of said) {
      for (const [, at, index] of lines) {
        assert.equal(found.get(who)?.[Number(at)], Number(index), `${who}-${at}`)
        acknowledged += 1
      }
    }
    assert.equal(found.get('own').length, own)
    note(
      `${number} kills at random: ${acknowledged} acknowledged by those who died, 0 lost, 0 twice; ` +
        `${file.recovered} recoveries by the survivor`,
    )
    file.close()
  }
  note('done')
}
