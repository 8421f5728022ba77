import { MmFileError } from '../shared/errors.js'
import type { Pending } from '../shared/waits.js'
import { takeTurn } from '../shared/waits.js'

type Result<M> = IteratorResult<M, void>

/** The values that a loop steps through. */
export interface Path<M> {
  /** The next message, or `undefined`; throws `ERR_MMFILE_SEALED` at the end. */
  next(): M | undefined
  /** Calls `attempt` unless others wait before it. */
  attempt<R>(attempt: () => R | undefined): R | undefined
  /** Waits until `attempt` finds something. */
  wait(
    attempt: () => Result<M> | undefined,
    begun: (pending: Pending<Result<M>>) => undefined,
  ): Promise<Result<M>>
  /** Throws if the loop must end. */
  check(): void
  /** The error for a message that is not there, if the call does not wait. */
  readonly timesOut: (() => Error) | undefined
}

/** A loop over messages. Each step releases the message before, and so does its end, however that comes about. */
export class Steps<M extends { release(): void }> implements AsyncGenerator<M, void, undefined> {
  readonly #path: Path<M>
  #current: M | undefined
  #ended = false
  /** The steps that wait. */
  readonly #pending = new Set<Pending<Result<M>>>()

  constructor(path: Path<M>) {
    this.#path = path
  }

  next(): Promise<Result<M>> {
    this.#release()
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    const attempt = () => this.#step()
    try {
      this.#path.check()
      const result = this.#path.attempt(attempt)
      if (result !== undefined)
        return takeTurn()?.then(() => this.#kept(result)) ?? Promise.resolve(result)
      if (this.#path.timesOut !== undefined) throw this.#path.timesOut()
      let pending: Pending<Result<M>> | undefined
      const waiting = this.#path.wait(attempt, (begun) => {
        pending = begun
        this.#pending.add(begun)
        return undefined
      })
      const over = (): void => {
        if (pending !== undefined) this.#pending.delete(pending)
      }
      waiting.then(over, () => {
        over()
        this.#ended = true
      })
      return waiting
    } catch (error) {
      this.#ended = true
      return Promise.reject(error)
    }
  }

  /** Ends the loop, also while a step waits. */
  return(value?: void | PromiseLike<void>): Promise<Result<M>> {
    this.#end()
    return Promise.resolve(value).then(() => ({ done: true, value: undefined }))
  }

  throw(error: unknown): Promise<Result<M>> {
    this.#end()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }

  #step(): Result<M> | undefined {
    try {
      const message = this.#path.next()
      if (message === undefined) return undefined
      this.#current = message
      return { done: false, value: message }
    } catch (error) {
      this.#ended = true
      if (!MmFileError.is(error, 'ERR_MMFILE_SEALED')) throw error
      return { done: true, value: undefined }
    }
  }

  /** A message that was taken before a turn of the event loop is released if the loop has ended meanwhile. */
  #kept(result: Result<M>): Result<M> {
    return this.#ended && result.done !== true ? { done: true, value: undefined } : result
  }

  #end(): void {
    this.#ended = true
    this.#release()
    for (const pending of [...this.#pending]) pending.resolve({ done: true, value: undefined })
  }

  #release(): void {
    const current = this.#current
    this.#current = undefined
    current?.release()
  }
}
