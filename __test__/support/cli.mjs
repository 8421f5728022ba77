// Runs the `mmfile` command as a shell does.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const bin = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Starts it. `output` holds what it has printed so far, and `shown` waits for some of it. */
export function startCommand(t, args, { env = {} } = {}) {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, ...env } })
  t.teardown(() => child.kill('SIGKILL'))
  const chunks = { stdout: [], stderr: [] }
  const text = (name) => Buffer.concat(chunks[name]).toString()
  for (const name of ['stdout', 'stderr']) child[name].on('data', (data) => chunks[name].push(data))
  child.stdin.on('error', () => {}) // it does not read what it has no use for
  const ended = once(child, 'close').then(([status, signal]) => ({
    status,
    signal,
    stdout: text('stdout'),
    bytes: Buffer.concat(chunks.stdout),
    stderr: text('stderr'),
  }))
  return {
    child,
    ended,
    async shown(expected) {
      while (!text('stdout').includes(expected)) {
        const more = once(child.stdout, 'data').then(() => true)
        if (!(await Promise.race([more, ended.then(() => false)]))) {
          throw new Error(`it ended without '${expected}': ${text('stdout')}${text('stderr')}`)
        }
      }
    },
  }
}

/** Runs it to its end with that on standard input. */
export function command(t, args, { input = '', ...options } = {}) {
  const started = startCommand(t, args, options)
  started.child.stdin.end(input)
  return started.ended
}

/** The end of a command that printed this and no complaint. */
export const done = (stdout) => ({ status: 0, signal: null, stdout, stderr: '' })

/** Checks a command's output except for the raw bytes. */
export async function prints(t, args, stdout, options) {
  const { bytes, ...rest } = await command(t, args, options)
  t.deepEqual(rest, done(stdout))
  return bytes
}
