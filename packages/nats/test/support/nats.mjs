// Helpers of the tests: a test that needs a server, connections, and distinguishable messages.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pull, push } from '@mmfile/nats'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import ava from 'ava'
import { MmFile } from 'mmfile'
import { messageOf } from './messages.mjs'
import { findServer, startServer } from './server.mjs'

const found = findServer()
if (found.path === undefined) {
  if (process.env.CI) throw new Error(`the tests need nats-server: ${found.reason}`)
  console.error(`skipped, there is no nats-server: ${found.reason}`)
}

export { faults, messageOf } from './messages.mjs'

export const serverPath = found.path
export const test = found.path === undefined ? ava.skip : ava

/** How many messages a test copies; MMFILE_TEST_ROUNDS multiplies it. */
export const rounds = (count) => count * Number(process.env.MMFILE_TEST_ROUNDS ?? 1)

/** A connection as a program has it, which goes with the test. */
export async function connected(t, server, options = {}) {
  const nc = await connect({
    servers: [server].flat().map(({ url }) => url),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 50,
    noAsyncTraces: true,
    ...options,
  })
  t.teardown(() => nc.close())
  const js = jetstream(nc, { timeout: 10_000 })
  return { nc, js, jsm: await js.jetstreamManager(false) }
}

/** All segments of a file. */
export const segmentsOf = (file) => Array.from({ length: file.length }, (_, n) => file.readBytes(n))

/** A folder that goes with the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'mmfile-nats-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Waits for something to be true. */
export async function until(condition, milliseconds = 30_000) {
  const end = performance.now() + milliseconds
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${condition}`)
    await sleep(10)
  }
}

/** Pushes until the stream has so many, and ends then. */
export function pushed(source, place, count) {
  const stop = new AbortController()
  const onProgress = ({ nextIndex }) => nextIndex >= count && stop.abort()
  return push(source, { ...place, onProgress, signal: stop.signal })
}

/** Pulls until the target has so many, and ends then. */
export function pulled(place, target, count) {
  const stop = new AbortController()
  const onProgress = ({ nextIndex }) => nextIndex >= count && stop.abort()
  return pull(place, target, { onProgress, signal: stop.signal })
}

/** One server for all tests of a file. */
export function sharedServer() {
  const context = {}
  const ends = []
  if (found.path === undefined) return context
  ava.before(async () => {
    context.server = await startServer({ teardown: (end) => ends.push(end) }, found.path)
  })
  ava.after.always(async () => {
    for (const end of ends) await end()
  })
  return context
}

/** A file with so many segments. */
export function filled(t, count, { seal = false, seed = '' } = {}) {
  const file = MmFile.createNew(16 << 20)
  t.teardown(() => file.close())
  for (let n = 0; n < count; n += 1) file.append(messageOf(n, seed))
  if (seal) file.seal()
  return file
}
