// The test's side of actor.mjs: another process that does one call after the other.

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import test from 'ava'
import { start } from './child.mjs'
import { left, shm } from './files.mjs'

export const onLinux = process.platform === 'linux' ? test : test.skip

/** A test with its own users, which needs root. */
export function withUsers(title, act) {
  onLinux(title, async (t) => {
    if (process.getuid() === 0) return act(t)
    t.log('only root can become other users')
    t.pass()
  })
}

/** A user that only this test uses. The test removes the user's objects: no other process would sweep them. */
export function newUser(t) {
  const user = randomInt(20_000, 60_000)
  t.teardown(() => {
    for (const path of left('').map(shm)) {
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat?.uid === user) rmSync(path, { recursive: true, force: true })
    }
  })
  return user
}

/** Starts one; `user` is whom it becomes, for which the test has to be root. */
export async function actor(t, { user, ...options } = {}) {
  const one = new Actor(start(t, 'actor', 'act', [], options))
  await one.child.next()
  if (user !== undefined) await one.does('actor', 'become', user)
  return one
}

class Actor {
  constructor(child) {
    this.child = child
  }

  /** The outcome of a call: `{ value, ms }` or `{ error, ms }`. */
  async tries(on, call, ...args) {
    return (await this.all([{ on, call, args }]))[0]
  }

  /** The result of a call, which must not fail. */
  async does(on, call, ...args) {
    return must(await this.tries(on, call, ...args))
  }

  /** Calls something and keeps the result under a name. Returns whether there is a result. */
  async keeps(keep, on, call, ...args) {
    return must((await this.all([{ on, call, args, keep }]))[0])
  }

  async gets(on, get) {
    return must((await this.all([{ on, get }]))[0])
  }

  /** Several calls without asking in between. */
  async all(calls) {
    this.begins(calls)
    return this.child.next()
  }

  /** The same; `ends()` returns the results. */
  begins(calls) {
    this.child.tell(JSON.stringify({ calls: calls.map((one) => ({ args: [], ...one })) }))
  }

  ends() {
    return this.child.next()
  }

  /** Has it exit, which closes what it has open. */
  async exits() {
    this.begins([{ on: 'process', call: 'exit' }])
    return this.child.exited
  }
}

function must({ value, error }) {
  if (error) throw Object.assign(new Error(`in the other process: ${error.message}`), error)
  return value
}

/** Sets a limit of a running process of that user, such as `--nofile=20:`. Whether it could. */
export function limit(pid, what, user) {
  return spawnSync('prlimit', ['--pid', String(pid), what], { uid: user, gid: user }).status === 0
}
