import { Readable, Writable } from 'node:stream'
import { checkBoolean, checkOptions, checkWhole } from '../shared/arguments.js'
import { MmFileError } from '../shared/errors.js'
import { checkSignal } from '../shared/signals.js'
import { endedBy, HIGH_WATER_MARK } from '../shared/streams.js'
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
  const signal = checkSignal(given.signal)
  const highWaterMark = checkWhole('options.highWaterMark', given.highWaterMark ?? HIGH_WATER_MARK)
  const destroyed = new AbortController()
  let pushing = false

  async function push(stream: Readable): Promise<void> {
    try {
      for (;;) {
        const message = await reader.receive({ signal: destroyed.signal })
        // A stream keeps its chunks: those of a view are copied.
        const { value } = message
        const chunk =
          value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value) : value
        message.release()
        if (chunk === null || chunk === undefined) continue // which would end the stream
        if (!stream.push(chunk)) return
      }
    } catch (error) {
      if (!MmFileError.is(error, 'ERR_MMFILE_SEALED')) throw error
      stream.push(null)
    } finally {
      pushing = false
    }
  }

  const stream = new Readable({
    objectMode: true,
    highWaterMark,
    read() {
      if (pushing) return
      pushing = true
      push(this).catch((error) => {
        if (!destroyed.signal.aborted) this.destroy(error)
      })
    },
    destroy(error, callback) {
      destroyed.abort()
      callback(error)
    },
  })
  return endedBy(signal, stream)
}

/** Sends every chunk as a message, and waits for room. */
export function writeStream(channel: Sends, options: WriteStreamOptions | undefined): Writable {
  const given = checkOptions<WriteStreamOptions>(options, ['seal', 'highWaterMark', 'signal'])
  const seal = checkBoolean('options.seal', given.seal, false)
  const signal = checkSignal(given.signal)
  const highWaterMark = checkWhole('options.highWaterMark', given.highWaterMark ?? HIGH_WATER_MARK)
  const destroyed = new AbortController()
  const stream = new Writable({
    objectMode: true,
    highWaterMark,
    write(chunk: unknown, _encoding, callback) {
      channel.send(chunk, { signal: destroyed.signal }).then(() => callback(), callback)
    },
    final(callback) {
      try {
        if (seal) channel.seal()
        callback()
      } catch (error) {
        callback(error as Error)
      }
    },
    destroy(error, callback) {
      destroyed.abort()
      callback(error)
    },
  })
  return endedBy(signal, stream)
}
