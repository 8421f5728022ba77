// The programs in examples, on "machines" that share nothing but the server: each has a separate folder.

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { start } from './support/leash.mjs'
import { connected, folder, serverPath, test, until } from './support/nats.mjs'
import { startServer } from './support/server.mjs'

/** A machine: what runs on it finds only what is on it. */
function machine(t, server) {
  const path = folder(t)
  return (name, ...args) => {
    const script = fileURLToPath(new URL(`../examples/${name}.mjs`, import.meta.url))
    const child = start(process.execPath, [script, ...args], {
      cwd: path,
      env: { ...process.env, MMFILE_DIRECTORY: path, NATS_URL: server.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const lines = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    const exited = once(child, 'close').then(([code, signal]) => code ?? signal)
    return { child, lines, exited }
  }
}

/** How many jobs the stream has; -1 before there is one. */
async function pending(jsm) {
  try {
    return (await jsm.streams.info('JOBS')).state.messages
  } catch (error) {
    if (error.name !== 'StreamNotFoundError') throw error
    return -1
  }
}

test('jobs: each runs once, on one of two machines', async (t) => {
  const server = await startServer(t, serverPath)
  const { jsm } = await connected(t, server)
  const machines = [machine(t, server), machine(t, server)]
  const feeders = machines.map((run) => run('jobs', 'feed'))
  const workers = machines.flatMap((run) => [run('jobs', 'work'), run('jobs', 'work')])
  t.is(await machines[0]('jobs', 'submit', '300').exited, 0)
  await until(async () => (await pending(jsm)) === 0)
  const done = workers.map(({ lines }) => lines.length)
  const all = workers.flatMap(({ lines }) => lines)
  t.deepEqual(all.sort(), Array.from({ length: 300 }, (_, n) => `done ${n}`).sort())
  t.true(done[0] + done[1] > 0 && done[2] + done[3] > 0, `${done}`)
  for (const { child } of [...feeders, ...workers]) child.kill('SIGTERM')
  for (const { exited } of [...feeders, ...workers]) t.is(await exited, 0)
})

test('jobs: those that take long run once, too', async (t) => {
  const server = await startServer(t, serverPath)
  const { js, jsm } = await connected(t, server)
  const machines = [machine(t, server), machine(t, server)]
  const workers = machines.map((run) => run('jobs', 'work'))
  const feeders = machines.map((run) => run('jobs', 'feed'))
  await until(async () => (await pending(jsm)) === 0)
  const count = 40
  for (let n = 0; n < count; n += 1) await js.publish('jobs', JSON.stringify({ n, ms: 3000 }))
  const runs = () => workers.flatMap(({ lines }) => lines)
  await until(() => runs().length >= count / 2)
  // A machine that is taken out of service finishes what it has.
  feeders[0].child.kill('SIGTERM')
  t.is(await feeders[0].exited, 0)
  await until(async () => (await pending(jsm)) === 0, 60_000)
  for (const { child } of workers) child.kill('SIGTERM')
  for (const { exited } of workers) t.is(await exited, 0)
  t.deepEqual(runs().sort(), Array.from({ length: count }, (_, n) => `done ${n}`).sort())
})

const KILLS = 8

test('jobs: none is lost when processes are killed on both machines', async (t) => {
  const server = await startServer(t, serverPath)
  const { jsm } = await connected(t, server)
  const machines = [machine(t, server), machine(t, server)]
  const programs = machines.flatMap((run) =>
    ['feed', 'work', 'work'].map((role) => ({ run, role })),
  )
  const lines = []
  for (const program of programs) {
    program.start = () => {
      program.now = program.run('jobs', program.role)
      lines.push(program.now.lines)
    }
    program.start()
  }
  const submitted = machines[0]('jobs', 'submit', '600')
  const count = () => lines.reduce((sum, some) => sum + some.length, 0)
  for (let kills = 0; kills < KILLS; kills += 1) {
    const enough = 600 * ((kills + 0.5) / KILLS)
    await until(() => count() >= enough)
    const program = programs[kills % programs.length]
    program.now.child.kill('SIGKILL')
    await program.now.exited
    program.start()
    if (kills === KILLS / 2) {
      t.is(await submitted.exited, 0)
      await server.kill()
      await server.start()
    }
  }
  await until(async () => (await pending(jsm)) === 0, 60_000)
  const runs = lines.flat()
  const wanted = Array.from({ length: 600 }, (_, n) => `done ${n}`)
  t.deepEqual(
    wanted.filter((line) => !runs.includes(line)),
    [],
  )
  t.deepEqual(
    runs.filter((line) => !wanted.includes(line)),
    [],
  )
  t.log(`${runs.length - 600} jobs ran again`)
  t.true(runs.length - 600 <= KILLS * 20, `${runs.length}`)
})
