import { type About, readAbout } from '@mmfile-samples/task-info'
import { Channel, MmFileError } from 'mmfile'

/** Milliseconds between two messages: more often than eyes can follow. */
const interval = 100

/**
 * The channel that MmfSource may have made under the id of the file. Its messages are optional: a source
 * without a channel gets its result as well.
 */
export class News {
  readonly about: About | undefined
  #sent = Number.NEGATIVE_INFINITY

  private constructor(private readonly channel: Channel<unknown> | undefined) {
    this.about = channel && readAbout(firstOf(channel))
  }

  static open(id: string): News {
    try {
      return new News(Channel.openExisting<unknown>(id, { encoding: 'json' }))
    } catch (error) {
      if (MmFileError.is(error)) return new News(undefined)
      throw error
    }
  }

  /** Tells how far the task is: from 0 to 1. */
  tell(task: string, fraction: number): void {
    const now = performance.now()
    if (fraction < 1 && fraction > 0 && now - this.#sent < interval) return
    this.#sent = now
    try {
      this.channel?.trySend({ progress: { task, fraction } })
    } catch (error) {
      if (!MmFileError.is(error)) throw error
    }
  }

  close(): void {
    this.channel?.close()
  }
}

function firstOf(channel: Channel<unknown>): unknown {
  try {
    using reader = channel.reader({ from: 'oldest', lossy: true })
    return reader.tryReceive()?.value
  } catch (error) {
    if (MmFileError.is(error)) return undefined
    throw error
  }
}
