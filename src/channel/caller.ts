import { randomUUID } from 'node:crypto'
import { now, timers } from '../shared/clock.js'
import { closed, fail, MmFileError, timedOut } from '../shared/errors.js'
import { type Pending, pend, type Wait } from '../shared/waits.js'
import type { Reader } from './reader.js'
import type { ByteChannel, Factory, RequestPlace, Served } from './request-channels.js'
import {
  type CallerState,
  pack,
  type ReplyHeader,
  type RequestHeader,
  remoteError,
  replyOf,
} from './request-frames.js'
import { MOST_ATTEMPTS } from './serving.js'

/** Bytes of a caller's channel, until a reply needs more. */
const SMALL = 64 * 1024
/** Milliseconds between two checks whether a process serves. */
const CHECK_SERVERS = 100

/** The requests of one open channel, and their replies. */
export class Caller {
  readonly #factory: Factory
  readonly #served: Served
  readonly #place: RequestPlace
  readonly #state: ByteChannel
  readonly #pending = new Map<number, Pending<unknown>>()
  readonly #gone = new Set<number>()
  #replies: ByteChannel
  #reader: Reader<Buffer>
  #last = 0
  #refs = 0
  /** Keeps the event loop alive for the requests that wait. */
  #keeper: NodeJS.Timeout | undefined
  #closed = false

  constructor(factory: Factory, served: Served, place: RequestPlace) {
    this.#factory = factory
    this.#served = served
    this.#place = place
    this.#replies = factory.create({ ...place, capacity: SMALL })
    this.#reader = this.#replies.reader({ ref: false })
    this.#state = factory.create({
      ...place,
      id: randomUUID(),
      capacity: SMALL,
      onFull: 'drop-oldest',
    })
    this.#publish()
    void this.#pump()
  }

  async request(
    requests: ByteChannel,
    payload: Uint8Array,
    wait: Wait,
    requireServer: boolean,
  ): Promise<unknown> {
    this.#last += 1
    const request = this.#last
    const { subject } = this.#served
    if (requireServer) checkServers(requests, subject)
    const header: RequestHeader = { caller: this.#state.id, request }
    const until = now() + wait.timeout
    const { signal, ref } = wait
    const timeout = Number.isFinite(wait.timeout) ? wait.timeout : undefined
    // It is registered before a server can reply.
    let servers: NodeJS.Timeout | undefined
    const reply = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(request, { resolve, reject })
    })
    reply.catch(() => {})
    try {
      try {
        await requests.send(pack(header, payload), { timeout, signal, ref })
      } catch (error) {
        if (!MmFileError.is(error, 'ERR_MMFILE_FULL')) throw error
        throw full(subject, requests, error)
      }
      const left = { timeout: Math.max(1, until - now()), signal, ref }
      return await pend(
        left,
        () => noReply(subject, requests),
        (pending) => {
          reply.then(pending.resolve, pending.reject)
          this.#hold(ref)
          if (requireServer) {
            servers = timers.setTimeout(function check() {
              try {
                checkServers(requests, subject)
                servers = timers.setTimeout(check, CHECK_SERVERS)
                servers.unref?.()
              } catch (error) {
                pending.reject(error)
              }
            }, CHECK_SERVERS)
            servers.unref?.()
          }
          return () => this.#letGo(ref)
        },
      )
    } finally {
      timers.clearTimeout(servers)
      if (this.#pending.delete(request) && !this.#closed) this.#giveUp(request)
    }
  }

  /** Whether it takes no more replies. */
  get closed(): boolean {
    return this.#closed
  }

  close(error: unknown = closed(this.#served.subject)): void {
    if (this.#closed) return
    this.#closed = true
    timers.clearTimeout(this.#keeper)
    for (const pending of [...this.#pending.values()]) pending.reject(error)
    this.#pending.clear()
    this.#reader.close()
    this.#replies.close()
    this.#state.close()
  }

  /** Takes replies for as long as the channel is open. */
  async #pump(): Promise<void> {
    while (!this.#closed) {
      const reader = this.#reader
      try {
        const { value } = await reader.receive({ ref: false })
        const reply = replyOf(value)
        if (reply !== undefined) this.#take(reply.header, reply.payload)
      } catch (error) {
        // A larger channel has taken its place, or something is wrong with it: the next request begins again.
        if (reader === this.#reader) this.close(error)
      }
    }
  }

  #take(header: ReplyHeader, payload: Buffer): void {
    const { request, error, gone, nothing, needed } = header
    const { coder, subject } = this.#served
    const pending = this.#pending.get(request)
    if (pending === undefined) {
      this.#gone.delete(request) // too late
      return
    }
    if (needed !== undefined) {
      this.#grow(needed)
      return
    }
    this.#pending.delete(request)
    if (gone === true) {
      const message = `${MOST_ATTEMPTS} servers ended while they handled the request: find out what it does to them`
      pending.reject(fail('ERR_MMFILE_PEER_GONE', subject, message))
    } else if (error !== undefined) {
      pending.reject(remoteError(subject, error))
    } else if (nothing === true) {
      pending.resolve(undefined)
    } else {
      try {
        pending.resolve(coder.decode(payload, payload.length))
      } catch (cause) {
        pending.reject(
          fail('ERR_MMFILE_NOT_TEXT', subject, `the reply cannot be decoded as '${coder.name}'`, {
            cause,
          }),
        )
      }
    }
  }

  /** Makes a channel for larger replies, and tells servers. */
  #grow(needed: number): void {
    if (needed <= this.#replies.maxByteLength || needed > this.#served.maxByteLength) return
    const before = this.#replies
    this.#replies = this.#factory.create({ ...this.#place, capacity: needed * 4 })
    const reader = this.#reader
    this.#reader = this.#replies.reader({ ref: false })
    this.#publish()
    // Earlier replies are already there and are taken first.
    for (const { value } of reader.tryReceiveAll(Number.MAX_SAFE_INTEGER)) {
      const reply = replyOf(value)
      if (reply !== undefined) this.#take(reply.header, reply.payload)
    }
    reader.close()
    before.close()
  }

  /** Cancels a request: no server begins with it. */
  #giveUp(request: number): void {
    this.#gone.add(request)
    while (this.#gone.size > 1024) {
      for (const oldest of this.#gone) {
        this.#gone.delete(oldest)
        break
      }
    }
    this.#publish()
  }

  #publish(): void {
    const state: CallerState = { replies: this.#replies.id, gone: [...this.#gone] }
    this.#state.trySend(Buffer.from(JSON.stringify(state)))
  }

  #hold(ref: boolean): void {
    if (!ref) return
    this.#refs += 1
    this.#keeper ??= timers.setTimeout(() => {}, 2 ** 31 - 1)
  }

  #letGo(ref: boolean): void {
    if (!ref) return
    this.#refs -= 1
    if (this.#refs > 0) return
    timers.clearTimeout(this.#keeper)
    this.#keeper = undefined
  }
}

/** The processes that serve; `undefined` if that is no longer known. */
function serversOf(requests: ByteChannel): number | undefined {
  try {
    const members = requests.participants().filter(({ role }) => role === 'member')
    return new Set(members.map(({ pid }) => pid)).size
  } catch {
    return undefined
  }
}

const NO_SERVER = 'no process serves this channel: start one that calls serve()'

function checkServers(requests: ByteChannel, subject: string): void {
  if (requests.participants().some(({ role }) => role === 'member')) return
  throw fail('ERR_MMFILE_PEER_GONE', subject, NO_SERVER)
}

/** The error of a request whose time is over. It tells a server that is missing from one that is slow. */
function noReply(subject: string, requests: ByteChannel): MmFileError {
  const count = serversOf(requests)
  if (count === 0) return fail('ERR_MMFILE_TIMEOUT', subject, `timed out, and ${NO_SERVER}`)
  const servers =
    count === 1 ? ' from the one process that serves' : ` from ${count} processes that serve`
  return timedOut(subject, `waiting for a reply${count === undefined ? '' : servers}`)
}

/** The error of a request that found no room because of earlier requests. */
function full(subject: string, requests: ByteChannel, error: MmFileError): MmFileError {
  const facts = error.slowest === undefined ? {} : { slowest: error.slowest }
  const why =
    serversOf(requests) === 0
      ? NO_SERVER
      : 'those that serve do not keep up: start more of them, or raise their concurrency'
  return fail('ERR_MMFILE_FULL', subject, `too many requests wait already, and ${why}`, facts)
}
