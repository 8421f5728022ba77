// A server of Redis, on a Unix socket, that keeps nothing on disk: Debian's, which is installed where this process may.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../scripts/lib/run.mjs'
import { makeFolder, removeFolder } from './temporary.mjs'

const SERVER = 'redis-server'
const PATIENCE = 10_000

/** Why there is no server here; nothing if there is one. */
export function missingRedis({ install }) {
  if (isThere()) return undefined
  if (!install) return `${SERVER} is not there, and a quick run does not install it`
  if (process.getuid?.() !== 0 || !isDebian()) {
    return `${SERVER} is not there; it is installed for root on Debian alone`
  }
  console.log(`Installing ${SERVER} …`)
  // The package would start a server of its own where there is an init system to ask.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const how = { quiet: true, env }
  run('apt-get', ['update'], how)
  const args = ['install', '--yes', '--no-install-recommends', SERVER]
  const { output } = run('apt-get', args, how)
  if (isThere()) return undefined
  return `apt-get: ${output.split('\n').find((line) => line.startsWith('E:')) ?? 'it failed'}`
}

const isThere = () => run(SERVER, ['--version'], { quiet: true }).ok

function isDebian() {
  const path = '/etc/os-release'
  return existsSync(path) && /^ID=debian$/m.test(readFileSync(path, 'utf8'))
}

/** Starts a server: where its socket is, its process, and how to end it. */
export async function startRedis() {
  const folder = makeFolder()
  const socket = join(folder, 'redis')
  const settings = { port: 0, unixsocket: socket, save: '', appendonly: 'no', dir: folder }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const server = spawn(SERVER, args, { stdio: 'ignore' })
  const kill = () => server.kill('SIGKILL')
  process.on('exit', kill)
  const ended = once(server, 'exit')
  const until = performance.now() + PATIENCE
  while (!existsSync(socket)) {
    if (server.exitCode !== null || performance.now() > until) throw new Error('no server of Redis')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return {
    socket,
    async stop() {
      process.off('exit', kill)
      kill()
      await ended
      removeFolder(folder)
    },
  }
}
