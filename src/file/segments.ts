import { checkOneOf, checkWhole } from '../shared/arguments.js'
import { MmFileError } from '../shared/errors.js'
import { operations } from '../shared/native.js'
import { checkSignal, onAbort, throwIfAborted } from '../shared/signals.js'
import type { SegmentForm, SegmentForms, SegmentsOptions } from '../shared/types.js'
import type { MmFile } from './mmfile.js'

const FORMS = ['string', 'bytes', 'view'] as const

/** Checks the options of everything that reads segments in order. */
export function checkSegments<F extends SegmentForm>(
  options: Partial<SegmentsOptions<F>>,
  absent: F,
): { from: number; as: F; signal: AbortSignal | undefined } {
  return {
    from: options.from === undefined ? 0 : checkWhole('options.from', options.from),
    as: checkOneOf('options.as', options.as, FORMS as readonly string[] as F[], absent),
    signal: checkSignal(options.signal),
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
    as === 'string' ? file.read(index) : as === 'bytes' ? file.readBytes(index) : file.view(index)
  return read as SegmentForms[F]
}

/** The segments that are there and those that will come, until the file is sealed. */
export function iterate<F extends SegmentForm>(
  file: MmFile,
  from: number,
  as: F,
  signal: AbortSignal | undefined,
): AsyncGenerator<SegmentForms[F], void, undefined> {
  const ended = new AbortController()
  const generator = generate(file, from, as, signal, ended)
  // A generator's own come after whatever `next()` waits for: for ever, if nothing comes.
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
  from: number,
  as: F,
  signal: AbortSignal | undefined,
  ended: AbortController,
): AsyncGenerator<SegmentForms[F], void, undefined> {
  let index = from
  for (;;) {
    throwIfAborted(signal)
    const length = file.length
    while (index < length) {
      yield readAs(file, index, as)
      index += 1
      throwIfAborted(signal)
    }
    // Only while it waits: a signal that lives on must not keep an iteration that nobody has any more.
    const unlisten = onAbort(signal, (error) => ended.abort(error))
    try {
      if (!(await comes(file, index, ended.signal))) return
    } catch (error) {
      if (!ended.signal.aborted) throw error
      if (ended.signal.reason === ENDED) return
      throw ended.signal.reason
    } finally {
      unlisten()
    }
  }
}

/** Waits for a segment; `false` if the file was sealed before it. */
export async function comes(
  file: MmFile,
  index: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await file.waitFor(index, { signal })
    return true
  } catch (error) {
    if (MmFileError.is(error, 'ERR_MMFILE_SEALED')) return false
    throw error
  }
}
