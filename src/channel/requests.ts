import { createHash } from 'node:crypto'
import { MmFileError } from '../shared/errors.js'
import { requestPrefix } from '../shared/listing.js'
import type { Wait } from '../shared/waits.js'
import { Caller } from './caller.js'
import type { ByteChannel, Factory, RequestPlace, Served } from './request-channels.js'
import { bytesOf } from './request-frames.js'
import { Callers, handle, type Serving } from './serving.js'
import { type Working, workOn } from './work.js'

/*
 * Requests and replies. A channel's requests travel in a separate channel in memory, with one group: the servers. A
 * caller has two small channels: one for replies, and one whose newest message is the caller's state for servers. All
 * of them have their own prefix, so that `list` does not show them.
 */

/** The group of the servers. */
const SERVERS = 'servers'

/** The requests and the serving of one open channel. */
export class Requests {
  readonly #factory: Factory
  readonly #served: Served
  #requests: ByteChannel | undefined
  #caller: Caller | undefined

  constructor(factory: Factory, served: Served) {
    this.#factory = factory
    this.#served = served
  }

  request(value: unknown, wait: Wait, requireServer: boolean): Promise<unknown> {
    const { coder } = this.#served
    const payload = bytesOf(coder, 'value', value)
    if (this.#caller === undefined || this.#caller.closed) {
      this.#caller = new Caller(this.#factory, this.#served, this.#place())
    }
    return this.#caller.request(this.#open(), payload, wait, requireServer)
  }

  async serve(serving: Serving, working: Working, sealed: boolean): Promise<void> {
    const requests = this.#open()
    if (sealed) requests.seal()
    const callers = new Callers(this.#factory, this.#place())
    const { concurrency: prefetch, spin } = working
    const member = requests.member(SERVERS, { prefetch, spin })
    try {
      await workOn(member, working, (job, end) => handle(job, serving, callers, this.#served, end))
    } finally {
      member.close()
      callers.close()
    }
  }

  /** No more requests. */
  seal(): void {
    try {
      if (this.#requests === undefined)
        this.#requests = this.#factory.open(this.#id(), this.#place())
      this.#requests.seal()
    } catch (error) {
      if (!MmFileError.is(error, 'ERR_MMFILE_NOT_FOUND')) throw error
    }
  }

  close(): void {
    this.#caller?.close()
    this.#requests?.close()
  }

  #open(): ByteChannel {
    this.#requests ??= this.#factory.createOrOpen(this.#id(), {
      ...this.#place(),
      capacity: this.#served.capacity,
      groups: [SERVERS],
    })
    return this.#requests
  }

  #place(): RequestPlace {
    const { directory, prefix } = this.#served
    return { directory, prefixes: { channel: requestPrefix(prefix) } }
  }

  /** A channel on disk keeps its requests in memory, under a name derived from its path. */
  #id(): string {
    const { id, path } = this.#served
    if (path === undefined) return id
    return `disk-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
  }
}
