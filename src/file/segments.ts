import { checkOneOf, checkOptions, checkWhole } from '../shared/arguments.js'
import { MmFileError } from '../shared/errors.js'
import { operations } from '../shared/native.js'
import { onAbort, throwIfAborted } from '../shared/signals.js'
import type { SegmentForm, SegmentForms, SegmentsOptions } from '../shared/types.js'
import { takeTurn } from '../shared/waits.js'
import type { MmFile } from './mmfile.js'
import {
  SEGMENT_WAIT_OPTIONS,
  type SegmentWait,
  type SegmentWaits,
  segmentWait,
} from './wait-for.js'

const FORMS = ['value', 'bytes', 'view'] as const
const SEGMENTS_OPTIONS = [...SEGMENT_WAIT_OPTIONS, 'from', 'as'] as const
/** The options of `createReadStream`. */
export const READ_STREAM_OPTIONS = [...SEGMENTS_OPTIONS, 'highWaterMark'] as const

/** How segments are read in order. */
export interface Reading<F extends SegmentForm> {
  readonly from: number
  readonly as: F
  readonly wait: SegmentWait
}

/** Checks the options of `segments`. */
export function checkSegments<F extends SegmentForm>(
  options: SegmentsOptions<F> | undefined,
): Reading<F> {
  return reading(checkOptions(options, SEGMENTS_OPTIONS), 'value' as F)
}

/** The same for options that were checked to have no misspelt name. */
export function reading<F extends SegmentForm>(
  given: Partial<SegmentsOptions<F>>,
  absent: F,
): Reading<F> {
  return {
    from: given.from === undefined ? 0 : checkWhole('options.from', given.from),
    as: checkOneOf('options.as', given.as, FORMS as readonly string[] as F[], absent),
    wait: segmentWait(given),
  }
}

/** Below this size a buffer comes from Node's pool, which takes a quarter of the time. */
const POOLED = Buffer.poolSize >>> 1

/** A copy of a segment's bytes. */
export function readBytes(handle: number, index: number): Buffer {
  const size = operations.byteLength(handle, index)
  if (size < POOLED) {
    const bytes = Buffer.allocUnsafe(size)
    // The size was read before: where another process changes it meanwhile, not all of it was copied.
    if (operations.copyBytes(handle, index, bytes)) return bytes
  }
  return operations.readBytes(handle, index)
}

/** Reads one segment in that form. */
export function readAs<F extends SegmentForm>(file: MmFile, index: number, as: F): SegmentForms[F] {
  const read: SegmentForms[SegmentForm] =
    as === 'value' ? file.read(index) : as === 'bytes' ? file.readBytes(index) : file.view(index)
  return read as SegmentForms[F]
}

/** The segments that are there and those that will come, until the file is sealed. */
export function iterate<F extends SegmentForm>(
  file: MmFile,
  waits: SegmentWaits,
  how: Reading<F>,
): AsyncGenerator<SegmentForms[F], void, undefined> {
  const ended = new AbortController()
  const generator = generate(file, waits, how, ended)
  // A generator would run `return()` only after the pending `next()`: never, if nothing comes.
  for (const how of ['return', 'throw'] as const) {
    const end = generator[how] as (given: unknown) => Promise<IteratorResult<never, void>>
    const value = (given: unknown) => {
      ended.abort(ENDED)
      return end.call(generator, given)
    }
    Object.defineProperty(generator, how, { value, configurable: true, writable: true })
  }
  return generator
}

/** Why an iteration stops waiting that was told to end. */
const ENDED = Symbol('ended')

async function* generate<F extends SegmentForm>(
  file: MmFile,
  waits: SegmentWaits,
  { from, as, wait }: Reading<F>,
  ended: AbortController,
): AsyncGenerator<SegmentForms[F], void, undefined> {
  const { signal } = wait
  let index = from
  for (;;) {
    throwIfAborted(signal)
    let length = file.length
    if (length <= index) {
      // Only while it waits: a signal that lives on must not keep an iteration that the program has dropped.
      const unlisten = onAbort(signal, (error) => ended.abort(error))
      try {
        if (!(await comes(waits, index, { ...wait, signal: ended.signal }))) return
      } catch (error) {
        if (!ended.signal.aborted) throw error
        if (ended.signal.reason === ENDED) return
        throw ended.signal.reason
      } finally {
        unlisten()
      }
      length = Math.max(waits.known, index + 1)
    }
    while (index < length) {
      yield readAs(file, index, as)
      index += 1
      const turn = takeTurn()
      if (turn !== undefined) await turn
      throwIfAborted(signal)
    }
  }
}

/** Waits for a segment; `false` if the file was sealed before it. */
export async function comes(
  waits: SegmentWaits,
  index: number,
  wait: SegmentWait,
): Promise<boolean> {
  try {
    await waits.waitFor(index, wait)
    return true
  } catch (error) {
    if (MmFileError.is(error, 'ERR_MMFILE_SEALED')) return false
    throw error
  }
}
