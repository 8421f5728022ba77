import { Channel } from '../../channel/channel.js'
import type { Message } from '../../channel/messages.js'
import { MmFileError } from '../../shared/errors.js'
import type { ListOptions } from '../../shared/types.js'
import { previewOfMessage } from '../channels.js'
import { preview } from '../text.js'
import { openAt, type TopRow } from './sample.js'

/** A segment or message, and how it begins. */
export interface Line {
  index: number
  bytes: number
  begins: string
}

export interface Follower {
  /** The items that came since the last call, at most as many as fit. */
  next(most: number): Line[]
  close(): void
}

/** Follows what is written to a file or sent to a channel, from the newest that are there. */
export function follow(
  row: Pick<TopRow, 'id' | 'kind'>,
  place: ListOptions,
  most: number,
): Follower {
  const opened = openAt(row, place)
  if (opened instanceof Channel) return followChannel(opened, most)
  let index = Math.max(0, opened.length - most)
  return {
    next(limit) {
      const lines: Line[] = []
      const end = opened.length
      index = Math.max(index, end - limit)
      for (; index < end; index += 1) {
        const view = opened.view(index)
        lines.push({ index, bytes: view.length, begins: preview(view, undefined) })
      }
      return lines
    },
    close: () => opened.close(),
  }
}

/** How much is received in one go, and how often. */
const BATCH = 500
const BATCHES = 20

function followChannel(channel: Channel<unknown>, most: number): Follower {
  const from = Math.max(channel.oldestIndex, channel.nextIndex - most)
  const reader = channel.reader({ from, lossy: true, as: 'bytes' })
  return {
    next(limit) {
      let messages: Message<Buffer>[] = []
      try {
        // Only the newest count; of a channel that is faster than this, the rest is left out.
        for (let batches = 0; batches < BATCHES; batches += 1) {
          const more = reader.tryReceiveAll(BATCH) as Message<Buffer>[]
          messages = [...messages, ...more].slice(-limit)
          if (more.length < BATCH) break
        }
      } catch (error) {
        // A sealed channel has no more, which is no failure.
        if (!MmFileError.is(error, 'ERR_MMFILE_SEALED')) throw error
      }
      return messages.map(({ index, value }) => ({
        index,
        bytes: value.length,
        begins: previewOfMessage(value, channel.encoding),
      }))
    },
    close: () => channel.close(),
  }
}
