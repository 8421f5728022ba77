import { type About, type Progress, readProgress } from '@mmfile-samples/task-info'
import { Channel, MmFileError } from 'mmfile'

/** Bytes. Only the newest message counts, so older ones may go at any time. */
const capacity = 16 * 1024

/**
 * A channel with the file's id: tells the destination about this program, and receives the task's
 * progress. A destination that does not use the channel works as well.
 */
export function openNews(
  id: string,
  about: About,
  onProgress: (progress: Progress) => void,
): Disposable {
  const channel = Channel.createNew<unknown>({
    id,
    capacity,
    encoding: 'json',
    onFull: 'drop-oldest',
  })
  channel.trySend({ source: about })
  hear(channel, onProgress)
  return channel
}

async function hear(
  channel: Channel<unknown>,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const reader = channel.reader({ lossy: 'newest' })
  for (;;) {
    try {
      const { value } = await reader.receive({ ref: false })
      const progress = readProgress(value)
      if (progress !== undefined) onProgress(progress)
    } catch (error) {
      // Another program may send anything. All other errors are the end of the channel.
      if (!MmFileError.is(error, 'ERR_MMFILE_NOT_TEXT')) return
    }
  }
}
