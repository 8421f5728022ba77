import type { ConsumerNotification, JsMsg } from '@nats-io/jetstream'
import type { Channel, MmFile } from 'mmfile'
import { BridgeError } from './errors.js'
import { down, isDown } from './link.js'
import { nameOf, Objects } from './objects.js'
import {
  checkCopy,
  checkPlace,
  type Progress,
  type PullOptions,
  type StreamPlace,
} from './options.js'
import { header, OBJECT, SEAL, Stream, Trouble } from './stream.js'
import { type Target, targetOf } from './target.js'
import { isAbort, Seldom } from './wait.js'

/**
 * Milliseconds until the server is asked again for messages; after twice that time without a sign it counts as gone.
 */
const EXPIRES = 30_000
const HEARTBEAT = 5000
/** How many messages are asked for at a time, and how many bytes. */
const MOST_BYTES = 4 << 20

/** The events of a healthy consumer. */
const HARMLESS = ['next', 'discard', 'debug']

/**
 * Copies a stream into a file or a channel until the stream says that its source is sealed, and then seals the
 * target; or until the signal aborts. It begins where the target ends; this process becomes a channel's exclusive
 * writer. It waits for a stream that does not exist yet.
 *
 * Rejects with `ERR_MMFILE_LOST` if the stream no longer has the message that the target needs next,
 * `ERR_MMFILE_INCOMPATIBLE` if the target's contents differ, `ERR_MMFILE_SEALED`, `ERR_MMFILE_CLOSED`, errors of the
 * target (`ERR_MMFILE_CAPACITY`, `ERR_MMFILE_SEGMENT_ORDER` if another process appends to it), and errors of the
 * server.
 *
 * @example
 * await pull({ js: jetstream(connection), stream: 'log' }, MmFile.createOrOpenFile('log.mmf', 1 << 30))
 */
export async function pull(
  place: StreamPlace,
  target: MmFile | Channel<unknown>,
  options: PullOptions = {},
): Promise<Progress> {
  checkPlace(place)
  checkCopy(options)
  const { signal } = options
  let destination: Target | undefined
  try {
    destination = await targetOf(target, signal)
  } catch (error) {
    if (!(signal?.aborted && isAbort(error))) throw error
    return { nextIndex: 0, messages: 0, bytes: 0, lag: 0, sealed: false }
  }
  try {
    return await new Puller(place, destination, options).run()
  } finally {
    destination.close()
  }
}

class Puller {
  readonly #target: Target
  readonly #options: PullOptions
  readonly #stream: Stream
  readonly #objects: Objects
  /** The difference between a message's sequence and its index in the target: 1, if the stream began at 1. */
  #base = 1
  #messages = 0
  #bytes = 0
  #lag = 0
  #sealed = false
  /** When the stream was made: one that was made later is another one. */
  #created: string | undefined
  /** The reason why no messages come. */
  readonly #trouble = new Trouble()
  readonly #seldom = new Seldom(() => this.#options.onProgress?.(this.#progress()))

  constructor(place: StreamPlace, target: Target, options: PullOptions) {
    this.#target = target
    this.#options = options
    this.#stream = new Stream(place, options)
    this.#objects = new Objects(this.#stream, options.objects)
  }

  async run(): Promise<Progress> {
    const { signal } = this.#options
    try {
      while (!this.#sealed && !signal?.aborted) {
        const why = await this.#go()
        // The next request reports how long the connection has been down.
        if (why !== undefined)
          await this.#stream.retry(why, isDown(why) ? new Trouble() : this.#trouble)
      }
    } catch (error) {
      if (!(signal?.aborted && isAbort(error))) throw error
    } finally {
      this.#seldom.stop()
      this.#stream.end()
    }
    const progress = this.#progress()
    this.#options.onProgress?.(progress)
    return progress
  }

  get #next(): number {
    return this.#base + this.#target.nextIndex
  }

  /** Copies from the target's end, until something has to be tried again; returns the reason. */
  async #go(): Promise<Error | undefined> {
    const info = await this.#found()
    const { created, config } = info
    const goesOn = this.#created !== undefined
    this.#created = created
    this.#base = config.first_seq || 1
    const next = this.#next
    const { last_seq: last } = info.state
    const { subject, nextIndex, sealed } = this.#target
    if (next > last + 1) {
      const text = `${subject} has ${nextIndex} messages and stream '${this.#stream.name}' ${last + 1 - this.#base}: it was filled from another stream`
      const error = new BridgeError('ERR_MMFILE_INCOMPATIBLE', text, { index: nextIndex })
      // A new leader has not everything yet, or the pusher fills up what is lost, or was removed.
      if (goesOn) return error
      throw error
    }
    this.#checkLost(info.state.first_seq, last)
    await this.#compare(next - 1)
    if (sealed) {
      const message = next <= last ? await this.#stream.message(next) : undefined
      this.#sealed = header(message?.header, SEAL) !== undefined
      if (this.#sealed) return undefined
      const text = `${subject} is sealed with ${nextIndex} messages, and stream '${this.#stream.name}' is not`
      throw new BridgeError('ERR_MMFILE_SEALED', text, { index: nextIndex })
    }
    this.#lag = last + 1 - next
    return this.#copy(next)
  }

  /** The stream's state, as soon as the stream exists. */
  async #found() {
    const trouble = new Trouble()
    for (;;) {
      const info = await this.#stream.info()
      if (info !== undefined) return info
      this.#stream.goOn()
      const text = `there is no stream '${this.#stream.name}': push makes it`
      await this.#stream.retry(new BridgeError('ERR_MMFILE_NOT_FOUND', text), trouble)
    }
  }

  /** Throws if the messages that the target needs next are gone. */
  #checkLost(first: number, last: number): void {
    const next = this.#next
    if (first <= next || (first > last && last < next)) return
    const { subject, nextIndex } = this.#target
    const oldest = first - this.#base
    const text = `${subject} needs message ${nextIndex} next, and the oldest that stream '${this.#stream.name}' has left is ${oldest}: push into a new stream, which keeps messages for longer`
    throw new BridgeError('ERR_MMFILE_LOST', text, { index: nextIndex, oldest })
  }

  /** Throws if the target's newest is not what the stream has at its place. */
  async #compare(seq: number): Promise<void> {
    const own = this.#target.newest()
    if (own === undefined) return
    const message = await this.#stream.message(seq)
    if (message === undefined) return
    const name = header(message.header, OBJECT)
    const sealed = header(message.header, SEAL) !== undefined
    const same = name === undefined ? Buffer.compare(own, message.data) === 0 : nameOf(own) === name
    if (same && !sealed) return
    const index = seq - this.#base
    const text = `${this.#target.subject} and stream '${this.#stream.name}' differ at index ${index} (sequence ${seq}): it was filled from another stream`
    throw new BridgeError('ERR_MMFILE_INCOMPATIBLE', text, { index })
  }

  /**
   * Copies later messages, until the stream says that it is sealed or the signal aborts. It returns the reason why no
   * messages come, or nothing if it only has to be called again: a consumer that restarts by itself could have
   * another stream.
   */
  async #copy(from: number): Promise<Error | undefined> {
    const { signal } = this.#options
    const { link, connection } = this.#stream
    const consumer = await this.#stream.consumer(from)
    const created = consumer && (await this.#stream.info())?.created
    if (consumer === undefined || created !== this.#created) return undefined
    const largest = 2 * (connection.info?.max_payload ?? 1 << 20)
    const messages = await consumer.consume({
      max_bytes: Math.max(MOST_BYTES, largest),
      expires: EXPIRES,
      idle_heartbeat: HEARTBEAT,
    })
    let [ended, why]: [boolean, Error | undefined] = [false, undefined]
    const end = (error?: Error) => {
      if (!ended) why = error
      ended = true
      messages.close()
    }
    const stop = () => end()
    signal?.addEventListener('abort', stop)
    const unlisten = link.listen((up) => up || end(down()))
    this.#watch(messages.status(), end)
    try {
      if (signal?.aborted) return undefined
      if (!link.up) return down()
      for await (const message of messages) {
        const next = this.#next
        if (message.seq < next) continue
        if (message.seq > next) return await this.#gap(next)
        // While a target has no room for long, no messages are kept in memory.
        const timer = setTimeout(stop, HEARTBEAT)
        const last = await this.#take(message).finally(() => clearTimeout(timer))
        this.#trouble.over()
        if (last || ended) return why
        this.#seldom.call()
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      unlisten()
      messages.close()
      consumer.delete().catch(() => {})
    }
    return connection.isClosed() ? new Error('closed') : why
  }

  /** Ends a copy whose messages stay out. */
  async #watch(
    notifications: AsyncIterable<ConsumerNotification>,
    end: (why: Error) => void,
  ): Promise<void> {
    for await (const { type } of notifications) {
      if (type === 'heartbeat') this.#trouble.over()
      else if (!HARMLESS.includes(type))
        end(
          new Error(
            `no messages come from stream '${this.#stream.name}': ${type.replaceAll('_', ' ')}`,
          ),
        )
    }
  }

  /** Takes over a message; tells whether it was the last. */
  async #take(message: JsMsg): Promise<boolean> {
    this.#lag = message.info.pending
    if (header(message.headers, SEAL) !== undefined) {
      this.#target.seal()
      this.#sealed = true
      return true
    }
    const name = header(message.headers, OBJECT)
    const index = message.seq - this.#base
    const bytes = name === undefined ? message.data : await this.#objects.get(name, index)
    await this.#target.append(index, bytes, this.#options.signal)
    this.#messages += 1
    this.#bytes += bytes.byteLength
    return false
  }

  /** A message was skipped: if the stream no longer has it, copying fails; otherwise it is requested again. */
  async #gap(seq: number): Promise<undefined> {
    if ((await this.#stream.message(seq)) !== undefined) return undefined
    const info = await this.#found()
    this.#checkLost(info.state.first_seq, info.state.last_seq)
    const index = seq - this.#base
    const text = `message ${index} (sequence ${seq}) was deleted from stream '${this.#stream.name}'`
    throw new BridgeError('ERR_MMFILE_LOST', text, {
      index,
      oldest: info.state.first_seq - this.#base,
    })
  }

  #progress(): Progress {
    const { nextIndex } = this.#target
    const [messages, bytes, lag, sealed] = [this.#messages, this.#bytes, this.#lag, this.#sealed]
    return { nextIndex, messages, bytes, lag, sealed }
  }
}
