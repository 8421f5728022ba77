import { clearTimeout, now, setTimeout } from './clock.js'
import { closed, MmFileError } from './errors.js'
import { operations } from './native.js'
import { onAbort, throwIfAborted } from './signals.js'

/** One promise that waits for a segment. */
interface Wait {
  readonly index: number
  readonly requirePeer: number
  resolve(): void
  reject(error: unknown): void
}

/** How a segment is waited for. `requirePeer` is what `checkRequirePeer` returns. */
interface WaitSettings {
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  readonly requirePeer: number
}

/** The files that somebody waits on: a promise alone would not keep its file. */
const waitedOn = new Set<Waits>()

/** The asynchronous waits of one open file. One thread sleeps for all of them. */
export class Waits {
  readonly #handle: number
  /** Whom a wait keeps from being garbage-collected, which would close it. */
  readonly owner: object
  readonly #waits = new Set<Wait>()
  readonly #wake: () => void
  /** What the thread waits for. */
  #aimed = Number.POSITIVE_INFINITY

  constructor(owner: object, handle: number) {
    this.owner = owner
    this.#handle = handle
    const self = new WeakRef(this)
    // The thread keeps this function; the function must not keep the file.
    this.#wake = () => {
      const waits = self.deref()
      if (waits !== undefined) waits.#look()
    }
  }

  /**
   * Resolves once there is a segment `index`. The program gets this very promise: an `async` function
   * around it would take three more turns of the microtask queue.
   */
  waitFor(index: number, settings: WaitSettings): Promise<void> {
    const { timeout, signal, requirePeer } = settings
    return new Promise((resolve, reject) => {
      throwIfAborted(signal)
      if (operations.waitSync(this.#handle, index, 0, 0, requirePeer)) return resolve()
      if (timeout === 0) throw timedOut(index)
      let timer: NodeJS.Timeout | undefined
      let unlisten = (): void => {}
      const end = (): void => {
        clearTimeout(timer)
        unlisten()
        this.#waits.delete(wait)
        if (this.#waits.size === 0) this.#rest()
      }
      const wait: Wait = {
        index,
        requirePeer,
        resolve: () => {
          end()
          resolve()
        },
        reject: (error) => {
          end()
          reject(error)
        },
      }
      unlisten = onAbort(signal, wait.reject) // before there is anything that it could leave behind
      this.#waits.add(wait)
      try {
        if (index < this.#aimed || requirePeer !== 0) this.#aim(Math.min(index, this.#aimed))
      } catch (error) {
        return wait.reject(error)
      }
      if (Number.isFinite(timeout)) {
        const started = now()
        const check = (): void => {
          // A timer may be early by a fraction of a millisecond, and is no longer than 2^31.
          const left = started + timeout - now()
          if (left > 0) timer = setTimeout(check, Math.min(Math.ceil(left), 2 ** 31 - 1))
          else wait.reject(timedOut(index))
        }
        check()
      }
    })
  }

  /** Rejects every wait. The file is closed by now. */
  close(): void {
    for (const wait of [...this.#waits]) wait.reject(closed())
  }

  /** Lets the thread sleep until there is a segment `index`. */
  #aim(index: number): void {
    let requirePeer = 0
    for (const wait of this.#waits) requirePeer |= wait.requirePeer
    operations.watch(this.#handle, index, requirePeer, this.#wake)
    this.#aimed = index
    waitedOn.add(this)
  }

  #rest(): void {
    // Whoever has called back has stopped by itself.
    if (this.#aimed !== Number.POSITIVE_INFINITY) operations.unwatch(this.#handle)
    this.#aimed = Number.POSITIVE_INFINITY
    waitedOn.delete(this)
  }

  /** The thread says that something happened, and has stopped waiting. */
  #look(): void {
    this.#aimed = Number.POSITIVE_INFINITY
    let first = Number.POSITIVE_INFINITY
    for (const wait of [...this.#waits]) {
      try {
        if (operations.waitSync(this.#handle, wait.index, 0, 0, wait.requirePeer)) wait.resolve()
        else first = Math.min(first, wait.index)
      } catch (error) {
        wait.reject(error)
      }
    }
    if (first < this.#aimed) this.#aim(first)
  }
}

export function timedOut(index: number): MmFileError {
  return new MmFileError('ERR_MMFILE_TIMEOUT', `timed out waiting for segment ${index}`)
}
