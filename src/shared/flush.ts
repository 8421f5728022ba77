import { checkOptions } from './arguments.js'
import { closed } from './errors.js'
import { native } from './native.js'
import type { FlushOptions } from './types.js'
import { checkWait, type Pending, pend } from './waits.js'

const FLUSH_OPTIONS = ['signal', 'ref'] as const

/** The flushes of one open file that are under way, each on a thread of its own. */
export class Flushes {
  readonly #handle: number
  readonly #subject: string
  readonly #pending = new Set<Pending<void>>()

  constructor(handle: number, subject: string) {
    this.#handle = handle
    this.#subject = subject
  }

  flush(options: FlushOptions | undefined): Promise<void> {
    try {
      const { signal, ref } = checkWait(checkOptions(options, FLUSH_OPTIONS))
      const wait = { timeout: Number.POSITIVE_INFINITY, signal, ref }
      return pend(wait, never, (pending) => {
        native.flush(this.#handle, ref, (result) => {
          if (result instanceof Error) pending.reject(result)
          else pending.resolve()
        })
        this.#pending.add(pending)
        return () => this.#pending.delete(pending)
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  close(): void {
    for (const pending of [...this.#pending]) pending.reject(closed(this.#subject))
  }
}

function never(): Error {
  return new Error('a flush has no time limit')
}
