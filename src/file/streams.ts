import { Readable, Writable } from 'node:stream'
import { checkBoolean, checkOptions, checkWhole } from '../shared/arguments.js'
import { checkSignal } from '../shared/signals.js'
import { endedBy, HIGH_WATER_MARK } from '../shared/streams.js'
import type { ReadStreamOptions, Value, WriteStreamOptions } from '../shared/types.js'
import { takeTurn } from '../shared/waits.js'
import type { MmFile } from './mmfile.js'
import type { SegmentWaits } from './segment-waits.js'
import { comes, READ_STREAM_OPTIONS, readAs, reading } from './segments.js'

const WRITE_STREAM_OPTIONS = ['seal', 'highWaterMark', 'signal'] as const

/** The segments as chunks, those that will come too, until the file is sealed. */
export function readStream(
  file: MmFile,
  waits: SegmentWaits,
  options: ReadStreamOptions | undefined,
): Readable {
  const given: Partial<ReadStreamOptions> = checkOptions(options, READ_STREAM_OPTIONS)
  const { from, as, wait } = reading(given, 'bytes')
  const highWaterMark = checkWhole('options.highWaterMark', given.highWaterMark ?? HIGH_WATER_MARK)
  // Ends the wait that is pending when the stream is destroyed.
  const destroyed = new AbortController()
  let index = from
  let pushing = false

  async function push(stream: Readable): Promise<void> {
    try {
      for (;;) {
        const length = file.length
        while (index < length) {
          const turn = takeTurn()
          if (turn !== undefined) await turn
          if (destroyed.signal.aborted) return
          const chunk = readAs(file, index, as)
          index += 1
          if (!stream.push(chunk)) return
        }
        if (!(await comes(waits, index, { ...wait, signal: destroyed.signal }))) {
          stream.push(null)
          return
        }
      }
    } finally {
      pushing = false
    }
  }

  const stream = new Readable({
    // One chunk is one segment, an empty one too: a byte stream would join and drop some.
    objectMode: true,
    highWaterMark,
    read() {
      // Node.js asks again after each chunk, also while the next one is being waited for.
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
  return endedBy(wait.signal, stream)
}

/** Appends every chunk as a segment. */
export function writeStream(file: MmFile, options: WriteStreamOptions | undefined): Writable {
  const given: Partial<WriteStreamOptions> = checkOptions(options, WRITE_STREAM_OPTIONS)
  const seal = checkBoolean('options.seal', given.seal, false)
  const signal = checkSignal(given.signal)
  const highWaterMark = checkWhole('options.highWaterMark', given.highWaterMark ?? HIGH_WATER_MARK)
  const stream = new Writable({
    objectMode: true,
    highWaterMark,
    write(chunk: Value, _encoding, callback) {
      try {
        file.append(chunk)
      } catch (error) {
        // Later: a stream goes on with the chunks that it keeps if a write fails while it is called.
        process.nextTick(callback, error)
        return
      }
      const turn = takeTurn()
      if (turn === undefined) callback()
      else turn.then(() => callback())
    },
    final(callback) {
      try {
        if (seal) file.seal()
      } catch (error) {
        callback(error as Error)
        return
      }
      callback()
    },
  })
  return endedBy(signal, stream)
}
