import type { Channel, ExclusiveWriter, MmFile } from 'mmfile'
import { invalidType } from './errors.js'

/** The target of a pull: a file or a channel. */
export interface Target {
  /** For messages to people. */
  readonly subject: string
  readonly nextIndex: number
  readonly sealed: boolean
  /** The newest one, if there is any. */
  newest(): Uint8Array | undefined
  /** Appends as that index; waits while there is no room. */
  append(
    index: number,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> | undefined
  seal(): void
  close(): void
}

/** The target that a file or a channel is. A channel gets this process as its exclusive writer. */
export async function targetOf(
  target: MmFile | Channel<unknown>,
  signal: AbortSignal | undefined,
): Promise<Target> {
  const given = target as MmFile | Channel<unknown> | undefined
  if (typeof (given as MmFile)?.segments === 'function') return new FileTarget(given as MmFile)
  if (typeof (given as Channel<unknown>)?.exclusiveWriter !== 'function')
    throw invalidType('target', 'an MmFile or a Channel')
  const channel = given as Channel<unknown>
  return new ChannelTarget(channel, await channel.exclusiveWriter({ signal }))
}

class FileTarget implements Target {
  readonly subject: string
  readonly #file: MmFile

  constructor(file: MmFile) {
    this.#file = file
    this.subject = `file '${file.id}'`
  }

  get nextIndex(): number {
    return this.#file.length
  }

  get sealed(): boolean {
    return this.#file.sealed
  }

  newest(): Uint8Array | undefined {
    const { length } = this.#file
    return length === 0 ? undefined : this.#file.readBytes(length - 1)
  }

  append(index: number, bytes: Uint8Array): undefined {
    this.#file.write(index, bytes)
  }

  seal(): void {
    this.#file.seal()
  }

  close(): void {}
}

class ChannelTarget implements Target {
  readonly subject: string
  readonly #channel: Channel<unknown>
  readonly #writer: ExclusiveWriter<unknown>

  constructor(channel: Channel<unknown>, writer: ExclusiveWriter<unknown>) {
    this.#channel = channel
    this.#writer = writer
    this.subject = `channel '${channel.id}'`
  }

  get nextIndex(): number {
    return this.#channel.nextIndex
  }

  get sealed(): boolean {
    return this.#channel.sealed
  }

  newest(): Uint8Array | undefined {
    using reader = this.#channel.reader({ from: 'newest', as: 'bytes', lossy: true })
    if (this.nextIndex === 0) return undefined
    return reader.tryReceive()?.value
  }

  append(
    index: number,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> | undefined {
    const fill = (room: Uint8Array) => room.set(bytes)
    if (this.#writer.trySendWith(bytes.byteLength, fill) !== undefined) return undefined
    const wait = { signal, expectedIndex: index }
    return this.#writer.sendWith(bytes.byteLength, fill, wait).then(() => undefined)
  }

  seal(): void {
    this.#writer.seal()
  }

  close(): void {
    this.#writer.close()
  }
}
