import {
  deserializeTasks,
  type RunOptions,
  serializeTasks,
  type TaskInfo,
} from '@mmfile-samples/task-info'
import { MmFile } from 'mmfile'
import { chooseTask, configureTask } from './choose-task.js'
import { type SimulationOptions, simulateTask } from './simulate-task.js'

/** The destination's side of one mapped file, whoever shows it to the user. */
export class TaskSession {
  private constructor(
    private readonly file: MmFile,
    readonly tasks: readonly TaskInfo[],
  ) {}

  static open(id: string): TaskSession {
    const file = MmFile.openExisting(id)
    try {
      return new TaskSession(file, deserializeTasks(file.read(0)))
    } catch (error) {
      file.close()
      throw error
    }
  }

  get id(): string {
    return this.file.id
  }

  choose(options: RunOptions): TaskInfo {
    return configureTask(chooseTask(this.tasks, options.task), options)
  }

  run(task: TaskInfo, options: SimulationOptions): Promise<TaskInfo> {
    return simulateTask(task, options)
  }

  /** Tells the source how the task ended; returns the index of the segment. */
  report(finished: TaskInfo): number {
    return this.file.append(serializeTasks([finished]))
  }

  /** Resolves once no other process has the file open any more; rejects when it is not to be waited for. */
  async whenAlone(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.file.waitFor(this.file.length, { signal, requirePeer: true })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ERR_MMFILE_PEER_GONE') return
        throw error
      }
    }
  }

  close(): void {
    this.file.close()
  }
}
