// Locks: taking and releasing one that is free, and getting one whose holder was killed.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LOCKS, lockOf } from '../lib/locks.mjs'
import { hasTinybench, micro } from '../lib/micro.mjs'
import { Partner } from '../lib/partner.mjs'
import { alternate, ratios, summary } from '../lib/statistics.mjs'

const execute = promisify(execFile)
const LABELS = {
  mmfile: 'mmfile, withLock',
  'fs-ext': 'fs-ext, flock',
  lmdb: 'lmdb, write transaction',
  'proper-lockfile': 'proper-lockfile',
}
/** How long raw_sync's mutex is waited for after its holder was killed, in milliseconds. */
const LIMIT = 2000

async function uncontended(context, names) {
  const opened = names.map((name) => {
    const lock = lockOf(name, context.peers[name])
    const { place, remove } = lock.make()
    return { name, remove, handle: lock.open(place) }
  })
  const calls = { mmfile: 1000, lmdb: 100, 'fs-ext': 20, 'proper-lockfile': 1 }
  const sides = {}
  for (const { name, handle } of opened) {
    sides[name] = {
      calls: calls[name],
      iterations: 20,
      work() {
        for (let call = 0; call < calls[name]; call += 1) handle.once()
      },
    }
  }
  try {
    return await alternate(context.turns, micro(sides))
  } finally {
    for (const { handle, remove } of opened) {
      await handle.close()
      remove()
    }
  }
}

/** Milliseconds from the kill of the holder until this process has the lock. */
async function recovery(name, peers) {
  const lock = lockOf(name, peers[name])
  const { place, remove } = lock.make()
  const handle = lock.open(place)
  const partner = new Partner('holder', { args: [name] })
  try {
    await partner.ask({ place })
    const started = performance.now()
    partner.process.kill('SIGKILL')
    await handle.wait()
    return performance.now() - started
  } finally {
    await handle.close()
    await partner.kill()
    remove()
  }
}

export async function locks(context) {
  const { quick, report, has, peers, floor } = context
  const names = LOCKS.filter((name) => name === 'mmfile' || has(name))
  let free = {}
  if (hasTinybench()) {
    report.progress('locks, uncontended')
    free = await uncontended(context, names)
  }

  const kills = quick ? 60 : 1000
  report.progress(`lock recovery, ${kills} kills`)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  const pairs = { ours: [], theirs: [] }
  const others = names.filter((name) => name === 'fs-ext' || name === 'lmdb')
  // Of the others some are enough to know them by; those of a pair follow one another.
  const every = quick ? 3 : 10
  for (let kill = 0; kill < kills; kill += 1) {
    const ours = await recovery('mmfile', peers)
    times.mmfile.push(ours)
    if (kill % every !== 0) continue
    for (const name of others) times[name].push(await recovery(name, peers))
    if (!has('fs-ext')) continue
    pairs.ours.push(ours)
    pairs.theirs.push(times['fs-ext'].at(-1))
  }
  if (has('proper-lockfile') && !quick) {
    for (let kill = 0; kill < 2; kill += 1) {
      times['proper-lockfile'].push(await recovery('proper-lockfile', peers))
    }
  }
  const rows = names.map((name) => ({
    label: LABELS[name],
    cells: [
      free[name]?.map((time) => time / 1e3),
      times[name].length > 0 ? times[name] : undefined,
    ],
  }))
  if (floor) {
    const { stdout } = await execute(floor.program, ['mutex', String(LIMIT)])
    const never = stdout.trim() === 'never'
    const recovered = never ? `not within ${LIMIT / 1000} s` : [Number(stdout) / 1e6]
    rows.push({ label: "raw_sync's mutex", cells: [undefined, recovered] })
  }
  report.table({
    id: 'locks',
    title: 'Locks',
    unit: '',
    columns: ['uncontended, µs', 'recovery, ms'],
    rows,
  })
  const { highest } = summary(times.mmfile)
  report.note(`the longest of ${times.mmfile.length} lock recoveries took ${highest.toFixed(2)} ms`)
  report.goal('lock', free['proper-lockfile'] && ratios(free['proper-lockfile'], free.mmfile))
  report.goal('recovery', pairs.ours.length > 0 ? ratios(pairs.theirs, pairs.ours) : undefined)
  report.goal('recovery-most', [highest])
}
