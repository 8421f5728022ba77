// A source that stays alive after its runs, as one with a page does: prints what became of two at once.
import { MmFile } from 'mmfile'
import { exampleTasks } from '../../mmf-source/dist/example-tasks.js'
import { startRun } from '../../mmf-source/dist/task-run.js'

const runs = [false, true].map((fail) =>
  startRun(exampleTasks(), {
    options: { duration: 0, fail },
    timeout: 30_000,
    signal: new AbortController().signal,
  }),
)

const report = await Promise.all(
  runs.map(async ({ file, outcome, ended, close }) => {
    const { kind, task } = await outcome
    await ended
    close()
    return { fileId: file.id, kind, status: task?.status, reopened: reopen(file.id) }
  }),
)
console.log(`\n${JSON.stringify(report)}`)

function reopen(fileId) {
  try {
    MmFile.openExisting(fileId).close()
    return 'opened'
  } catch (error) {
    return error.code
  }
}
