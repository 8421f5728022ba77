// The programs in examples/, run as their first lines say, with kills in the middle.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { folder } from '../support/channels.mjs'
import { root } from '../support/markdown.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

/** Each test uses its own objects, so that several can run at a time. */
function place(t) {
  const path = folder(t)
  const run = (name, ...args) => {
    const child = spawn(process.execPath, [join(root, 'examples', `${name}.mjs`), ...args], {
      cwd: path,
      env: { ...process.env, MMFILE_DIRECTORY: path },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const lines = []
    const read = createInterface({ input: child.stdout })
    read.on('line', (line) => lines.push(line))
    const exited = once(child, 'close').then(([code, signal]) => code ?? signal)
    const says = async (text) => {
      while (!lines.some((line) => line.includes(text))) await sleep(20)
    }
    return { child, lines, exited, says }
  }
  return { path, run }
}

test('each is a program to copy: under 60 lines', (t) => {
  const names = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'))
  t.deepEqual(names, [
    'camera.mjs',
    'job-queue.mjs',
    'log-collector.mjs',
    'rpc.mjs',
    'shared-config.mjs',
  ])
  for (const name of names) {
    t.true(readFileSync(join(root, 'examples', name), 'utf8').split('\n').length <= 60, name)
  }
})

onLinux(
  'camera: the recorder has every frame, and a killed preview stops no process',
  async (t) => {
    const { path, run } = place(t)
    const record = run('camera', 'record', 'frames.raw')
    await record.says('recording')
    const preview = run('camera', 'preview')
    const camera = run('camera', 'camera', '30')
    await preview.says('shown')
    preview.child.kill('SIGKILL')
    t.is(await camera.exited, 0)
    t.is(await record.exited, 0)
    t.deepEqual(record.lines, ['recording', 'recorded 30'])
    t.is(statSync(join(path, 'frames.raw')).size, 30 * (2 << 20))
  },
)

onLinux('job queue: every job is done or failed, whatever worker is killed', async (t) => {
  const { run } = place(t)
  t.is(await run('job-queue', 'submit', '60').exited, 0)
  const workers = run('job-queue', 'run')
  await workers.says('done')
  // One of the workers, as a crash would.
  const children = readFileSync(
    `/proc/${workers.child.pid}/task/${workers.child.pid}/children`,
    'utf8',
  )
  process.kill(Number(children.trim().split(' ')[0]), 'SIGKILL')
  const done = () => new Set(workers.lines.filter((line) => line.startsWith('done')))
  while (done().size < 54) await sleep(20)
  const failed = new Set()
  while (failed.size < 6) {
    const shown = run('job-queue', 'failed')
    t.is(await shown.exited, 0)
    for (const line of shown.lines) failed.add(line)
  }
  workers.child.kill('SIGTERM')
  t.is(await workers.exited, 0)
  t.is(done().size, 54)
  t.true([...failed].every((line) => /n: \d?3 /.test(line)))
})

onLinux('rpc: replies, a handler that fails, and no server', async (t) => {
  const { run } = place(t)
  const alone = run('rpc', 'call')
  t.is(await alone.exited, 0)
  t.deepEqual(alone.lines, ['no process serves', 'no process serves'])
  const servers = [run('rpc', 'serve'), run('rpc', 'serve')]
  for (const server of servers) await server.says('serving')
  await sleep(300)
  servers[0].child.kill('SIGKILL')
  const call = run('rpc', 'call')
  t.is(await call.exited, 0)
  t.deepEqual(call.lines, ['reply 3', 'it says what is fail?'])
  servers[1].child.kill('SIGTERM')
  t.is(await servers[1].exited, 0)
})

onLinux('shared configuration: no update is lost, and every worker hears of it', async (t) => {
  const { run } = place(t)
  const program = run('shared-config')
  t.is(await program.exited, 0)
  t.deepEqual(program.lines.toSorted?.() ?? [...program.lines].sort(), [
    'worker 1 says good morning',
    'worker 2 says good morning',
    'worker 3 says good morning',
    'worker 4 says good morning',
    'workers 4',
  ])
})

onLinux('log collector: every line once, though the collector is killed', async (t) => {
  const { path, run } = place(t)
  let collector = run('log-collector', 'collect', 'all.log')
  await collector.says('collecting')
  const writers = ['ONE', 'TWO', 'THREE'].map((name) => run('log-collector', 'write', name, '1000'))
  for (let kills = 0; kills < 3; kills += 1) {
    await sleep(60)
    collector.child.kill('SIGKILL')
    await collector.exited
    collector = run('log-collector', 'collect', 'all.log')
    await collector.says('collecting')
  }
  for (const writer of writers) t.is(await writer.exited, 0)
  const text = () => readFileSync(join(path, 'all.log'), 'utf8').split('\n').slice(0, -1)
  while (text().length < 3000) await sleep(20)
  const lines = text()
  t.deepEqual(
    lines.map((line) => Number.parseInt(line, 10)),
    lines.map((_, index) => index),
  )
  for (const name of ['ONE', 'TWO', 'THREE']) {
    const own = lines
      .filter((line) => line.split(' ')[1] === name)
      .map((line) => Number(line.split(' ')[2]))
    t.deepEqual(
      own,
      Array.from({ length: 1000 }, (_, n) => n),
    )
  }
})
