// The soak of channels: every acknowledged message comes to every reliable reader once and in order, and every job is
// acknowledged by one living member, whichever process is killed. Eight processes share two channels: to one of them many send, and
// its messages are jobs; to the other one at a time.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start } from '../__test__/support/child.mjs'
import { randoms } from '../__test__/support/files.mjs'
import { Channel } from '../dist/index.js'
import { judge } from './soak-figures.mjs'

/** The first half lives. */
const ROLES = ['loops', 'batches', 'member', 'sender', 'sender', 'exclusive', 'member', 'visitor']
const SURVIVORS = 4
const PATIENCE = 120_000

const random = randoms(process.pid)
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time))

/** Soaks for that long, and until so many messages were sent: the exit status. */
export async function soakChannels(seconds, messages) {
  const folder = mkdtempSync(join(tmpdir(), 'mmfile-soak-'))
  const problems = []
  try {
    await soak({ seconds, messages, folder, problems })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const problem of problems) console.error(problem)
  return problems.length > 0 ? 1 : 0
}

async function soak({ seconds, messages, folder, problems }) {
  const capacity = 1 << 20
  const log = Channel.createNew({ capacity, groups: ['workers'] })
  const stream = Channel.createNew({ capacity })
  const told = new Map()
  let started = 0
  const kills = { all: 0, member: 0 }

  /** One process, and what it said. */
  function begin(role) {
    started += 1
    const reads = role === 'loops' || role === 'batches'
    const more =
      { member: join(folder, `${started}.acknowledged`), batches: 'true' }[role] ?? started
    const soaker = { role, number: started, measured: [], followed: undefined }
    const options = { node: ['--expose-gc', '--max-semi-space-size=2', '--no-warnings'] }
    const args = [log.id, stream.id, more]
    soaker.child = start(
      { teardown() {} },
      'channel-soakers',
      reads ? 'reader' : role,
      args,
      options,
    )
    soaker.ready = new Promise((resolve) => {
      soaker.ended = (async () => {
        for await (const said of soaker.child.said()) {
          resolve()
          if (said.measured) soaker.measured.push(said.measured)
          if (said.followed) soaker.followed = said.followed
          if (said.told) told.set(soaker.number, said.told)
        }
        resolve()
        return soaker.child.exited
      })()
    })
    return soaker
  }
  const sound = async (soaker) => {
    const ended = await Promise.race([soaker.ended, pause(PATIENCE)])
    if (ended?.code === 0) return
    const how = ended ? (ended.signal ?? ended.code) : 'not at all'
    soaker.child.signal('SIGKILL')
    problems.push(`${soaker.role} ${soaker.number} ended: ${how}\n${soaker.child.stderr}`)
  }

  // Readers exist before anything is sent: their messages are compared with all that was sent.
  const soakers = []
  for (const role of ROLES) {
    const soaker = begin(role)
    soakers.push(soaker)
    await soaker.ready
  }
  const began = Date.now()
  const elapsed = () => (Date.now() - began) / 1000
  const sent = () => log.nextIndex + stream.nextIndex
  const warm = Math.min(30, seconds / 3)
  let measured = false
  while ((elapsed() < seconds || sent() < messages) && problems.length === 0) {
    await pause(30 + random(150))
    const at = SURVIVORS + random(ROLES.length - SURVIVORS)
    const { child, role, ended } = soakers[at]
    if (child.signal('SIGKILL')) {
      kills.all += 1
      if (role === 'member') kills.member += 1
    }
    const { code, signal } = await ended
    if (signal !== 'SIGKILL') problems.push(`${role} ended: ${signal ?? code}\n${child.stderr}`)
    soakers[at] = begin(role)
    if (!measured && elapsed() > warm) {
      measured = true
      for (const soaker of soakers.slice(0, SURVIVORS)) soaker.child.tell('measure')
    }
    for (const soaker of soakers.slice(0, SURVIVORS)) {
      const over = await Promise.race([soaker.ended, undefined])
      if (over) problems.push(`a survivor ended: ${soaker.role}\n${soaker.child.stderr}`)
    }
  }

  const senders = soakers.filter(({ role }) => role === 'sender' || role === 'exclusive')
  for (const { child } of senders) child.tell('end')
  await Promise.all(senders.map(sound))
  const counts = [log.nextIndex, stream.nextIndex]
  await log.seal()
  await stream.seal()
  await Promise.all(soakers.filter((one) => !senders.includes(one)).map(sound))
  log.close()
  stream.close()

  const { twice, missing } = acknowledged(folder, counts[0])
  console.log(
    `${elapsed().toFixed(0)} s, ${ROLES.length} processes: ${counts[0]} jobs and ${counts[1]} other messages of ` +
      `${told.size} senders, ${kills.all} kills; ${twice} acknowledged twice, ${missing} without a note of it ` +
      `(${kills.member} members were killed)`,
  )
  if (twice > 0) problems.push('jobs were acknowledged twice')
  // A member may be killed between the acknowledgement and its note.
  if (missing > kills.member) problems.push('jobs were not acknowledged')
  for (const { followed, role } of soakers.slice(0, 2)) {
    if (followed === undefined) continue
    followed.forEach(({ count }, at) => {
      if (count !== counts[at]) problems.push(`${role}: ${count} of ${counts[at]} messages`)
    })
    const last = new Map(followed.flatMap((one) => one.last))
    for (const [writer, number] of told) {
      if ((last.get(writer) ?? -1) < number - 1) {
        problems.push(
          `${role}: ${number} of ${writer} were acknowledged, the last is ${last.get(writer)}`,
        )
      }
    }
  }
  for (const { role, measured } of soakers.slice(0, SURVIVORS)) judge(role, measured, problems)
  const left = readdirSync('/dev/shm').filter(
    (name) => name.includes(log.id) || name.includes(stream.id),
  )
  if (left.length > 0) problems.push(`left behind: ${left.join(', ')}`)
}

/** How many jobs were acknowledged twice, and how many not, as the members wrote it down. */
function acknowledged(folder, count) {
  const times = new Uint8Array(count)
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name))
    for (let at = 0; at + 4 <= bytes.length; at += 4) times[bytes.readUInt32LE(at)] += 1
  }
  let [twice, missing] = [0, 0]
  for (const each of times) {
    if (each > 1) twice += 1
    if (each === 0) missing += 1
  }
  return { twice, missing }
}
