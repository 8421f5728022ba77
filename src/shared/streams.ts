import { Readable, Writable } from 'node:stream'
import { checkBoolean, checkOptions, checkWhole } from './arguments.js'
import { checkSignal, onAbort } from './signals.js'
import type { WriteStreamOptions } from './types.js'

const WRITE_STREAM_OPTIONS = ['seal', 'highWaterMark', 'signal'] as const

/** Chunks that are read ahead, and that are kept: object streams' own default. */
const HIGH_WATER_MARK = 16

function checkHighWaterMark(value: unknown): number {
  return checkWhole('options.highWaterMark', value ?? HIGH_WATER_MARK)
}

/** A chunk, wrapped in an object: a promise would take a value with a method `then` for another promise. */
export interface Chunk {
  readonly chunk: unknown
}

/**
 * A stream of the values that `next` returns or resolves with, until one is `undefined`. The signal that `next` gets
 * aborts when the stream is destroyed.
 */
export function readable(
  highWaterMark: unknown,
  signal: AbortSignal | undefined,
  next: (destroyed: AbortSignal) => Chunk | undefined | Promise<Chunk | undefined>,
): Readable {
  const destroyed = new AbortController()
  let pushing = false

  async function push(stream: Readable): Promise<void> {
    try {
      for (;;) {
        const step = next(destroyed.signal)
        const found = step instanceof Promise ? await step : step
        if (destroyed.signal.aborted) return
        if (!stream.push(found === undefined ? null : found.chunk)) return
      }
    } finally {
      // Not a microtask later: Node.js may ask again as soon as this returns, and would not a second time.
      pushing = false
    }
  }

  const stream = new Readable({
    // One chunk is one segment or message, an empty one too: a byte stream would join and drop some.
    objectMode: true,
    highWaterMark: checkHighWaterMark(highWaterMark),
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
  return endedBy(signal, stream)
}

/** A stream that gives every chunk to `write`, and waits for its promise if it returns one. */
export function writable(
  target: { seal(): void },
  options: WriteStreamOptions | undefined,
  write: (chunk: unknown, destroyed: AbortSignal) => Promise<unknown> | undefined,
): Writable {
  const given = checkOptions<WriteStreamOptions>(options, WRITE_STREAM_OPTIONS)
  const seal = checkBoolean('options.seal', given.seal, false)
  const signal = checkSignal(given.signal)
  const destroyed = new AbortController()
  const stream = new Writable({
    objectMode: true,
    highWaterMark: checkHighWaterMark(given.highWaterMark),
    write(chunk: unknown, _encoding, callback) {
      let written: Promise<unknown> | undefined
      try {
        written = write(chunk, destroyed.signal)
      } catch (error) {
        // Later: if a write fails synchronously, a stream would continue with its buffered chunks.
        process.nextTick(callback, error)
        return
      }
      if (written === undefined) callback()
      else written.then(() => callback(), callback)
    },
    final(callback) {
      try {
        if (seal) target.seal()
      } catch (error) {
        callback(error as Error)
        return
      }
      callback()
    },
    destroy(error, callback) {
      destroyed.abort()
      callback(error)
    },
  })
  return endedBy(signal, stream)
}

/** Destroys the stream when the signal aborts. Node.js's own option would call the signal's methods. */
function endedBy<S extends Readable | Writable>(signal: AbortSignal | undefined, stream: S): S {
  if (signal === undefined) return stream
  try {
    stream.once(
      'close',
      onAbort(signal, (error) => stream.destroy(error)),
    )
  } catch (error) {
    stream.destroy(error as Error)
  }
  return stream
}
