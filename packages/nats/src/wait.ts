/** Waits so many milliseconds, or until the signal aborts. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal?.addEventListener('abort', done)
    if (signal?.aborted) done()
  })
}

/** A signal that aborts with another one, or by `abort()`; `end` listens no longer. */
export function linked(signal: AbortSignal | undefined): {
  signal: AbortSignal
  abort: () => void
  end: () => void
} {
  const controller = new AbortController()
  const abort = () => controller.abort()
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  return {
    signal: controller.signal,
    abort,
    end: () => signal?.removeEventListener('abort', abort),
  }
}

/** The error of a wait whose signal aborted, for any reason. */
export function aborted(): Error {
  return Object.assign(new Error('The operation was aborted'), { name: 'AbortError' })
}

/** Whether a wait ended because its signal aborted. */
export function isAbort(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'AbortError'
}

/** Calls a function at most ten times a second, and again after the last request, unless it is stopped. */
export class Seldom {
  readonly #tell: () => void
  #timer: NodeJS.Timeout | undefined
  #next = 0

  constructor(tell: () => void) {
    this.#tell = tell
  }

  readonly call = (): void => {
    if (this.#timer !== undefined) return
    const now = performance.now()
    if (now >= this.#next) this.#now(now)
    else this.#timer = setTimeout(() => this.#now(performance.now()), this.#next - now)
  }

  #now(now: number): void {
    this.#timer = undefined
    this.#next = now + 100
    this.#tell()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
