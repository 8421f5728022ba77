import { randomUUID } from 'node:crypto'
import type { JetStreamPublishOptions, StreamConfig } from '@nats-io/jetstream'
import { headers, type MsgHdrs } from '@nats-io/nats-core'
import type { Channel, MmFile } from 'mmfile'
import { BridgeError, invalidType } from './errors.js'
import { down, isDown } from './link.js'
import { nameOf, Objects } from './objects.js'
import { checkCopy, checkPlace, checkSubject, type Progress, type PushOptions } from './options.js'
import { type Item, type Source, sourceOf } from './source.js'
import {
  header,
  isOutOfPlace,
  isTransient,
  isWrongId,
  MESSAGE_ID,
  OBJECT,
  SEAL,
  Stream,
  Trouble,
} from './stream.js'
import { isAbort, linked, Seldom } from './wait.js'

/** How many messages are on their way to the server at most, and how many bytes. */
const MOST_MESSAGES = 256
const MOST_BYTES = 4 << 20
/** Bytes that a message's headers may have. */
const HEADERS = 1024
/** How many messages the stream has before the channel learns of them. */
const TELL_EVERY = 64

/**
 * Copies a file or a channel into a stream until the source is sealed, which is recorded in the stream; or until the
 * signal aborts. Index i becomes sequence i + 1. It begins where the stream ends.
 *
 * It creates the stream if necessary. One process pushes into a stream at a time: when a second one takes over, the
 * first rejects with `ERR_MMFILE_LOCK_HELD`.
 *
 * Rejects with `ERR_MMFILE_LOCK_HELD`, `ERR_MMFILE_LOST` if the source has no longer what the stream needs next,
 * `ERR_MMFILE_INCOMPATIBLE` if the stream has something else, `ERR_MMFILE_CAPACITY` for a message that is too large,
 * `ERR_MMFILE_CLOSED`, and what the server says.
 *
 * @example
 * await push(file, { js: jetstream(connection), stream: 'log' })
 */
export async function push(
  source: MmFile | Channel<unknown>,
  options: PushOptions,
): Promise<Progress> {
  checkPlace(options)
  checkCopy(options)
  const { stream, subject = stream, group = `push:${stream}`, config = {} } = options
  checkSubject(subject)
  if (typeof group !== 'string') throw invalidType('options.group', 'a string')
  if (typeof config !== 'object' || config === null)
    throw invalidType('options.config', 'an object')
  const origin = sourceOf(source, group)
  try {
    return await new Pusher(origin, subject, options).run()
  } finally {
    origin.close()
  }
}

/** The reason why later messages are pointless: the stream's end is read, and sending starts again from there. */
class Interrupted extends Error {}

class Pusher {
  readonly #source: Source
  readonly #subject: string
  readonly #options: PushOptions
  readonly #stream: Stream
  readonly #objects: Objects
  /** By which it knows its own messages. */
  readonly #id = randomUUID()
  /** Ids are not used twice, since the server may know one whose message it has lost. */
  #round = 0
  /** The id of the stream's newest message, if that is known: the server accepts the next one only after this one. */
  #last: string | undefined
  #config: StreamConfig | undefined
  /** The stream has everything before that index: it said so. */
  #stored = 0
  #told = 0
  #messages = 0
  #bytes = 0
  /** The reason why messages do not get into the stream. */
  readonly #trouble = new Trouble()
  /** The bytes of the messages that are on their way, from the first that is not stored on. */
  #sizes: number[] = []
  #sealed = false
  readonly #seldom = new Seldom(() => this.#options.onProgress?.(this.#progress()))

  constructor(source: Source, subject: string, options: PushOptions) {
    this.#source = source
    this.#subject = subject
    this.#options = options
    this.#stream = new Stream(options, options)
    this.#objects = new Objects(this.#stream, options.objects)
  }

  async run(): Promise<Progress> {
    const { signal } = this.#options
    try {
      this.#stored = await this.#begin()
      while (!this.#sealed && !signal?.aborted) {
        this.#tell(true)
        try {
          await this.#copy(this.#stored)
        } catch (error) {
          if (!(error instanceof Interrupted)) throw error
          await this.#resume(error.cause)
        }
      }
    } catch (error) {
      if (!(signal?.aborted && isAbort(error))) throw error
    } finally {
      this.#seldom.stop()
      this.#stream.end()
    }
    this.#tell(true)
    const progress = this.#progress()
    this.#options.onProgress?.(progress)
    return progress
  }

  /** Creates or finds the stream, and returns the index from which to push. */
  async #begin(): Promise<number> {
    let info = await this.#stream.info()
    if (info === undefined) {
      const { first } = this.#source
      await this.#stream.create({
        subjects: [this.#subject],
        ...(first > 0 ? { first_seq: first + 1 } : {}),
        ...this.#options.config,
      })
      info = await this.#stream.info()
    }
    if (info === undefined) throw new Error(`stream '${this.#stream.name}' was removed`)
    this.#config = info.config
    const { subjects = [] } = info.config
    if (!subjects.some((one) => covers(one, this.#subject))) {
      const text = `stream '${this.#stream.name}' has the subjects ${subjects.join(', ')}, and not '${this.#subject}'`
      throw new BridgeError('ERR_MMFILE_INCOMPATIBLE', text)
    }
    const { last_seq: last, first_seq: first } = info.state
    if (last > 0) await this.#compare(last, last >= first)
    return this.#sealed ? last - 1 : last
  }

  /** Throws if the stream's newest message is not what the source has at its place. */
  async #compare(seq: number, isThere: boolean): Promise<void> {
    const message = isThere ? await this.#stream.message(seq) : undefined
    this.#last = header(message?.header, MESSAGE_ID)
    const { subject, nextIndex } = this.#source
    const index = seq - 1
    const fail = (what: string) => {
      const text = `${subject} has ${nextIndex} and stream '${this.#stream.name}' ${seq}, ${what}: push into another stream`
      return new BridgeError('ERR_MMFILE_INCOMPATIBLE', text, { index })
    }
    if (header(message?.header, SEAL) !== undefined) {
      if (nextIndex !== index) throw fail('a seal among them')
      this.#sealed = true
      return
    }
    if (index >= nextIndex) throw fail('from another source')
    const own = this.#source.peek(index)
    if (message === undefined || own === undefined) return
    const name = header(message.header, OBJECT)
    const same = name === undefined ? Buffer.compare(own, message.data) === 0 : nameOf(own) === name
    if (!same) throw fail(`and they differ at index ${index}`)
  }

  /** Asks the stream where it ends, after something went wrong, and whether that was this pusher's doing. */
  async #resume(why: unknown): Promise<void> {
    this.#round += 1
    if (!isOutOfPlace(why) && isTransient(why)) {
      // The next request reports how long the connection has been down.
      await this.#stream.retry(why, isDown(why) ? new Trouble() : this.#trouble)
    }
    const info = await this.#stream.info()
    if (info === undefined) {
      const text = `stream '${this.#stream.name}' was removed: call again to make another one`
      throw new BridgeError('ERR_MMFILE_NOT_FOUND', text, { cause: why })
    }
    const { last_seq: last, first_seq: first } = info.state
    // Messages after the stored ones were on their way when the reply was lost, or are another
    // pusher's.
    if (last > this.#stored) {
      const message = last >= first ? await this.#stream.message(last) : undefined
      const id = header(message?.header, MESSAGE_ID)
      if (message !== undefined && !id?.startsWith(`${this.#id}/`)) {
        const text = `stream '${this.#stream.name}': another process has pushed message ${last - 1}, and goes on from there: one at a time pushes into a stream`
        throw new BridgeError('ERR_MMFILE_LOCK_HELD', text, { index: last - 1, cause: why })
      }
      this.#last = id
      if (header(message?.header, SEAL) !== undefined) this.#sealed = true
    } else {
      // A new leader has not everything yet, or an old message is on its way. Or it is another stream by now.
      if (!isTransient(why)) await this.#stream.retry(why, this.#trouble)
      if (last > 0) await this.#compare(last, last >= first)
      // A server that has forgotten the id of its newest message takes the next one by its number.
      if (last === 0 || isWrongId(why)) this.#last = undefined
    }
    this.#advance(this.#sealed ? last - 1 : last)
  }

  /** The stream has everything before that index. */
  #advance(index: number): void {
    const count = Math.max(0, index - this.#stored)
    if (count > 0) this.#trouble.over()
    for (const size of this.#sizes.splice(0, count)) {
      this.#messages += 1
      this.#bytes += size
    }
    this.#stored = index
  }

  /** Tells the stream what follows, until the source is sealed, the signal aborts, or something goes wrong. */
  async #copy(from: number): Promise<void> {
    const link = linked(this.#options.signal)
    const window = new Window(link.abort)
    const unlisten = this.#stream.link.listen((up) => up || window.fail(down()))
    this.#sizes = []
    let at = from
    let last = this.#last
    const send = async (bytes: Uint8Array, given: MsgHdrs | undefined, index: number) => {
      const msgID = `${this.#id}/${this.#round}/${index}`
      const behind = last === undefined ? {} : { lastMsgID: last }
      const options: Partial<JetStreamPublishOptions> = {
        msgID,
        expect: { lastSequence: index, streamName: this.#stream.name, ...behind },
        ...(given === undefined ? {} : { headers: given }),
      }
      last = msgID
      const answer = await this.#stream.js.publish(this.#subject, bytes, options)
      if (answer.duplicate || answer.seq !== index + 1) {
        const cause = new Error(`the stream has message ${index} already, as ${answer.seq - 1}`)
        throw new Interrupted('', { cause })
      }
    }
    try {
      for await (const item of this.#source.from(from, link.signal)) {
        const { bytes, headers: given } = await this.#encode(item)
        await window.room(bytes.byteLength)
        if (window.failed) break
        at = item.index + 1
        this.#sizes.push(item.bytes.byteLength)
        const sent = send(bytes, given, item.index)
        window.add(sent, bytes.byteLength, () => {
          if (this.#stored <= item.index) this.#advance(item.index + 1)
          this.#tell(window.empty)
          this.#seldom.call()
        })
      }
      await window.idle()
      if (!window.failed && !link.signal.aborted) {
        const sealed = headers()
        sealed.set(SEAL, 'true')
        window.add(send(new Uint8Array(), sealed, at), 0, () => {
          this.#sealed = true
        })
      }
    } catch (error) {
      if (!isAbort(error)) throw error
    } finally {
      link.end()
      await window.idle()
      unlisten()
    }
    if (window.failed) throw window.interruption()
  }

  /** A message as it travels: with its bytes, or with the name of an object that has them. */
  async #encode({ index, bytes }: Item): Promise<{ bytes: Uint8Array; headers?: MsgHdrs }> {
    const config = this.#config as StreamConfig
    const allowed = this.#stream.connection.info?.max_payload ?? 1 << 20
    const own = config.max_msg_size > 0 ? config.max_msg_size : allowed
    const most = Math.min(allowed, own) - HEADERS
    if (bytes.byteLength <= most) return { bytes }
    const name = await this.#objects.put(bytes, index, most, config)
    const given = headers()
    given.set(OBJECT, name)
    return { bytes: new Uint8Array(), headers: given }
  }

  /** Tells the source what the stream has, now and then. */
  #tell(now: boolean): void {
    if (this.#stored === this.#told || (!now && this.#stored - this.#told < TELL_EVERY)) return
    this.#told = this.#stored
    this.#source.stored(this.#stored)
  }

  #progress(): Progress {
    const nextIndex = this.#stored
    const lag = Math.max(0, this.#source.nextIndex - nextIndex)
    return { nextIndex, messages: this.#messages, bytes: this.#bytes, lag, sealed: this.#sealed }
  }
}

/** Whether a stream's subject, which may have wildcards, is that subject, too. */
function covers(pattern: string, subject: string): boolean {
  const [parts, own] = [pattern.split('.'), subject.split('.')]
  const end = parts.indexOf('>')
  if (end === -1 ? parts.length !== own.length : own.length <= end) return false
  return parts
    .slice(0, end === -1 ? undefined : end)
    .every((one, at) => one === '*' || one === own[at])
}

/** The messages that are on their way. */
class Window {
  readonly #abort: () => void
  #messages = 0
  #bytes = 0
  #failure: { error: unknown } | undefined
  /** Whether no reply is pending any more. */
  #lost = false
  #changed: (() => void) | undefined

  constructor(abort: () => void) {
    this.#abort = abort
  }

  get empty(): boolean {
    return this.#messages === 0
  }

  get failed(): boolean {
    return this.#failure !== undefined
  }

  add(sent: Promise<void>, byteLength: number, stored: () => void): void {
    this.#messages += 1
    this.#bytes += byteLength
    const done = () => {
      this.#messages -= 1
      this.#bytes -= byteLength
      this.#changed?.()
    }
    sent
      .then(() => {
        if (this.#lost) return
        done()
        stored()
      })
      .catch((error) => {
        this.fail(error, true)
        done()
      })
  }

  /**
   * Stops waiting for replies if this message failed; with `others`, replies to the other messages are still awaited.
   */
  fail(error: unknown, others = false): void {
    if (this.#failure === undefined) this.#failure = { error }
    if (!others) this.#lost = true
    this.#abort()
    this.#changed?.()
  }

  /** Waits until one more message of that size may be sent, or one has failed. */
  async room(byteLength: number): Promise<void> {
    while (
      !this.failed &&
      (this.#messages >= MOST_MESSAGES ||
        (this.#messages > 0 && this.#bytes + byteLength > MOST_BYTES))
    )
      await this.#change()
  }

  /** Waits until none is on its way. */
  async idle(): Promise<void> {
    while (this.#messages > 0 && !this.#lost) await this.#change()
  }

  /** The error to throw: the error itself, if trying again makes no sense. */
  interruption(): unknown {
    const error = this.#failure?.error
    if (error instanceof Interrupted) return error
    if (isOutOfPlace(error) || isTransient(error)) return new Interrupted('', { cause: error })
    return error
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = () => {
        this.#changed = undefined
        resolve()
      }
    })
  }
}
