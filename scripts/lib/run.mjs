// Helpers of the scripts: the repository's folder, running a command, comparing the ages of files.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The repository's tools first, and Rust where rustup puts it. */
const path = [
  join(root, 'node_modules', '.bin'),
  process.env.PATH,
  join(homedir(), '.cargo', 'bin'),
].join(delimiter)

/** npm and the tools that it installs are batch files on Windows, which takes a shell to start. */
function isBatchFile(command) {
  if (process.platform !== 'win32') return false
  return command === 'npm' || existsSync(join(root, 'node_modules', '.bin', `${command}.cmd`))
}

/** The arguments of `spawn` and `spawnSync` for a command. */
function call(command, args, { env = {}, cwd = root }) {
  const shell = isBatchFile(command)
  return [
    command,
    shell ? args.map((arg) => `"${arg}"`) : args,
    { cwd, shell, env: { ...process.env, PATH: path, ...env } },
  ]
}

/** Runs a command to its end and returns its exit status. Its output is this process's. */
export function run(command, args, options = {}) {
  const [file, list, how] = call(command, args, options)
  const done = spawnSync(file, list, {
    ...how,
    stdio: options.quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
  })
  const output = `${done.stdout ?? ''}${done.stderr ?? ''}`
  return {
    ok: done.status === 0,
    status: done.status ?? 1,
    output,
    missing: done.error?.code === 'ENOENT',
  }
}

/** The same, and also returns the command's output, which is printed as it comes. */
export function start(command, args, options = {}) {
  const [file, list, how] = call(command, args, options)
  const child = spawn(file, list, { ...how, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.setEncoding('utf8').on('data', (part) => {
      to.write(part)
      output += part
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ ok: status === 0, output }))
  })
}

/** The newest change in files and folders, in milliseconds; 0 for what is not there. */
export function newest(...places) {
  return Math.max(0, ...places.map(newestOf))
}

function newestOf(place) {
  const at = join(root, place)
  if (!existsSync(at)) return 0
  const stat = statSync(at)
  if (!stat.isDirectory()) return stat.mtimeMs
  const inside = readdirSync(at).filter((name) => name !== 'node_modules' && name !== 'dist')
  return Math.max(stat.mtimeMs, ...inside.map((name) => newestOf(join(place, name))))
}

/** Ends the script with a message. */
export function fail(message) {
  console.error(`\n${message}`)
  process.exit(1)
}
