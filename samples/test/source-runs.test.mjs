// How runs end, seen from MmfSource's page: by any number of results, and by everything that prevents one.

import { fileURLToPath } from 'node:url'
import {
  factsOf,
  resultOf,
  rowOf,
  startBrowser,
  startRun,
  startSource,
  test,
} from './support/pages.mjs'
import { isRunning, leavesNothing } from './support/runs.mjs'

const open = startBrowser()
const tiny = fileURLToPath(new URL('../tiny-destination/main.js', import.meta.url))

/** The text of the result region for a run, once it is over. */
async function ending(page, number) {
  const name = new RegExp(`^Run ${number} (?!Running|Waiting)`)
  const heading = resultOf(page).getByRole('heading', { name })
  await heading.waitFor()
  return heading.locator('xpath=..').textContent()
}

/** Chooses a task in the destination's page and runs it for that long. */
async function runTask(destination, task, seconds) {
  await destination.getByRole('radio', { name: `Select ${task}` }).check()
  await destination.getByLabel('Duration').fill(String(seconds))
  await destination.getByRole('button', { name: 'Run task' }).click()
}

test.serial('a destination that is killed while its task runs', async (t) => {
  const { program, address, end } = await startSource(t)
  const page = await open(t, address)
  const run = await startRun(page, program)
  const destination = await open(t, run.address)
  await runTask(destination, 'Tidy the archive', 60)
  await destination.locator('[role=progressbar]:not([aria-valuenow="0"])').waitFor()
  process.kill(run.pid, 'SIGKILL')
  const said = await ending(page, run.number)
  const sentence = /MmfDestination was killed by SIGKILL before it had a result\./
  t.regex(said, sentence)
  t.regex(said, /Killed/)
  t.is(await page.getByRole('link').count(), 0)
  await destination.getByText('MmfDestination does not answer').waitFor()
  await rowOf(page, 'Tasks', 'Tidy the archive').getByText('Pending').waitFor()

  // The next run is not affected.
  const next = await startRun(page, program)
  const again = await open(t, next.address)
  await runTask(again, 'Resize the photos', 0)
  t.regex(await ending(page, next.number), /Done in 0 s/)
  await program.says(/run 2: Completed/)
  t.deepEqual(await end(), { status: 0, signal: null })
  for (const { pid, fileId } of [run, next]) {
    t.false(isRunning(pid))
    leavesNothing(t, fileId)
  }
})

test.serial('a destination that is closed before it has run anything', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const run = await startRun(page, program)
  const destination = await open(t, run.address)
  await destination.getByRole('button', { name: 'Close' }).click()
  await destination.getByText('Closed without running a task.').waitFor()
  const said = await ending(page, run.number)
  t.regex(said, /MmfDestination was closed before it had a result\./)
  t.regex(said, /Closed/)
})

test.serial('a destination that takes longer than the time limit', async (t) => {
  const { program, address, end } = await startSource(t, '--timeout', '2')
  const page = await open(t, address)
  await page.getByText('may take 2 s').waitFor()
  const run = await startRun(page, program)
  // One that does not listen, either.
  process.kill(run.pid, 'SIGSTOP')
  const said = await ending(page, run.number)
  t.regex(said, /MmfDestination took longer than the limit of 2 s\. It was stopped\./)
  t.regex(said, /Timed out/)
  t.deepEqual(await end(), { status: 0, signal: null })
  t.false(isRunning(run.pid))
  leavesNothing(t, run.fileId)
})

test.serial('a run that is cancelled, and one that is stopped from here', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const run = await startRun(page, program)
  const destination = await open(t, run.address)
  await runTask(destination, 'Render the report', 60)
  await destination.getByRole('button', { name: 'Cancel' }).click()
  const cancelled = await ending(page, run.number)
  t.regex(cancelled, /Cancelled after \d+\.\d s of 60 s/)
  t.regex(cancelled, /^Run 1 Cancelled/)
  await rowOf(page, 'Tasks', 'Render the report').getByText('Cancelled').waitFor()

  const next = await startRun(page, program)
  await page.getByRole('button', { name: `Stop run ${next.number}` }).click()
  const stopped = await ending(page, next.number)
  t.regex(stopped, /MmfDestination was stopped before it had a result\./)
  t.regex(stopped, /Stopped/)
})

test.serial('two runs at once, each with its own file', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const runs = [await startRun(page, program), await startRun(page, program)]
  t.is(new Set(runs.map(({ fileId }) => fileId)).size, 2)
  t.is(new Set(runs.map(({ pid }) => pid)).size, 2)
  t.is(new Set(runs.map((run) => new URL(run.address).port)).size, 2)
  const links = resultOf(page).getByRole('link', { name: /^Open MmfDestination/ })
  await links.nth(1).waitFor()
  t.is(await links.count(), 2)
  const pages = [await open(t, runs[0].address), await open(t, runs[1].address)]
  await runTask(pages[0], 'Resize the photos', 60)
  await pages[0].locator('[role=progressbar]:not([aria-valuenow="0"])').waitFor()
  await runTask(pages[1], 'Render the report', 0)
  const second = await ending(page, runs[1].number)
  t.regex(await resultOf(page).textContent(), /Run 1 Running.*MmfDestination runs the task Resize/)
  t.regex(second, /Render the report.*Done in 0 s/)
  await pages[0].getByRole('button', { name: 'Cancel' }).click()
  const first = await ending(page, runs[0].number)
  t.regex(first, /Resize the photos.*Cancelled after/)
  t.is(await resultOf(page).getByRole('button').count(), 0)
})

for (const [signal, status] of [
  ['SIGINT', 0],
  ['SIGTERM', 0],
]) {
  test.serial(`${signal} ends MmfSource, and every destination with it`, async (t) => {
    const { program, address } = await startSource(t)
    const page = await open(t, address)
    const runs = [await startRun(page, program), await startRun(page, program)]
    const destination = await open(t, runs[0].address)
    await runTask(destination, 'Tidy the archive', 60)
    await destination.getByRole('button', { name: 'Cancel' }).waitFor()
    program.child.kill(signal)
    t.deepEqual(await program.ended, { status, signal: null })
    await page.getByText('MmfSource has ended.').waitFor()
    await destination.getByText('Told to end before there was a result.').waitFor()
    for (const { pid, fileId } of runs) {
      t.false(isRunning(pid))
      leavesNothing(t, fileId)
    }
  })
}

test.serial('a destination of ten lines reads the tasks and gives a result', async (t) => {
  const { address } = await startSource(t, '--destination', process.execPath, tiny)
  const page = await open(t, address)
  await page.getByRole('button', { name: 'Run process' }).click()
  const said = await ending(page, 1)
  t.regex(said, /Run 1 Completed/)
  t.deepEqual(await factsOf(page), {
    Task: 'Resize the photos',
    Duration: '2 s',
    Priority: 'Normal',
    Result: 'Done, in ten lines',
  })
})

for (const [what, command, message] of [
  ['is not there', ['./no-such-program'], /no-such-program could not be started: .*ENOENT/],
  [
    'gives up, with its last words',
    [process.execPath, '-e', 'console.error("the disk is <full>"); process.exit(7)'],
    /exited with status 7 without a result\. It said: the disk is <full>/,
  ],
  [
    'writes what is no result',
    [
      process.execPath,
      '-e',
      'const file = require("mmfile").MmFile.openExisting(process.argv[1]); file.append("<no/>")',
    ],
    /The result of .* cannot be used: the root element is "no", not TaskInfoCollection/,
  ],
  [
    'ends without a word',
    [process.execPath, '-e', '0'],
    /exited with status 0 without a result\.$/,
  ],
]) {
  test.serial(`a destination that ${what}`, async (t) => {
    const { address } = await startSource(t, '--destination', ...command)
    const page = await open(t, address)
    await page.getByRole('button', { name: 'Run process' }).click()
    const said = await ending(page, 1)
    t.regex(said, message)
    t.regex(said, /No result/)
  })
}
