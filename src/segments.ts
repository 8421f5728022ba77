import { checkOneOf, checkWhole } from './arguments.js'
import { MmFileError } from './errors.js'
import type { MmFile } from './mmfile.js'
import { operations } from './native.js'
import { checkSignal, throwIfAborted } from './signals.js'
import type { SegmentForm, SegmentForms, SegmentsOptions } from './types.js'

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
  if (size >= POOLED) return operations.readBytes(handle, index)
  const bytes = Buffer.allocUnsafe(size)
  operations.readInto(handle, index, bytes, 0)
  return bytes
}

/** Reads one segment in that form. */
export function readAs<F extends SegmentForm>(file: MmFile, index: number, as: F): SegmentForms[F] {
  const read: SegmentForms[SegmentForm] =
    as === 'string' ? file.read(index) : as === 'bytes' ? file.readBytes(index) : file.view(index)
  return read as SegmentForms[F]
}

/** The segments that are there and those that will come, until the file is sealed. */
export async function* iterate<F extends SegmentForm>(
  file: MmFile,
  from: number,
  as: F,
  signal: AbortSignal | undefined,
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
    if (!(await comes(file, index, signal))) return
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
    if (error instanceof MmFileError && error.code === 'ERR_MMFILE_SEALED') return false
    throw error
  }
}
