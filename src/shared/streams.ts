import type { Readable, Writable } from 'node:stream'
import { onAbort } from './signals.js'

/** Chunks that are read ahead, and that are kept: object streams' own default. */
export const HIGH_WATER_MARK = 16

/** Destroys the stream when the signal aborts. Node.js's own option would call the signal's methods. */
export function endedBy<S extends Readable | Writable>(
  signal: AbortSignal | undefined,
  stream: S,
): S {
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
