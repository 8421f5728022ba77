import type { Channel, Job, Member, MmFile } from 'mmfile'
import { BridgeError, invalidType } from './errors.js'

/** A segment or a message. */
export interface Item {
  readonly index: number
  readonly bytes: Buffer
}

/** The source of a push: a file or a channel. */
export interface Source {
  /** For messages to people. */
  readonly subject: string
  /** The index of the next one. */
  readonly nextIndex: number
  /** The first that a new stream gets. */
  readonly first: number
  /** The one of that index, or `undefined` if it is gone. */
  peek(index: number): Uint8Array | undefined
  /** Those from that index on, and those to come, until it is sealed. */
  from(index: number, signal: AbortSignal): AsyncIterable<Item>
  /** The stream has all before that index: they need not be kept for it. */
  stored(index: number): void
  close(): void
}

/** The source that a file or a channel is. */
export function sourceOf(source: MmFile | Channel<unknown>, group: string): Source {
  const given = source as MmFile | Channel<unknown> | undefined
  if (typeof (given as MmFile)?.segments === 'function') return new FileSource(given as MmFile)
  if (typeof (given as Channel<unknown>)?.reader === 'function')
    return new ChannelSource(given as Channel<unknown>, group)
  throw invalidType('source', 'an MmFile or a Channel')
}

class FileSource implements Source {
  readonly subject: string
  readonly first = 0
  readonly #file: MmFile

  constructor(file: MmFile) {
    this.#file = file
    this.subject = `file '${file.id}'`
  }

  get nextIndex(): number {
    return this.#file.length
  }

  peek(index: number): Uint8Array {
    return this.#file.readBytes(index)
  }

  async *from(index: number, signal: AbortSignal): AsyncIterable<Item> {
    let at = index
    for await (const bytes of this.#file.segments({ from: index, as: 'bytes', signal })) {
      yield { index: at, bytes }
      at += 1
    }
  }

  stored(): void {}

  close(): void {}
}

class ChannelSource implements Source {
  readonly subject: string
  readonly first: number
  readonly #channel: Channel<unknown>
  /** Keeps what the stream has not. A channel that drops its oldest messages keeps nothing. */
  readonly #keeper: Keeper | undefined

  constructor(channel: Channel<unknown>, group: string) {
    this.#channel = channel
    this.subject = `channel '${channel.id}'`
    if (channel.onFull === 'wait') this.#keeper = new Keeper(channel, group)
    this.first = this.#keeper?.first ?? channel.oldestIndex
  }

  get nextIndex(): number {
    return this.#channel.nextIndex
  }

  peek(index: number): Uint8Array | undefined {
    if (index < this.#channel.oldestIndex || index >= this.#channel.nextIndex) return undefined
    try {
      using reader = this.#channel.reader({ from: index, as: 'bytes', lossy: true })
      const message = reader.tryReceive()
      return message?.index === index ? message.value : undefined
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_MMFILE_LOST') return undefined
      throw error
    }
  }

  async *from(index: number, signal: AbortSignal): AsyncIterable<Item> {
    const lossy = this.#channel.onFull === 'drop-oldest'
    using reader = this.#reader(index, lossy)
    let at = index
    for (;;) {
      // Available messages without a promise for each; then the next one when it comes.
      for (const message of await received(reader, signal)) {
        if (message.index !== at) throw this.#lost(at, message.index)
        yield { index: at, bytes: message.value }
        at += 1
      }
      if (at >= this.#channel.nextIndex && this.#channel.sealed) return
    }
  }

  #reader(index: number, lossy: boolean) {
    try {
      return this.#channel.reader({ from: index, as: 'bytes', lossy })
    } catch (error) {
      const { code, oldest = this.#channel.oldestIndex } = error as {
        code?: string
        oldest?: number
      }
      if (code !== 'ERR_MMFILE_LOST') throw error
      throw this.#lost(index, oldest, error)
    }
  }

  #lost(index: number, oldest: number, cause?: unknown): BridgeError {
    const message = `${this.subject}: the stream needs message ${index} next, and the oldest that is left is ${oldest}: push into another stream`
    return new BridgeError('ERR_MMFILE_LOST', message, { index, oldest, cause })
  }

  stored(index: number): void {
    this.#keeper?.stored(index)
  }

  close(): void {
    this.#keeper?.close()
  }
}

async function received<V>(
  reader: {
    tryReceiveAll(max: number): readonly { index: number; value: V }[]
    receive(wait: { signal: AbortSignal }): Promise<{ index: number; value: V }>
  },
  signal: AbortSignal,
): Promise<readonly { index: number; value: V }[]> {
  try {
    signal.throwIfAborted()
    const there = reader.tryReceiveAll(64)
    if (there.length > 0) return there
    return [await reader.receive({ signal })]
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_MMFILE_SEALED') return []
    throw error
  }
}

/** How many jobs behind the stored ones are held at most. */
const MOST_EARLY = 256
/** Milliseconds until a job that another process had is requested again. */
const AGAIN = 100

/** A group's position, which keeps the messages that the stream does not have yet. */
class Keeper {
  readonly first: number
  readonly #channel: Channel<unknown>
  readonly #member: Member<Uint8Array>
  /** Taken, and not stored yet: only where another process has jobs of the group, too. */
  #early: Job<Uint8Array>[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(channel: Channel<unknown>, group: string) {
    this.#channel = channel
    channel.createGroup(group, { from: 'oldest' })
    this.#member = channel.member(group, { as: 'view' })
    this.first = this.#acknowledged
  }

  /** All messages before that index are acknowledged. */
  get #acknowledged(): number {
    return this.#channel.nextIndex - this.#member.lag
  }

  stored(index: number): void {
    clearTimeout(this.#timer)
    this.#early = this.#early.filter((job) => !acknowledge(job, index))
    for (;;) {
      const missing = Math.min(index - this.#acknowledged, MOST_EARLY - this.#early.length)
      if (missing <= 0) break
      const jobs = this.#take(missing)
      if (jobs.length === 0) break
      for (const job of jobs) if (!acknowledge(job, index)) this.#early.push(job)
    }
    if (this.#acknowledged < index) {
      this.#timer = setTimeout(() => this.stored(index), AGAIN).unref()
    }
  }

  #take(most: number): Job<Uint8Array>[] {
    try {
      return this.#member.tryReceiveAll(most)
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_MMFILE_SEALED') return []
      throw error
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const job of this.#early) job.nak()
    this.#member.close()
  }
}

function acknowledge(job: Job<Uint8Array>, index: number): boolean {
  if (job.index >= index) return false
  job.ack()
  job.release()
  return true
}
