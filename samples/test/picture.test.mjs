// The picture of the mapped file on both pages: what the library says, and what to do about it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MmFile } from 'mmfile'
import { stopwatch } from '../../__test__/support/time.mjs'
import { watchFile } from '../web-kit/dist/index.js'
import {
  fits,
  isAccessible,
  resultOf,
  rowOf,
  startBrowser,
  startDestination,
  startRun,
  startSource,
  test,
} from './support/pages.mjs'
import { aTask, isRunning } from './support/runs.mjs'

const open = startBrowser()
const tiny = fileURLToPath(new URL('../tiny-destination/main.js', import.meta.url))

const pictureOf = (page) => page.locator('.picture')
const button = (page, name) => page.getByRole('button', { name })

/** The text of a process's box, once it is like that. */
const box = (page, name, text) =>
  pictureOf(page).locator('.process').filter({ hasText: name }).filter({ hasText: text }).waitFor()

test.serial('the picture follows a run on both pages', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  await box(page, 'MmfSource', `process ${program.child.pid}`)
  await box(page, 'MmfDestination', 'Not started')
  await pictureOf(page).getByText('No file yet').waitFor()
  const run = await startRun(page, program)
  const destination = await open(t, run.address)
  for (const each of [page, destination]) {
    await box(each, 'MmfSource', new RegExp(`process ${program.child.pid}.*Alive`))
    await box(each, 'MmfDestination', new RegExp(`process ${run.pid}.*Alive`))
    const picture = pictureOf(each)
    await picture.getByText(run.fileId, { exact: true }).waitFor()
    await picture.getByText(/Segment 0: tasks, 2,\d\d\d bytes/).waitFor()
    await picture.getByText('Segment 1: result, not written yet').waitFor()
    await picture.getByText('Lock: free').waitFor()
    const used = each.getByRole('meter', { name: 'Used bytes' })
    t.regex(await used.getAttribute('aria-valuetext'), /^2,\d\d\d bytes of 6\d,\d\d\d bytes used$/)
    await picture.getByText(`npx mmfile follow ${run.fileId}`).waitFor()
  }
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await button(page, 'Copy').click()
  await button(page, 'Copied').waitFor()
  t.is(await page.evaluate(() => navigator.clipboard.readText()), `npx mmfile follow ${run.fileId}`)
  // The text of a segment is the memory's.
  const file = MmFile.openExisting(run.fileId, { access: 'read' })
  t.teardown(() => file.close())
  for (const each of [page, destination]) {
    await button(each, /^Segment 0/).click()
    const dialog = each.getByRole('dialog', { name: 'Segment 0' })
    t.is(await dialog.locator('pre').textContent(), file.read(0))
    await each.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    t.regex(await each.evaluate(() => document.activeElement.textContent), /^Segment 0/)
  }
  await destination.getByLabel('Duration').fill('3')
  await button(destination, 'Run task').click()
  // Through the channel: the bar of the destination, on the page of the source.
  const bar = page.getByRole('progressbar', { name: 'Progress' })
  await bar.waitFor()
  await rowOf(page, 'Tasks', 'Resize the photos').getByText('Running').waitFor()
  await rowOf(destination, 'Tasks', 'Resize the photos').getByText('Running').waitFor()
  await resultOf(page).getByText('MmfDestination runs the task Resize the photos').waitFor()
  const seen = new Set()
  for (let at = 0; at < 200 && (await bar.isVisible()); at += 1) {
    seen.add(await bar.getAttribute('aria-valuenow').catch(() => null))
    await page.waitForTimeout(50)
  }
  t.true(seen.size > 4, `moves: ${[...seen]}`)
  for (const each of [page, destination]) {
    await button(each, /^Segment 1: result/).waitFor()
    await box(each, 'MmfDestination', 'Ended')
  }
  await rowOf(page, 'Tasks', 'Resize the photos').getByText('Completed').waitFor()
  const back = destination.getByRole('link', { name: 'Back to MmfSource' })
  t.is(await back.getAttribute('href'), address)
  await back.click()
  await rowOf(destination, 'Tasks', 'Resize the photos').getByText('Completed').waitFor()
  t.is(destination.url(), address)
})

test.serial('back and forward, and loading anew, lead to the same', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const run = await startRun(page, program)
  await page.goto(run.address)
  await page.getByRole('radio').first().waitFor()
  await page.goBack()
  await resultOf(page).getByText('MmfDestination waits for you').waitFor()
  await box(page, 'MmfDestination', 'Alive')
  await page.goForward()
  await page.getByLabel('Duration').fill('60')
  await button(page, 'Run task').click()
  await page.getByRole('progressbar').waitFor()
  await page.reload()
  await page.getByRole('progressbar').waitFor()
  await page.goBack()
  await page.getByRole('progressbar').waitFor()
  await resultOf(page).getByText('MmfDestination runs the task').waitFor()
  await page.goForward()
  await button(page, 'Cancel').click()
  await resultOf(page).getByText('The task was cancelled.').waitFor()
  await page.getByRole('link', { name: 'Back to MmfSource' }).click()
  await resultOf(page).getByText('Cancelled after').waitFor()
  t.is(page.url(), address)
})

const stages = {
  'before its page is open': async () => {},
  'while it waits for a choice': async (open) => {
    await (await open()).getByRole('radio').first().waitFor()
  },
  'while its task runs': async (open) => {
    const destination = await open()
    await destination.getByLabel('Duration').fill('60')
    await button(destination, 'Run task').click()
    await destination.locator('[role=progressbar]:not([aria-valuenow="0"])').waitFor()
  },
}

for (const [stage, reach] of Object.entries(stages)) {
  test.serial(`Kill the destination, ${stage}`, async (t) => {
    const { program, address } = await startSource(t)
    const page = await open(t, address)
    const run = await startRun(page, program)
    let destination
    await reach(async () => {
      destination = await open(t, run.address)
      return destination
    })
    await box(page, 'MmfDestination', 'Alive')
    const kill = button(page, 'Kill the destination')
    await kill.click()
    const elapsed = stopwatch()
    await resultOf(page)
      .getByText(/was killed by SIGKILL.*The file is intact/)
      .waitFor()
    const took = elapsed()
    t.log(`said so after ${Math.round(took)} ms`)
    t.true(took < 1000)
    t.false(isRunning(run.pid))
    await box(page, 'MmfDestination', 'Killed')
    await rowOf(page, 'Tasks', 'Resize the photos').getByText('Pending').waitFor()
    // The file is there, for this page and for everyone.
    await button(page, /^Segment 0/).click()
    t.regex(await page.getByRole('dialog').textContent(), /<TaskInfoCollection>/)
    await page.keyboard.press('Escape')
    const file = MmFile.openExisting(run.fileId)
    t.is(file.length, 1)
    file.close()
    if (destination) await box(destination, 'MmfDestination', 'Gone')
    const next = await startRun(page, program)
    const again = await open(t, next.address)
    await again.getByLabel('Duration').fill('0')
    await button(again, 'Run task').click()
    await resultOf(page).getByText('Done in 0 s').waitFor()
  })

  test.serial(`the source is killed, ${stage}`, async (t) => {
    const { program, address } = await startSource(t)
    const page = await open(t, address)
    const run = await startRun(page, program)
    let destination
    await reach(async () => {
      destination = await open(t, run.address)
      return destination
    })
    program.child.kill('SIGKILL')
    await page.getByText('MmfSource does not answer').waitFor()
    await box(page, 'MmfSource', 'Gone')
    // Of the destination nothing is known any more.
    await box(page, 'MmfDestination', 'Not known')
    t.is(await page.getByRole('progressbar').count(), 0)
    t.is(await page.getByText(/waits for you|runs the task|is running/).count(), 0)
    t.is(await page.getByText('Running', { exact: true }).count(), 0)
    await destination?.getByText('MmfSource has ended, so no program waits for a result.').waitFor()
    if (destination) {
      await box(destination, 'MmfSource', 'Gone')
      t.is(await destination.getByRole('link', { name: 'Back to MmfSource' }).count(), 0)
      await box(destination, 'MmfDestination', 'Ended')
    }
    for (let tries = 0; isRunning(run.pid) && tries < 200; tries += 1) await page.waitForTimeout(50)
    t.false(isRunning(run.pid))
    await isAccessible(t, page, 'without its program')
    if (destination) await isAccessible(t, destination, 'ended')
  })
}

test.serial('the destination can be killed from its own page, too', async (t) => {
  const { program, address } = await startDestination(t, [aTask({ duration: 60 })])
  const page = await open(t, address)
  await button(page, 'Kill the destination').click()
  await page.getByText('MmfDestination does not answer').waitFor()
  t.is((await program.ended).signal, 'SIGKILL')
})

test.serial(
  'a destination without a page and without a channel has its picture, too',
  async (t) => {
    const { address } = await startSource(t, '--destination', process.execPath, tiny)
    const page = await open(t, address)
    await button(page, 'Run process').click()
    await button(page, /^Segment 1: result/).waitFor()
    await resultOf(page).getByText('Done, in ten lines').waitFor()
    t.is(await page.getByRole('progressbar').count(), 0)
  },
)

test.serial('the holder of the lock, and other processes that have the file open', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const run = await startRun(page, program)
  const file = MmFile.openExisting(run.fileId)
  await pictureOf(page).getByText(`Process ${process.pid} has it open, too`).waitFor()
  const guard = file.lockSync()
  await pictureOf(page).getByText(`Lock: held by process ${process.pid}`).waitFor()
  guard.release()
  await pictureOf(page).getByText('Lock: free').waitFor()
  file.close()
  await pictureOf(page).getByText('has it open, too').waitFor({ state: 'hidden' })
  t.pass()
})

test.serial('the pictures of two runs at once are accessible, and fit 400 pixels', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address, { viewport: { width: 400, height: 800 } })
  await isAccessible(t, page, 'no run')
  await fits(t, page, 'no run')
  const runs = [await startRun(page, program), await startRun(page, program)]
  await page.getByRole('group', { name: 'Shared memory run 2' }).waitFor()
  t.is(await pictureOf(page).count(), 2)
  await fits(t, page, 'two runs')
  await isAccessible(t, page, 'two runs')
  await button(page, /^Segment 0/)
    .first()
    .click()
  await isAccessible(t, page, 'a segment')
  await page.keyboard.press('Escape')
  await button(page, 'Kill the destination').last().click()
  await resultOf(page).getByText('was killed by SIGKILL').waitFor()
  await isAccessible(t, page, 'a killed run')
  await page.reload()
  await resultOf(page).getByText('was killed by SIGKILL').waitFor()
  t.is(await pictureOf(page).count(), 2)
  t.true(isRunning(runs[1].pid))
})

test('a published picture is not changed by later events', async (t) => {
  const file = MmFile.createNew(1000)
  t.teardown(() => file.close())
  const told = []
  const watch = watchFile(file, (picture) => told.push([picture, JSON.stringify(picture)]))
  const child = spawn(process.execPath, [
    '-e',
    `const file = require('mmfile').MmFile.openExisting('${file.id}'); file.append('a'); file.append('b'); setTimeout(() => {}, 1000)`,
  ])
  await once(child, 'exit')
  await new Promise((resolve) => setTimeout(resolve, 500))
  watch.stop()
  for (const [picture, json] of told) t.is(JSON.stringify(picture), json)
  const { processes, segments } = told.at(-1)[0]
  t.deepEqual(segments, [
    { index: 0, bytes: 2 },
    { index: 1, bytes: 2 },
  ])
  t.deepEqual(
    processes.map(({ pid, open, self }) => [pid, open, self]),
    [
      [process.pid, true, true],
      [child.pid, false, false],
    ],
  )
  t.true(
    told.some(([{ processes }]) => processes.some(({ pid, open }) => pid === child.pid && open)),
  )
})
