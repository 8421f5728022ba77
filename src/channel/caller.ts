import { randomUUID } from 'node:crypto'
import { now, timers } from '../shared/clock.js'
import { closed, fail, MmFileError, timedOut } from '../shared/errors.js'
import type { Pending, Wait } from '../shared/waits.js'
import { Line } from './line.js'
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

/** How long a caller listens for replies to requests that were given up, in the background. */
const ALWAYS: Wait = { timeout: Number.POSITIVE_INFINITY, signal: undefined, ref: false, spin: 0 }

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
  /** The requests that wait for their replies. */
  readonly #line: Line
  #last = 0
  /** Whether it waits for late replies, which would fill the channel. */
  #clears = false
  #closed = false

  constructor(factory: Factory, served: Served, place: RequestPlace) {
    this.#factory = factory
    this.#served = served
    this.#place = place
    this.#replies = factory.create({ ...place, capacity: SMALL })
    this.#reader = this.#replies.reader({})
    this.#line = new Line(this, {
      watch: (size, keepsAlive, wake) => this.#reader.source.watch(size, keepsAlive, wake),
      unwatch: () => this.#reader.source.unwatch(),
      poll: () => this.#reader.source.poll(),
    })
    this.#state = factory.create({
      ...place,
      id: randomUUID(),
      capacity: SMALL,
      onFull: 'drop-oldest',
    })
    this.#publish()
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
    const frame = pack(header, payload)
    const until = now() + wait.timeout
    let early: Promise<unknown> | undefined
    if (requests.trySend(frame) === undefined) {
      // The reply may come before the promise of the send has fulfilled.
      early = new Promise((resolve, reject) => this.#pending.set(request, { resolve, reject }))
      early.catch(() => {})
      try {
        const { timeout, signal, ref } = wait
        await requests.send(frame, { timeout, signal, ref })
      } catch (error) {
        this.#pending.delete(request)
        if (!MmFileError.is(error, 'ERR_MMFILE_FULL')) throw error
        throw full(subject, requests, error)
      }
    }
    const left = { ...wait, timeout: Math.max(1, until - now()) }
    const receive = () => this.#receive()
    return this.#line.wait<unknown>(
      receive,
      left,
      () => noReply(subject, requests),
      0,
      (pending) => {
        if (early === undefined) this.#pending.set(request, pending)
        else early.then(pending.resolve, pending.reject)
        const unwatch = requireServer ? watchServers(requests, subject, pending.reject) : undefined
        return () => {
          unwatch?.()
          if (this.#pending.delete(request) && !this.#closed) this.#giveUp(request)
        }
      },
    )
  }

  /** Whether it takes no more replies. */
  get closed(): boolean {
    return this.#closed
  }

  close(error: unknown = closed(this.#served.subject)): void {
    if (this.#closed) return
    this.#closed = true
    for (const pending of [...this.#pending.values()]) pending.reject(error)
    this.#pending.clear()
    this.#line.close(() => error)
    this.#reader.close()
    this.#replies.close()
    this.#state.close()
  }

  /** Takes the replies that are there: each ends the wait of its request. */
  #receive(): undefined {
    try {
      this.#takeAll(this.#reader)
    } catch (error) {
      this.close(error) // the next request begins again
    }
  }

  #takeAll(reader: Reader<Buffer>): void {
    for (const { value } of reader.tryReceiveAll(Number.MAX_SAFE_INTEGER)) {
      const reply = replyOf(value)
      if (reply !== undefined) this.#take(reply.header, reply.payload)
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
    this.#reader = this.#replies.reader({})
    this.#publish()
    this.#takeAll(reader) // earlier replies are there already
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
    if (this.#clears) return
    this.#clears = true
    const late = () => {
      this.#receive()
      return this.#gone.size === 0 ? true : undefined
    }
    const over = () => {
      this.#clears = false
    }
    this.#line.wait(late, ALWAYS, () => closed(this.#served.subject)).then(over, over)
  }

  #publish(): void {
    const state: CallerState = { replies: this.#replies.id, gone: [...this.#gone] }
    this.#state.trySend(Buffer.from(JSON.stringify(state)))
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

/** Calls `fail` once no process serves any more. Returns a function that ends that. */
function watchServers(
  requests: ByteChannel,
  subject: string,
  fail: (error: unknown) => void,
): () => void {
  let timer: NodeJS.Timeout
  const soon = (): void => {
    timer = timers.setTimeout(check, CHECK_SERVERS)
    timer.unref?.()
  }
  const check = (): void => {
    try {
      checkServers(requests, subject)
      soon()
    } catch (error) {
      fail(error)
    }
  }
  soon()
  return () => timers.clearTimeout(timer)
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
