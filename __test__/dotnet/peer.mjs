// A program that reads a command from each line, and writes a line with the result.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Another program: lines in, lines out. */
export class Peer {
  #heard = []
  #waiting = []
  constructor(command, args) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      const next = this.#waiting.shift()
      if (next) next(line)
      else this.#heard.push(line)
    })
    this.ended = new Promise((resolve) => this.process.on('close', resolve))
    this.ended.then(() => {
      for (const next of this.#waiting) next(undefined)
    })
  }
  hear() {
    if (this.#heard.length > 0) return Promise.resolve(this.#heard.shift())
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
  tell(line) {
    this.process.stdin.write(`${line}\n`)
  }
  async ask(line) {
    this.tell(line)
    return this.hear()
  }
  async end() {
    this.process.stdin.end()
    await this.ended
  }
  /** Kills it; returns the output that was left. */
  async kill() {
    this.process.kill('SIGKILL')
    await this.ended
    return this.#heard
  }
}
