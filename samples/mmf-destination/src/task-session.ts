import {
  type About,
  deserializeTasks,
  type RunOptions,
  serializeTasks,
  type TaskInfo,
} from '@mmfile-samples/task-info'
import { readSegment, type Watch, watchFile } from '@mmfile-samples/web-kit'
import { MmFile } from 'mmfile'
import { chooseTask, configureTask } from './choose-task.js'
import { News } from './news-channel.js'
import { type SimulationOptions, simulateTask } from './simulate-task.js'

/** The destination's side of one mapped file, for the page and for the terminal alike. */
export class TaskSession {
  private constructor(
    private readonly file: MmFile,
    private readonly news: News,
    readonly tasks: readonly TaskInfo[],
  ) {}

  static open(id: string): TaskSession {
    const file = MmFile.openExisting(id)
    try {
      const tasks = deserializeTasks(file.read(0))
      return new TaskSession(file, News.open(file.id), tasks)
    } catch (error) {
      file.close()
      throw error
    }
  }

  get id(): string {
    return this.file.id
  }

  /** The news of MmfSource, if it sends any. */
  get about(): About | undefined {
    return this.news.about
  }

  /** Seconds that are left of the run, if MmfSource has told. */
  get left(): number | undefined {
    return this.about && Math.max(0, (this.about.deadline - Date.now()) / 1000)
  }

  choose(options: RunOptions): TaskInfo {
    return configureTask(chooseTask(this.tasks, options.task), options)
  }

  run(task: TaskInfo, options: SimulationOptions): Promise<TaskInfo> {
    const onProgress = (fraction: number) => {
      this.news.tell(task.id, fraction)
      options.onProgress?.(fraction)
    }
    return simulateTask(task, { ...options, onProgress })
  }

  /** Tells the source how the task ended; returns the index of the segment. */
  report(finished: TaskInfo): number {
    return this.file.append(serializeTasks([finished]))
  }

  /** Tells how the file is, now and whenever that changes, until `stop` is called. */
  watch(onChange: Parameters<typeof watchFile>[1]): Watch {
    return watchFile(this.file, onChange)
  }

  /** A segment as text; undefined if it is not there. */
  segment(index: number): string | undefined {
    return readSegment(this.file, index)
  }

  /**
   * Resolves once MmfSource, which made the file, is gone, even if other programs read it; rejects when the signal
   * aborts.
   */
  async whenSourceGone(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.file.waitFor(this.file.length, { signal, requirePeer: 'creator' })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ERR_MMFILE_PEER_GONE') return
        throw error
      }
    }
  }

  close(): void {
    this.news.close()
    this.file.close()
  }
}
