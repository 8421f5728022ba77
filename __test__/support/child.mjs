// The test's side of a program in this folder that runs as a child process.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Whether system calls can be refused to a program here. */
export const canRefuse =
  process.platform === 'linux' &&
  process.arch === 'x64' &&
  spawnSync('python3', [script('refuse.py'), '--', 'true']).status === 0

/** The `shell` of a program to which the kernel refuses system calls: `NUMBER=ERRNO`. */
export function refuse(...refusals) {
  return `exec python3 '${script('refuse.py')}' ${refusals.join(' ')} -- "$@"`
}

/** Starts what `<file>.mjs` calls `name`. It is killed when the test ends, if it still runs then. */
export function start(t, file, name, args = [], options = {}) {
  const child = new Child(file, name, args, options)
  t.teardown(() => child.kill())
  return child
}

/** Runs it to its end and returns its output, its exit status, and its standard error. */
export async function run(t, file, name, args = [], options = {}) {
  const child = start(t, file, name, args, options)
  const said = []
  for await (const value of child.said()) said.push(value)
  const ended = await child.exited
  return { said, stderr: child.stderr, ...ended }
}

class Child {
  stderr = ''
  #process
  #lines = []
  #ended = false
  #changed = resolvers()

  /** `shell` is a command line that it runs behind, such as `ulimit -n 64`. */
  constructor(file, name, args, { node = [], env = {}, shell }) {
    const program = script(`${file}.mjs`)
    const command = [process.execPath, ...node, program, name, ...args.map(String)]
    if (shell) command.unshift('sh', '-c', `${shell} && exec "$@"`, 'sh')
    this.#process = spawn(command[0], command.slice(1), {
      env: { ...process.env, ...env },
      stdio: 'pipe',
    })
    this.#process.stdin.on('error', () => {}) // it is gone: what waits for it says so
    this.#process.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    const lines = createInterface({
      input: this.#process.stdout,
      crlfDelay: Number.POSITIVE_INFINITY,
    })
    lines.on('line', (line) => {
      this.#lines.push(line)
      this.#notify()
    })
    lines.on('close', () => {
      this.#ended = true
      this.#notify()
    })
    this.exited = once(this.#process, 'close').then(([code, signal]) => ({ code, signal }))
  }

  get pid() {
    return this.#process.pid
  }

  #notify() {
    this.#changed.resolve()
    this.#changed = resolvers()
  }

  /** Its next message. */
  async next() {
    while (this.#lines.length === 0) {
      if (this.#ended) {
        const { code, signal } = await this.exited
        throw new Error(`it ended (${signal ?? code}) without a word\n${this.stderr}`)
      }
      await this.#changed.promise
    }
    return parse(this.#lines.shift())
  }

  /** All that it says until its end. */
  async *said() {
    for (;;) {
      while (this.#lines.length > 0) yield parse(this.#lines.shift())
      if (this.#ended) return
      await this.#changed.promise
    }
  }

  /**
   * Sends a line for its `hear()`. The promise is for tests that block the thread afterwards: the line is written by
   * then.
   */
  tell(text) {
    return new Promise((resolve) => this.#process.stdin.write(`${text}\n`, resolve))
  }

  signal(signal) {
    return this.#process.kill(signal)
  }

  async kill() {
    this.#process.kill('SIGKILL')
    return this.exited
  }
}

function script(name) {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** A line that a killed program did not finish is passed on, and is no error. */
function parse(line) {
  try {
    return JSON.parse(line)
  } catch {
    return { cut: line }
  }
}

/** `Promise.withResolvers()`, which Node.js 20 does not have. */
function resolvers() {
  let resolve
  const promise = new Promise((done) => {
    resolve = done
  })
  return { promise, resolve }
}
