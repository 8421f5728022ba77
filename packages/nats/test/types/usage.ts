// Code that a TypeScript program may write, and code that it may not.

import { BridgeError, type Progress, pull, push } from '@mmfile/nats'
import type { JetStreamClient } from '@nats-io/jetstream'
import { type Channel, type MmFile, MmFileError } from 'mmfile'

export async function usage(
  js: JetStreamClient,
  file: MmFile,
  bytes: Channel,
  text: Channel<string>,
  values: Channel<{ n: number }>,
): Promise<void> {
  const place = { js, stream: 'log' }
  const progress: Progress = await push(file, place)
  await push(bytes, { ...place, subject: 'a', config: { num_replicas: 3 }, group: 'kept' })
  await push(text, { ...place, signal: AbortSignal.timeout(1), onProgress: ({ lag }) => lag })
  await push(values, { ...place, onRetry: (error) => error.message, timeout: 0, objects: false })
  await pull(place, file)
  await pull(place, values, { signal: undefined })
  console.log(progress.nextIndex, progress.sealed)

  // @ts-expect-error a stream has to be named
  await push(file, { js })
  // @ts-expect-error it is read only
  progress.nextIndex = 1

  try {
    await pull(place, text)
  } catch (error) {
    if (error instanceof BridgeError && error.code === 'ERR_MMFILE_LOST') console.log(error.oldest)
    if (MmFileError.is(error, 'ERR_MMFILE_LOCK_HELD')) console.log(error.message)
  }
}
