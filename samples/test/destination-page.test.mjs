// MmfDestination as a user operates it, on the test's own file.

import { randomUUID } from 'node:crypto'
import { deserializeTasks } from '../task-info/dist/index.js'
import {
  factsOf,
  hostile,
  isUnharmed,
  resultOf,
  rowOf,
  startBrowser,
  startDestination,
  test,
} from './support/pages.mjs'
import { aTask, isRunning, leavesNothing } from './support/runs.mjs'

const open = startBrowser()

const threeTasks = () => [
  aTask({ name: 'Done before', status: 'Completed', duration: 5 }),
  aTask({
    name: 'Waiting',
    duration: 1,
    priority: 'Low',
    description: 'the first that is pending',
  }),
  aTask({ name: 'Also waiting', duration: 60 }),
]

const bar = (page) => page.getByRole('progressbar', { name: 'Progress' })
/** The bar once it has moved; a single value of it is too short to be seen on a busy machine. */
const moved = (page) => page.locator('[role=progressbar]:not([aria-valuenow="0"])')

test.serial(
  'shows the tasks, runs the one that is selected as configured, and exits',
  async (t) => {
    const tasks = threeTasks()
    const { file, program, address } = await startDestination(t, tasks)
    const page = await open(t, address)
    await rowOf(page, 'Tasks', 'Done before').getByText('Completed').waitFor()
    t.true(await page.getByRole('radio', { name: 'Select Waiting' }).isChecked())
    t.is(await page.getByLabel('Duration').inputValue(), '1')
    t.is(await page.getByLabel('Priority').inputValue(), 'Low')
    // A click anywhere on the row will do.
    await rowOf(page, 'Tasks', 'Also waiting').getByText('1 min').click()
    t.true(await page.getByRole('radio', { name: 'Select Also waiting' }).isChecked())
    t.is(await page.getByLabel('Duration').inputValue(), '60')
    await page.getByLabel('Duration').fill('2')
    await page.getByLabel('Priority').selectOption('High')
    t.true(await page.getByRole('radio', { name: 'Succeed' }).isChecked())
    t.false(await bar(page).isVisible())

    const seen = await page.evaluateHandle(() => {
      const found = []
      const element = document.querySelector('[role=progressbar]')
      new MutationObserver(() => found.push(Number(element.getAttribute('aria-valuenow')))).observe(
        element,
        { attributeFilter: ['aria-valuenow'] },
      )
      return found
    })
    await page.getByRole('button', { name: 'Run task' }).click()
    await bar(page).waitFor()
    t.regex(await resultOf(page).textContent(), /Running/)
    await page.getByText('Done.').waitFor()
    const progress = await seen.jsonValue()
    t.true(progress.length > 10, `moves: ${progress}`)
    t.deepEqual(
      progress,
      progress.toSorted((a, b) => a - b),
    )
    t.is(progress.at(-1), 100)
    t.deepEqual(await factsOf(page), {
      Task: 'Also waiting',
      Duration: '2 s',
      Priority: 'High',
      Result: 'Done in 2 s',
    })
    t.deepEqual(await program.ended, { status: 0, signal: null })
    t.is(file.length, 2)
    const [result, ...others] = deserializeTasks(file.read(1))
    t.deepEqual(others, [])
    t.deepEqual(result, {
      ...tasks[2],
      duration: 2,
      priority: 'High',
      status: 'Completed',
      completed: result.completed,
      result: 'Done in 2 s',
    })
    t.true(result.completed >= tasks[2].created)
  },
)

test.serial('a task that should fail stops half-way, and reports it', async (t) => {
  const { file, program, address } = await startDestination(t, threeTasks())
  const page = await open(t, address)
  await page.getByRole('radio', { name: 'Fail half-way' }).check()
  await page.getByRole('button', { name: 'Run task' }).click()
  await page.getByText('The task failed.').waitFor()
  t.regex(await resultOf(page).textContent(), /Failed half-way, after 0\.5 s/)
  t.deepEqual(await program.ended, { status: 0, signal: null })
  t.is(deserializeTasks(file.read(1))[0].status, 'Failed')
})

test.serial('a cancelled task is a result, too', async (t) => {
  const { file, program, address } = await startDestination(t, threeTasks())
  const page = await open(t, address)
  await page.getByRole('radio', { name: 'Select Also waiting' }).check()
  await page.getByRole('button', { name: 'Run task' }).click()
  const cancel = page.getByRole('button', { name: 'Cancel' })
  await cancel.waitFor()
  await moved(page).waitFor()
  t.true(await page.getByRole('radio', { name: 'Select Waiting' }).isDisabled())
  // Another window, or the same one after it was loaded anew, shows the same.
  await page.reload()
  await cancel.click()
  await page.getByText('The task was cancelled.').waitFor()
  t.deepEqual(await program.ended, { status: 0, signal: null })
  const [result] = deserializeTasks(file.read(1))
  t.is(result.status, 'Cancelled')
  t.regex(result.result, /^Cancelled after \d+\.\d s of 60 s$/)
})

test.serial('shows an error beside its field', async (t) => {
  const { file, address, end } = await startDestination(t, threeTasks())
  const page = await open(t, address)
  const duration = page.getByLabel('Duration')
  await duration.fill('-1')
  await page.getByRole('button', { name: 'Run task' }).click()
  await page.getByText('Give a whole number of seconds, 0 or more.').waitFor()
  t.is(await duration.getAttribute('aria-invalid'), 'true')
  t.is(await duration.getAttribute('aria-describedby'), 'duration-error')
  t.true(await duration.evaluate((element) => element === document.activeElement))
  t.deepEqual(await end(), { status: 143, signal: null })
  t.is(file.length, 1)
})

test.serial(
  'a page that is loaded anew keeps the program, one that is closed ends it',
  async (t) => {
    const { file, program, address } = await startDestination(t, threeTasks())
    const page = await open(t, address)
    await page.getByRole('radio', { name: 'Select Waiting' }).waitFor()
    await page.reload()
    await page.getByRole('radio', { name: 'Select Waiting' }).waitFor()
    t.is(program.child.exitCode, null)
    await page.close()
    t.deepEqual(await program.ended, { status: 3, signal: null })
    t.regex(program.stdout, /Closed without running a task/)
    t.is(file.length, 1)
  },
)

test.serial('a task continues without a page, and its result arrives', async (t) => {
  const { file, program, address } = await startDestination(t, threeTasks())
  const page = await open(t, address)
  await page.getByRole('button', { name: 'Run task' }).click()
  await bar(page).waitFor()
  await page.close()
  t.deepEqual(await program.ended, { status: 0, signal: null })
  t.is(deserializeTasks(file.read(1))[0].status, 'Completed')
})

test.serial('it ends when the source is gone, and says why', async (t) => {
  const { file, program, address } = await startDestination(t, threeTasks())
  const page = await open(t, address)
  await page.getByRole('radio', { name: 'Select Also waiting' }).check()
  await page.getByRole('button', { name: 'Run task' }).click()
  await bar(page).waitFor()
  file.close()
  await page.getByText('MmfSource has ended, so no program waits for a result.').waitFor()
  t.deepEqual(await program.ended, { status: 1, signal: null })
  leavesNothing(t, file.id)
})

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  test.serial(`${signal} ends it without a result, and the page says so`, async (t) => {
    const { file, program, address, end } = await startDestination(t, threeTasks())
    const page = await open(t, address)
    await page.getByRole('radio', { name: 'Select Also waiting' }).check()
    await page.getByRole('button', { name: 'Run task' }).click()
    await bar(page).waitFor()
    t.deepEqual(await end(signal), { status, signal: null })
    await page.getByText('Told to end before there was a result.').waitFor()
    t.is(file.length, 1)
    t.false(isRunning(program.child.pid))
    file.close()
    leavesNothing(t, file.id)
  })
}

test.serial('texts of every kind are shown as they are, and given back as they were', async (t) => {
  const tasks = Object.values(hostile).map((text) => aTask({ name: text, description: text }))
  const { file, address, program } = await startDestination(t, tasks)
  const page = await open(t, address)
  const table = page.getByRole('table', { name: 'Tasks' })
  await table.getByRole('radio').first().waitFor()
  const shown = await table
    .locator('.stack')
    .evaluateAll((stacks) =>
      stacks.map((stack) =>
        [...stack.querySelectorAll('.foreign')].map(({ textContent }) => textContent),
      ),
    )
  t.deepEqual(
    shown,
    Object.values(hostile).map((text) => [text, text]),
  )
  await table.getByRole('radio').nth(4).check()
  await page.getByRole('button', { name: 'Run task' }).click()
  await page.getByText('Done.').waitFor()
  t.is((await factsOf(page)).Task, hostile.lines)
  await isUnharmed(t, page)
  t.is((await program.ended).status, 0)
  t.is(deserializeTasks(file.read(1))[0].name, hostile.lines)
})

test.serial('a file without tasks, and requests that no page makes', async (t) => {
  const { address, end } = await startDestination(t, [])
  const page = await open(t, address)
  await page.getByText('There are no tasks in the file.').waitFor()
  t.true(await page.getByRole('button', { name: 'Run task' }).isDisabled())
  const post = (path, body) =>
    page.evaluate(
      async ([path, body]) => {
        const response = await fetch(path, { method: 'POST', body })
        return [response.status, await response.text()]
      },
      [path, body],
    )
  for (const [path, body, status, message] of [
    ['api/run', 'not JSON', 422, /missing/],
    ['api/run', '[]', 422, /missing/],
    [
      'api/run',
      JSON.stringify({ task: randomUUID(), duration: '1', priority: 'Low', outcome: 'fail' }),
      422,
      /not in the file/,
    ],
    ['api/cancel', undefined, 409, /No task is running/],
    ['api/else', undefined, 404, /nothing at this address/],
  ]) {
    const [found, text] = await post(path, body)
    t.is(found, status, path)
    t.regex(text, message)
  }
  await end()
})
