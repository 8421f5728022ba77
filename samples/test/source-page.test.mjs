// MmfSource as a user operates it: tasks, a whole run, the keyboard, texts of every kind.

import { join } from 'node:path'
import {
  factsOf,
  hostile,
  isUnharmed,
  resultOf,
  rowOf,
  startBrowser,
  startRun,
  startSource,
  test,
} from './support/pages.mjs'
import { isRunning, leavesNothing, temporaryFolder } from './support/runs.mjs'

const open = startBrowser()

const names = (page) =>
  page
    .getByRole('table', { name: 'Tasks' })
    .locator('tbody .name')
    .evaluateAll((elements) => elements.map((element) => element.textContent))

/** Fills in the given fields and saves. */
async function fillIn(page, { name, description, duration, priority }) {
  const dialog = page.getByRole('dialog')
  if (name !== undefined) await dialog.getByLabel('Name').fill(name)
  if (description !== undefined) await dialog.getByLabel('Description').fill(description)
  if (duration !== undefined) await dialog.getByLabel('Duration').fill(String(duration))
  if (priority !== undefined) await dialog.getByLabel('Priority').selectOption(priority)
  await dialog.getByRole('button', { name: 'Save' }).click()
}

async function create(page, fields) {
  await page.getByRole('button', { name: 'New task' }).click()
  await fillIn(page, fields)
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
}

test.serial('a task is created, run in the other process, and its result is shown', async (t) => {
  const { program, address, end } = await startSource(t)
  const page = await open(t, address)
  await create(page, { name: 'Count the stars', description: 'All', duration: 1, priority: 'High' })
  await rowOf(page, 'Tasks', 'Count the stars').getByText('Pending').waitFor()

  await page.getByRole('button', { name: 'Run process' }).click()
  const link = resultOf(page).getByRole('link', { name: 'Open MmfDestination' })
  await link.waitFor()
  t.regex(await resultOf(page).textContent(), /Run 1 Waiting.*MmfDestination waits for you/)
  const [, pid] = await program.says(/run 1: MmfDestination as process (\d+)/)
  t.true(isRunning(Number(pid)))
  const opened = page.context().waitForEvent('page')
  await link.click()
  const other = await opened
  t.is(new URL(other.url()).hostname, '127.0.0.1')
  t.not(new URL(other.url()).port, new URL(address).port)
  t.is(await other.evaluate(() => document.referrer), '')
  await other.getByRole('radio', { name: 'Select Count the stars' }).check()
  await other.getByRole('button', { name: 'Run task' }).click()
  await other.getByText('Done.').waitFor()

  await resultOf(page).getByText('Completed').first().waitFor()
  t.deepEqual(await factsOf(page), {
    Task: 'Count the stars',
    Duration: '1 s',
    Priority: 'High',
    Result: 'Done in 1 s',
  })
  await rowOf(page, 'Tasks', 'Count the stars').getByText('Completed').waitFor()
  t.is(await resultOf(page).getByRole('link').count(), 0)
  t.is(await page.getByText('Done in 1 s').count(), 1)
  await program.says(/run 1: Completed/)
  const [, id] = await program.says(/run 1: .* on file (\S+)/)
  await other.context().close()
  t.deepEqual(await end('SIGINT'), { status: 0, signal: null })
  t.false(isRunning(Number(pid)))
  leavesNothing(t, id)
})

test.serial('shows each error beside its field', async (t) => {
  const { address } = await startSource(t)
  const page = await open(t, address)
  await page.getByRole('button', { name: 'New task' }).click()
  const dialog = page.getByRole('dialog', { name: 'New task' })
  const name = dialog.getByLabel('Name')
  const duration = dialog.getByLabel('Duration')
  const problem = (field) =>
    field.evaluate((element) => [
      element.getAttribute('aria-invalid'),
      document.getElementById(element.getAttribute('aria-describedby')).textContent,
    ])
  await fillIn(page, { name: '  ', duration: '1.5' })
  await dialog.getByText('Give the task a name.').waitFor()
  t.deepEqual(await problem(name), ['true', 'Give the task a name.'])
  t.deepEqual(await problem(duration), ['true', 'Give a whole number of seconds, 0 or more.'])
  t.true(await name.evaluate((element) => element === document.activeElement))
  await fillIn(page, { name: 'Named', duration: '601' })
  await dialog.getByText('Give at most 600 seconds: MmfSource ends the run then.').waitFor()
  t.deepEqual(await problem(name), [null, ''])
  t.true(await duration.evaluate((element) => element === document.activeElement))
  await fillIn(page, { duration: '' })
  await dialog.getByText('Give a whole number of seconds, 0 or more.').waitFor()
  await fillIn(page, { name: 'bell \u0007', duration: 3 })
  await dialog.getByText('Remove the control characters').waitFor()
  t.is((await names(page)).length, 3)
  await fillIn(page, { name: 'Named' })
  await rowOf(page, 'Tasks', 'Named').waitFor()

  // An error of the last task is not shown for the next one.
  await page.getByRole('button', { name: 'New task' }).click()
  t.deepEqual(await problem(name), [null, ''])
  t.is(await name.inputValue(), '')
})

test.serial('tasks are edited and deleted, and are still there after a restart', async (t) => {
  const store = join(temporaryFolder(t), 'of', 'its own', 'tasks.mmf')
  const first = await startSource(t, '--store', store)
  let page = await open(t, first.address)
  const second = await open(t, first.address)
  await create(page, { name: 'Third', duration: 7 })
  await page.getByRole('button', { name: 'Edit Resize the photos' }).click()
  const dialog = page.getByRole('dialog', { name: 'Edit task' })
  t.is(await dialog.getByLabel('Name').inputValue(), 'Resize the photos')
  t.is(await dialog.getByLabel('Duration').inputValue(), '2')
  await fillIn(page, { name: 'First', duration: 0, priority: 'Low', description: '' })
  await rowOf(page, 'Tasks', 'First').waitFor()
  await page.getByRole('button', { name: 'Delete Render the report' }).click()
  const question = page.getByRole('dialog', { name: 'Delete this task?' })
  t.regex(await question.textContent(), /Render the report/)
  await question.getByRole('button', { name: 'Cancel' }).click()
  t.is((await names(page)).length, 4)
  await page.getByRole('button', { name: 'Delete Render the report' }).click()
  await question.getByRole('button', { name: 'Delete' }).click()
  await rowOf(page, 'Tasks', 'Render the report').waitFor({ state: 'detached' })
  t.deepEqual(await names(page), ['First', 'Tidy the archive', 'Third'])
  // Another window has seen it all happen.
  await rowOf(second, 'Tasks', 'Render the report').waitFor({ state: 'detached' })
  t.deepEqual(await names(second), ['First', 'Tidy the archive', 'Third'])
  t.deepEqual(await first.end(), { status: 0, signal: null })
  await page.getByText('MmfSource has ended').waitFor()

  const again = await startSource(t, '--store', store)
  page = await open(t, again.address)
  await rowOf(page, 'Tasks', 'Third').waitFor()
  t.deepEqual(await names(page), ['First', 'Tidy the archive', 'Third'])
  t.regex(await rowOf(page, 'Tasks', 'First').textContent(), /0 s.*Low.*Pending/)
  // Also after the hardest end.
  await create(page, { name: 'Fourth' })
  await rowOf(page, 'Tasks', 'Fourth').waitFor()
  await again.end('SIGKILL')
  const last = await startSource(t, '--store', store)
  page = await open(t, last.address)
  await rowOf(page, 'Tasks', 'Third').waitFor()
  t.deepEqual(await names(page), ['First', 'Tidy the archive', 'Third', 'Fourth'])
})

test.serial('without tasks there is nothing to run, and the page says what to do', async (t) => {
  const { address } = await startSource(t)
  const page = await open(t, address)
  for (let left = 3; left > 0; left -= 1) {
    await page
      .getByRole('button', { name: /^Delete / })
      .first()
      .click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  }
  await page.getByText('No tasks yet. Create one to run it.').waitFor()
  t.true(await page.getByRole('button', { name: 'Run process' }).isDisabled())
})

test.serial('names and descriptions of every kind are shown as they are', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  for (const name of [hostile.markup, hostile.long, hostile.rightToLeft, hostile.emoji]) {
    await create(page, { name, description: name, duration: 0 })
  }
  await create(page, { name: 'lines', description: hostile.lines })
  await rowOf(page, 'Tasks', 'lines').waitFor()
  t.deepEqual((await names(page)).slice(3), [
    hostile.markup,
    hostile.long,
    hostile.rightToLeft,
    hostile.emoji,
    'lines',
  ])
  const rightToLeft = rowOf(page, 'Tasks', hostile.rightToLeft).locator('.name')
  t.is(await rightToLeft.evaluate((element) => getComputedStyle(element).direction), 'rtl')
  const long = rowOf(page, 'Tasks', hostile.long)
  const height = () => long.evaluate((element) => element.getBoundingClientRect().height)
  const folded = await height()
  const more = long.getByRole('button', { name: 'Show all' }).first()
  await more.click()
  t.true((await height()) > 3 * folded)
  await long.getByRole('button', { name: 'Show less' }).click()
  t.is(await height(), folded)

  const { address: other } = await startRun(page, program)
  const destination = await open(t, other)
  await destination.getByRole('radio', { name: /^Select <img/ }).check()
  await destination.getByRole('button', { name: 'Run task' }).click()
  await destination.getByText('Done.').waitFor()
  t.is((await factsOf(destination)).Task, hostile.markup)
  await resultOf(page).getByText('Completed').first().waitFor()
  t.is((await factsOf(page)).Task, hostile.markup)
  for (const each of [page, destination]) await isUnharmed(t, each)
})

test.serial('the whole round is done with the keyboard alone', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  await rowOf(page, 'Tasks', 'Tidy the archive').waitFor()
  const key = (...keys) => pressAll(page, keys)
  await tabTo(page, 'New task')
  await key('Enter')
  t.is(await focused(page), 'Name')
  await page.keyboard.type('Typed')
  await tabTo(page, 'Duration in seconds')
  await page.keyboard.press('Control+A')
  await page.keyboard.type('0')
  await key('Enter')
  await rowOf(page, 'Tasks', 'Typed').waitFor()
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  t.is(await focused(page), 'New task')
  await tabTo(page, 'Edit Typed')
  await key('Enter')
  t.is(await focused(page), 'Name')
  await key('Escape')
  t.is(await focused(page), 'Edit Typed')
  await tabTo(page, 'Delete Resize the photos')
  await key('Enter')
  await tabTo(page, 'Delete')
  await key('Enter')
  await rowOf(page, 'Tasks', 'Resize the photos').waitFor({ state: 'detached' })
  // The next task takes the place of the one that is gone.
  t.is(await focused(page), 'Delete Render the report')
  await tabTo(page, 'Run process')
  await key('Enter')
  await program.says(/run 1: .*open http/)
  await tabTo(page, 'Open MmfDestination (run 1)')
  const opened = page.context().waitForEvent('page')
  await key('Enter')
  const other = await opened
  other.setDefaultTimeout(30_000)
  await other.getByRole('radio', { name: 'Select Typed' }).waitFor()
  await tabTo(other, 'Select Render the report')
  await pressAll(other, ['ArrowDown', 'ArrowDown'])
  t.is(await focused(other), 'Select Typed')
  t.is(await other.getByLabel('Duration').inputValue(), '0')
  await tabTo(other, 'Run task')
  await other.keyboard.press('Enter')
  await other.getByText('Done.').waitFor()
  await resultOf(page).getByText('Completed').first().waitFor()
  t.is((await factsOf(page)).Task, 'Typed')
})

async function pressAll(page, keys) {
  for (const key of keys) await page.keyboard.press(key)
}

/** The accessible name of the focused element. */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement
    return (
      element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent
    )
  })
}

async function tabTo(page, name) {
  for (let presses = 0; presses < 60; presses += 1) {
    if ((await focused(page)) === name) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the key Tab does not lead to ${name}`)
}
