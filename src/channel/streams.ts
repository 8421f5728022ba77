import type { Readable, Writable } from 'node:stream'
import { checkOptions } from '../shared/arguments.js'
import { MmFileError } from '../shared/errors.js'
import { checkSignal } from '../shared/signals.js'
import { type Chunk, readable, writable } from '../shared/streams.js'
import type { WriteStreamOptions } from '../shared/types.js'
import type { ChannelReadStreamOptions } from './types.js'

interface Receives {
  receive(options: { signal: AbortSignal }): Promise<{ readonly value: unknown; release(): void }>
}

interface Sends {
  send(value: unknown, options: { signal: AbortSignal }): Promise<number>
  seal(): void
}

/** The messages' values as chunks, until the channel is sealed. */
export function readStream(
  reader: Receives,
  options: ChannelReadStreamOptions | undefined,
): Readable {
  const given = checkOptions<ChannelReadStreamOptions>(options, ['highWaterMark', 'signal'])
  return readable(given.highWaterMark, checkSignal(given.signal), (signal) => next(reader, signal))
}

/** The next value that can be a chunk; `undefined` when the channel is sealed. */
async function next(reader: Receives, signal: AbortSignal): Promise<Chunk | undefined> {
  try {
    for (;;) {
      const message = await reader.receive({ signal })
      // A stream keeps its chunks: those of a view are copied.
      const { value } = message
      const chunk =
        value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value) : value
      message.release()
      // `null` would end the stream.
      if (chunk !== null && chunk !== undefined) return { chunk }
    }
  } catch (error) {
    if (!MmFileError.is(error, 'ERR_MMFILE_SEALED')) throw error
    return undefined
  }
}

/** Sends every chunk as a message, and waits for room. */
export function writeStream(channel: Sends, options: WriteStreamOptions | undefined): Writable {
  return writable(channel, options, (chunk, signal) => channel.send(chunk, { signal }))
}
