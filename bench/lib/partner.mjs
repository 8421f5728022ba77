// Another process, and how it is talked to besides what is measured: lines of JSON over two pipes.

import { fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A partner that prints nothing for so long hangs. */
const PATIENCE = 120_000

/** All that are alive: none may outlive the run. */
const alive = new Set()
process.on('exit', () => {
  for (const partner of alive) partner.process.kill('SIGKILL')
})

export class Partner {
  #heard = []
  #waiting
  #failure
  #ended
  #announce
  /** Rejects when the process fails: what it should do will not come. */
  failure = new Promise((_, reject) => {
    this.#announce = reject
  })

  /** Starts `children/NAME.mjs`. `serialization` is that of `child_process.fork`. */
  constructor(name, { args = [], serialization = 'json', execArgv = [] } = {}) {
    const script = fileURLToPath(new URL(`../children/${name}.mjs`, import.meta.url))
    // Some peers print on their own, so what is said goes over pipes that they do not know.
    this.process = fork(script, args, {
      serialization,
      execArgv,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe', 'pipe'],
    })
    alive.add(this)
    this.failure.catch(() => {})
    const [, , , , commands, answers] = this.process.stdio
    this.commands = commands
    commands.on('error', () => {})
    createInterface({ input: answers }).on('line', (line) => this.#hear(JSON.parse(line)))
    this.#ended = new Promise((resolve) => {
      this.process.on('exit', (code, signal) => {
        alive.delete(this)
        this.#fail(new Error(`the process "${name}" ended with ${signal ?? code}`))
        resolve()
      })
    })
  }

  /** Sends a command and answers what it says. */
  ask(command) {
    this.tell(command)
    return this.hear()
  }

  tell(command) {
    this.commands.write(`${JSON.stringify(command)}\n`)
  }

  /** What it says next. Rejects if it fails, ends or is silent for too long. */
  hear() {
    if (this.#heard.length > 0) return Promise.resolve(this.#heard.shift())
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(new Error('no answer')), PATIENCE)
      this.#waiting = {
        resolve: (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      }
    })
  }

  /** Sends SIGKILL. */
  kill() {
    this.process.kill('SIGKILL')
    return this.#ended
  }

  /** Lets it end by itself. */
  async end() {
    this.commands.end()
    if (this.process.connected) this.process.disconnect()
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 5000)
    await this.#ended
    clearTimeout(timer)
  }

  #hear(said) {
    if (said.error !== undefined) return this.#fail(new Error(said.error))
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting.resolve(said)
    else this.#heard.push(said)
  }

  #fail(error) {
    this.#failure ??= error
    this.#announce(this.#failure)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(this.#failure)
  }
}
