import { checkOptions } from './arguments.js'
import { closed } from './errors.js'
import type { FlushOptions } from './types.js'
import { checkWait, type Pending, pend } from './waits.js'

const FLUSH_OPTIONS = ['signal', 'ref'] as const

/** Starts a thread that waits for the disk and calls back. */
type Begin = (ref: boolean, done: (result: Error | 1) => void) => void

/** The flushes of one open handle that are under way. */
export class Flushes {
  readonly #begin: Begin
  readonly #subject: string
  readonly #pending = new Set<Pending<void>>()

  constructor(begin: Begin, subject: string) {
    this.#begin = begin
    this.#subject = subject
  }

  flush(options: FlushOptions | undefined): Promise<void> {
    try {
      const { signal, ref } = checkWait(checkOptions(options, FLUSH_OPTIONS))
      const wait = { timeout: Number.POSITIVE_INFINITY, signal, ref }
      return pend(wait, never, (pending) => {
        this.#begin(ref, (result) => {
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
