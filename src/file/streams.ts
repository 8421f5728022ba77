import type { Readable, Writable } from 'node:stream'
import { checkOptions } from '../shared/arguments.js'
import { type Chunk, readable, writable } from '../shared/streams.js'
import type { ReadStreamOptions, Value, WriteStreamOptions } from '../shared/types.js'
import { takeTurn } from '../shared/waits.js'
import type { MmFile } from './mmfile.js'
import { comes, READ_STREAM_OPTIONS, readAs, reading } from './segments.js'
import type { SegmentWaits } from './wait-for.js'

/** The segments as chunks, those that will come too, until the file is sealed. */
export function readStream(
  file: MmFile,
  waits: SegmentWaits,
  options: ReadStreamOptions | undefined,
): Readable {
  const given: Partial<ReadStreamOptions> = checkOptions(options, READ_STREAM_OPTIONS)
  const { from, as, wait } = reading(given, 'bytes')
  let index = from
  let length = 0

  const take = (): Chunk => {
    const chunk = readAs(file, index, as)
    index += 1
    return { chunk }
  }
  return readable(given.highWaterMark, wait.signal, (signal) => {
    if (index >= length) length = file.length
    if (index < length) return takeTurn()?.then(take) ?? take()
    return comes(waits, index, { ...wait, signal }).then((came) => (came ? take() : undefined))
  })
}

/** Appends every chunk as a segment. */
export function writeStream(file: MmFile, options: WriteStreamOptions | undefined): Writable {
  return writable(file, options, (chunk) => {
    file.append(chunk as Value)
    return takeTurn()
  })
}
