// Programs that are killed and started again until they are done.

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { start } from './leash.mjs'

export const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
export const WRITER = fileURLToPath(new URL('writer.mjs', import.meta.url))

/** A program that runs, however often it is killed, until it ends by itself. */
export class Program {
  kills = 0
  stderr = ''
  #killed = false

  constructor(t, script, args, env = {}) {
    Object.assign(this, { script, args, env })
    this.done = this.#run()
    t.teardown(() => {
      this.ended = true
      this.child.kill('SIGKILL')
      return this.done.catch(() => {})
    })
  }

  /** Its exit status. */
  async #run() {
    for (;;) {
      this.#killed = false
      this.child = start(process.execPath, [this.script, ...this.args], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...this.env },
      })
      this.child.stderr.on('data', (chunk) => {
        this.stderr += chunk
      })
      const [status, signal] = await once(this.child, 'exit')
      if (signal === null || this.ended || !this.#killed) {
        this.ended = true
        return status ?? signal
      }
    }
  }

  kill() {
    if (this.ended) return
    this.kills += 1
    this.#killed = true
    this.child.kill('SIGKILL')
  }
}
