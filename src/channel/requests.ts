import { createHash, randomUUID } from 'node:crypto'
import { timers } from '../shared/clock.js'
import { closed, fail, MmFileError, timedOut } from '../shared/errors.js'
import { requestPrefix } from '../shared/listing.js'
import type { WaitOptions } from '../shared/types.js'
import { type Pending, pend, type Wait } from '../shared/waits.js'
import type { Coder } from './codec.js'
import type { Job, Message } from './messages.js'
import type { Member, Reader } from './receiving.js'
import type {
  CreateChannelOptions,
  CreateOrOpenChannelOptions,
  MemberOptions,
  Participant,
  ReaderOptions,
  RequestContext,
} from './types.js'
import { type Working, workOn } from './work.js'

/*
 * Requests and replies. A channel's requests are in a channel of their own in memory, with one group: those who serve.
 * A caller has two small channels: one for replies, and one for what servers have to know of it, the newest message of
 * which counts. They stand beside the others under a prefix of their own, by which no program finds them.
 */

/** The group of those who serve. */
const SERVERS = 'servers'
/** Bytes of a caller's channel, until a reply needs more. */
const SMALL = 64 * 1024
/** How often a request is handed out: after so many deaths of servers it is refused. */
const MOST_ATTEMPTS = 3
/** Milliseconds that a server waits for a caller that has no room, or has to make some. */
const PATIENCE = 5000
/** Milliseconds between two checks whether anybody serves. */
const CHECK_SERVERS = 100
/** How many callers a server keeps open. */
const MOST_CALLERS = 64

/** A channel of bytes, as far as requests use them. */
interface ByteChannel {
  readonly id: string
  readonly maxByteLength: number
  send(value: Uint8Array, options?: WaitOptions): Promise<number>
  trySend(value: Uint8Array): number | undefined
  reader(options: ReaderOptions<'value'>): Reader<Buffer>
  member(group: string, options: MemberOptions<'value'>): Member<Buffer>
  newest(): Message<Buffer> | undefined
  participants(): Participant[]
  seal(): void
  close(): void
}

/** How channels are opened, which this file need not know. */
export interface Factory {
  create(options: CreateChannelOptions): ByteChannel
  open(
    id: string,
    options: { directory?: string | undefined; prefixes: { channel: string } },
  ): ByteChannel
  createOrOpen(id: string, options: CreateOrOpenChannelOptions): ByteChannel
}

/** The channel that the requests are for. */
export interface Served {
  readonly id: string
  readonly path: string | undefined
  readonly capacity: number
  readonly subject: string
  readonly coder: Coder
  readonly directory: string | undefined
  readonly prefix: string
}

/** What a caller says of itself: where replies go, and which requests nobody waits for any more. */
interface CallerState {
  readonly replies: string
  readonly gone: readonly number[]
}

interface RequestHeader {
  readonly caller: string
  readonly request: number
}

interface ReplyHeader {
  readonly request: number
  /** What the handler threw. */
  readonly error?: {
    readonly name: string
    readonly message: string
    readonly stack?: string | undefined
  }
  /** Whether servers died with it too often. */
  readonly gone?: boolean
  /** Whether the handler returned nothing. */
  readonly nothing?: boolean
  /** The bytes that a channel of the caller's must be able to carry. */
  readonly needed?: number
}

/** A header, and what comes behind it. */
function pack(header: object, payload?: Uint8Array): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const head = Buffer.allocUnsafe(4)
  head.writeUInt32LE(text.length)
  return Buffer.concat(payload === undefined ? [head, text] : [head, text, payload])
}

/** Takes it apart; `undefined` if it is none. */
function unpack<H>(bytes: Buffer): { header: H; payload: Buffer } | undefined {
  try {
    const end = 4 + bytes.readUInt32LE(0)
    const header = JSON.parse(bytes.toString('utf8', 4, end)) as H | null
    if (typeof header !== 'object' || header === null) return undefined
    return { header, payload: bytes.subarray(end) }
  } catch {
    return undefined
  }
}

/** A value's bytes. */
function bytesOf(coder: Coder, name: string, value: unknown): Uint8Array {
  const encoded = coder.encode(name, value)
  if (typeof encoded === 'string') return Buffer.from(encoded, coder.text)
  if (ArrayBuffer.isView(encoded)) {
    return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  }
  return new Uint8Array(encoded)
}

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
    this.#caller ??= new Caller(this.#factory, this.#served, this.#place())
    return this.#caller.request(this.#open(), payload, wait, requireServer)
  }

  async serve(
    handler: (value: unknown, context: RequestContext) => unknown,
    working: Working,
    sealed: boolean,
  ): Promise<void> {
    const requests = this.#open()
    if (sealed) requests.seal()
    const callers = new Callers(this.#factory, this.#place())
    const member = requests.member(SERVERS, { prefetch: working.concurrency })
    try {
      await workOn(member, working, (job) => handle(job, handler, callers, this.#served))
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

  #place(): { directory?: string | undefined; prefixes: { channel: string } } {
    const { directory, prefix } = this.#served
    return { directory, prefixes: { channel: requestPrefix(prefix) } }
  }

  /** One on disk has its requests in memory, under what its path comes to. */
  #id(): string {
    const { id, path } = this.#served
    if (path === undefined) return id
    return `disk-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
  }
}

/** What one open channel asks, and what comes back. */
class Caller {
  readonly #factory: Factory
  readonly #served: Served
  readonly #place: { directory?: string | undefined; prefixes: { channel: string } }
  readonly #state: ByteChannel
  readonly #pending = new Map<number, Pending<unknown>>()
  readonly #gone = new Set<number>()
  #replies: ByteChannel
  #reader: Reader<Buffer>
  #last = 0
  #refs = 0
  /** Keeps the event loop alive for those who wait. */
  #keeper: NodeJS.Timeout | undefined
  #closed = false

  constructor(
    factory: Factory,
    served: Served,
    place: { directory?: string | undefined; prefixes: { channel: string } },
  ) {
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
    const until = performance.now() + wait.timeout
    const { signal, ref } = wait
    const timeout = Number.isFinite(wait.timeout) ? wait.timeout : undefined
    // It is registered before a server can reply.
    let servers: NodeJS.Timeout | undefined
    const reply = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(request, { resolve, reject })
    })
    reply.catch(() => {})
    try {
      await requests.send(pack(header, payload), { timeout, signal, ref })
      const left = { timeout: Math.max(1, until - performance.now()), signal, ref }
      return await pend(
        left,
        () => timedOut(subject, 'waiting for a reply'),
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

  close(): void {
    if (this.#closed) return
    this.#closed = true
    timers.clearTimeout(this.#keeper)
    for (const pending of [...this.#pending.values()]) pending.reject(closed(this.#served.subject))
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
        const reply = unpack<ReplyHeader>(value)
        if (reply !== undefined) this.#take(reply.header, reply.payload)
      } catch (error) {
        // A larger channel has taken its place, or something is wrong with it.
        if (reader !== this.#reader) continue
        for (const pending of [...this.#pending.values()]) pending.reject(error)
        return
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
    if (needed <= this.#replies.maxByteLength || needed > this.#served.capacity) return
    const before = this.#replies
    this.#replies = this.#factory.create({ ...this.#place, capacity: needed * 4 })
    const reader = this.#reader
    this.#reader = this.#replies.reader({ ref: false })
    this.#publish()
    // What came before is there already, and is taken first.
    for (const { value } of reader.tryReceiveAll(Number.MAX_SAFE_INTEGER)) {
      const reply = unpack<ReplyHeader>(value)
      if (reply !== undefined) this.#take(reply.header, reply.payload)
    }
    reader.close()
    before.close()
  }

  /** Has no server begin with it. */
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

function checkServers(requests: ByteChannel, subject: string): void {
  if (requests.participants().some(({ role }) => role === 'member')) return
  throw fail('ERR_MMFILE_PEER_GONE', subject, 'no process serves: start one that calls serve()')
}

/** What a handler on the other side threw. */
function remoteError(
  subject: string,
  error: { name: string; message: string; stack?: string | undefined },
): Error {
  const cause = new Error(String(error.message))
  Object.defineProperty(cause, 'name', {
    value: String(error.name),
    configurable: true,
    writable: true,
  })
  if (error.stack !== undefined) cause.stack = String(error.stack)
  const message = `the server's handler failed: ${error.name}: ${error.message}`
  return fail('ERR_MMFILE_REMOTE', subject, message, { cause })
}

/** A caller, as a server knows it. */
interface Known {
  readonly channel: ByteChannel
  readonly reader: Reader<Buffer>
  state: CallerState
  replies: ByteChannel
}

/** The callers that a server has open. */
class Callers {
  readonly #factory: Factory
  readonly #place: { directory?: string | undefined; prefixes: { channel: string } }
  readonly #known = new Map<string, Known>()

  constructor(
    factory: Factory,
    place: { directory?: string | undefined; prefixes: { channel: string } },
  ) {
    this.#factory = factory
    this.#place = place
  }

  /** The caller of that id as it is now; `undefined` if it has gone. */
  find(id: string): Known | undefined {
    try {
      const known = this.#known.get(id) ?? this.#open(id)
      const news = known.reader.tryReceive()
      if (news !== undefined) this.#update(known, news.value)
      return known
    } catch {
      this.#forget(id) // it is closed or dead, or says what nobody understands
      return undefined
    }
  }

  /** The same, once it has room for a larger reply; `undefined` if it does not make any. */
  async grown(id: string, known: Known, byteLength: number): Promise<Known | undefined> {
    try {
      while (known.replies.maxByteLength < byteLength) {
        const { value } = await known.reader.receive({ timeout: PATIENCE })
        this.#update(known, value)
      }
      return known
    } catch {
      this.#forget(id)
      return undefined
    }
  }

  close(): void {
    for (const id of [...this.#known.keys()]) this.#forget(id)
  }

  #open(id: string): Known {
    if (this.#known.size >= MOST_CALLERS) {
      const [oldest] = this.#known.keys()
      if (oldest !== undefined) this.#forget(oldest)
    }
    const channel = this.#factory.open(id, this.#place)
    const reader = channel.reader({ from: 'new', lossy: 'newest', requirePeer: 'creator' })
    const state = stateOf(channel.newest()?.value)
    const known = {
      channel,
      reader,
      state,
      replies: this.#factory.open(state.replies, this.#place),
    }
    this.#known.set(id, known)
    return known
  }

  #update(known: Known, value: Buffer): void {
    const state = stateOf(value)
    if (state.replies !== known.state.replies) {
      const replies = this.#factory.open(state.replies, this.#place)
      known.replies.close()
      known.replies = replies
    }
    known.state = state
  }

  #forget(id: string): void {
    const known = this.#known.get(id)
    if (known === undefined) return
    this.#known.delete(id)
    known.reader.close()
    known.replies.close()
    known.channel.close()
  }
}

function stateOf(bytes: Buffer | undefined): CallerState {
  const state = JSON.parse((bytes ?? Buffer.alloc(0)).toString()) as CallerState
  if (typeof state.replies !== 'string' || !Array.isArray(state.gone))
    throw new TypeError('no state')
  return state
}

/** Has one request handled, unless nobody waits for it. The job is acknowledged afterwards, whatever came of it. */
async function handle(
  job: Job<Buffer>,
  handler: (value: unknown, context: RequestContext) => unknown,
  callers: Callers,
  { coder, capacity, subject }: Served,
): Promise<void> {
  const found = unpack<RequestHeader>(job.value)
  if (found === undefined) return
  const { caller: id, request } = found.header
  const caller = callers.find(id)
  if (caller === undefined || caller.state.gone.includes(request)) return
  if (job.attempt > MOST_ATTEMPTS) return reply(callers, id, pack({ request, gone: true }))
  let answer: Buffer
  try {
    const value = coder.decode(found.payload, found.payload.length)
    const result = await handler(value, { index: job.index, attempt: job.attempt })
    answer =
      result === undefined
        ? pack({ request, nothing: true })
        : pack({ request }, bytesOf(coder, 'the result of the handler', result))
    const most = capacity / 4
    if (answer.length > most) {
      const message = `the reply takes ${answer.length} bytes, and a message of ${subject} has ${most}`
      throw fail('ERR_MMFILE_CAPACITY', undefined, message)
    }
  } catch (error) {
    answer = pack({ request, error: described(error) })
  }
  await reply(callers, id, answer, request)
}

/** Replies; what finds no room in time, or whose caller has gone, is dropped. */
async function reply(
  callers: Callers,
  id: string,
  answer: Buffer,
  request?: number,
): Promise<void> {
  let caller = callers.find(id)
  if (caller === undefined) return
  try {
    if (answer.length > caller.replies.maxByteLength) {
      caller.replies.trySend(pack({ request, needed: answer.length }))
      caller = await callers.grown(id, caller, answer.length)
      if (caller === undefined) return
    }
    await caller.replies.send(answer, { timeout: PATIENCE })
  } catch {
    // There is nobody to tell.
  }
}

const LONGEST = 4096

/** An error as it travels: what does not fit into the smallest channel is cut. */
function described(error: unknown): { name: string; message: string; stack?: string | undefined } {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error).slice(0, LONGEST) }
  const { name, message, stack } = error
  return {
    name: String(name).slice(0, LONGEST),
    message: String(message).slice(0, LONGEST),
    stack: typeof stack === 'string' ? stack.slice(0, LONGEST) : undefined,
  }
}
