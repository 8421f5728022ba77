// Faults that the pages once had: impatient clicks, slow connections, and processes that are gone.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MmFile } from 'mmfile'
import { serializeTasks } from '../task-info/dist/index.js'
import {
  isAccessible,
  resultOf,
  rowOf,
  slowDown,
  startBrowser,
  startDestination,
  startRun,
  startSource,
  test,
} from './support/pages.mjs'
import { aTask, isRunning, temporaryFolder } from './support/runs.mjs'

const open = startBrowser()
const narrow = { viewport: { width: 400, height: 800 } }

const tasksOf = (page) => page.getByRole('table', { name: 'Tasks' }).locator('tbody tr')
const button = (page, name) => page.getByRole('button', { name })

/** Whether something of that kind can be used: it is there, and enabled. */
const usable = async (locator) => (await locator.count()) > 0 && (await locator.first().isEnabled())

async function begin(page, name = 'Impatience') {
  await button(page, 'New task').click()
  await page.getByRole('dialog').getByLabel('Name').fill(name)
}

test.serial('a double click on Save makes one task', async (t) => {
  const { address } = await startSource(t)
  const page = await open(t, address)
  await begin(page)
  await button(page, 'Save').dblclick()
  await rowOf(page, 'Tasks', 'Impatience').first().waitFor()
  await page.waitForTimeout(500)
  t.is(await tasksOf(page).count(), 4)
  t.is(await page.getByRole('dialog').count(), 0)
})

test.serial(
  'three clicks on a slow connection make one task, and the button is busy',
  async (t) => {
    const { address } = await startSource(t)
    const page = await open(t, address)
    await begin(page)
    await slowDown(page)
    for (let clicks = 0; clicks < 3; clicks += 1) await button(page, 'Save').click()
    t.is(await button(page, 'Save').getAttribute('aria-busy'), 'true')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.waitForTimeout(2500)
    t.is(await tasksOf(page).count(), 4)
  },
)

test.serial(
  'the same request twice, as a browser may send it, is one task and one run',
  async (t) => {
    const { program, address } = await startSource(t)
    const page = await open(t, address)
    const post = (path, body) =>
      page.evaluate(
        async ([path, body]) => {
          const headers = { 'Content-Type': 'application/json' }
          const response = await fetch(path, {
            method: 'POST',
            headers,
            body: JSON.stringify(body),
          })
          return [response.status, await response.text()]
        },
        [path, body],
      )
    const id = crypto.randomUUID()
    const task = { id, name: 'Twice', description: '', duration: '1', priority: 'Low' }
    t.is((await post('api/tasks', task))[0], 201)
    t.is((await post('api/tasks', task))[0], 201)
    await rowOf(page, 'Tasks', 'Twice').waitFor()
    t.is(await tasksOf(page).count(), 4)
    const key = crypto.randomUUID()
    const [first, second] = [await post('api/runs', { key }), await post('api/runs', { key })]
    t.deepEqual(first[0], 201)
    t.deepEqual(JSON.parse(first[1]).number, JSON.parse(second[1]).number)
    await program.says(/run 1: .*open http/)
    t.notRegex(program.stdout, /run 2/)
    for (let times = 0; times < 2; times += 1) {
      const [status] = await post('api/runs/1/stop', {})
      t.is(status, 204)
    }
    t.is((await post('api/runs/9/stop', {}))[0], 404)
  },
)

for (const [what, click, slow] of [
  ['a double click', (run) => run.dblclick(), false],
  ['three clicks on a slow connection', (run) => clickThrice(run), true],
]) {
  test.serial(`${what} on Run process starts one process`, async (t) => {
    const { program, address } = await startSource(t)
    const page = await open(t, address)
    await rowOf(page, 'Tasks', 'Tidy the archive').waitFor()
    if (slow) await slowDown(page)
    await click(button(page, 'Run process'))
    await program.says(/run 1: .*open http/)
    await page.waitForTimeout(slow ? 5000 : 500)
    t.notRegex(program.stdout, /run 2/)
  })
}

/** Clicks like a user who waits: an element that is gone is not clicked. */
async function clickThrice(run) {
  await run.click()
  for (let more = 0; more < 2; more += 1) await run.click({ timeout: 300 }).catch(() => {})
}

for (const slow of [false, true]) {
  test.serial(`a double click on Run task${slow ? ', slowly,' : ''} leaves no error`, async (t) => {
    const { address } = await startDestination(t, [aTask({ duration: 60 })])
    const page = await open(t, address)
    await page.getByRole('radio').first().waitFor()
    if (slow) await slowDown(page)
    const run = button(page, 'Run task')
    if (slow) await clickThrice(run)
    else await run.dblclick()
    await page.getByRole('progressbar').first().waitFor()
    await page.waitForTimeout(1000)
    t.false(await page.getByRole('alert').first().isVisible())
    const cancel = button(page, 'Cancel')
    if (slow) await clickThrice(cancel)
    else await cancel.dblclick()
    await resultOf(page).getByText('Cancelled after').waitFor()
    await page.waitForTimeout(slow ? 2500 : 300)
    t.false(await page.getByRole('alert').first().isVisible())
  })
}

test.serial('requests that are sent twice, or by two windows, leave no error', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const other = await open(t, address)
  const noError = async (...pages) => {
    for (const each of pages) {
      for (const alert of await each.getByRole('alert').all()) t.false(await alert.isVisible())
    }
  }
  for (const each of [page, other]) await button(each, 'Delete Tidy the archive').click()
  await page.locator('button.danger[type=submit]').dblclick()
  await rowOf(page, 'Tasks', 'Tidy the archive').waitFor({ state: 'detached' })
  await other.locator('button.danger[type=submit]').click()
  await other.getByRole('dialog').waitFor({ state: 'hidden' })
  t.is(await tasksOf(page).count(), 2)
  await startRun(page, program)
  await button(page, 'Stop run 1').dblclick()
  await resultOf(page).getByText('was stopped').waitFor()
  const run = await startRun(page, program)
  const windows = [await open(t, run.address), await open(t, run.address)]
  await windows[1].getByRole('radio', { name: 'Select Render the report' }).check()
  for (const each of windows) await each.getByLabel('Duration').fill('60')
  // Both at once: one of them is first, and the other one shows what that chose, perhaps before its button is hit.
  const click = (each) => button(each, 'Run task').click({ timeout: 3000 })
  await Promise.any(windows.map(click))
  for (const each of windows) await button(each, 'Cancel').waitFor()
  await noError(...windows)
  await button(page, 'Kill the destination').dblclick()
  await resultOf(page).getByText('was killed by SIGKILL').waitFor()
  await page.waitForTimeout(300)
  await noError(page, other)
})

test.serial(
  'a page whose program was killed says so, and offers nothing that it cannot do',
  async (t) => {
    const { program, address } = await startSource(t)
    const page = await open(t, address)
    const run = await startRun(page, program)
    const destination = await open(t, run.address)
    await button(destination, 'Run task').click()
    await button(destination, 'Cancel').waitFor()
    process.kill(run.pid, 'SIGKILL')
    await destination.getByText('MmfDestination does not answer').waitFor()
    t.false(await destination.getByText('Running', { exact: true }).first().isVisible())
    t.false(await usable(button(destination, 'Cancel')))
    t.false(await usable(button(destination, 'Run task')))
    const next = await startRun(page, program)
    program.child.kill('SIGKILL')
    await page.getByText('MmfSource does not answer').waitFor()
    t.is(await page.getByText('Running', { exact: true }).count(), 0)
    for (const name of ['Run process', 'Stop', 'New task', 'Edit', 'Delete']) {
      t.false(await usable(page.getByRole('button', { name })), name)
    }
    t.is(await page.getByRole('link', { name: /Open/ }).count(), 0)
    for (let tries = 0; isRunning(next.pid) && tries < 100; tries += 1)
      await page.waitForTimeout(50)
    t.false(isRunning(next.pid), 'the destination ends with its source')
  },
)

test.serial('a failed task does not say Done', async (t) => {
  const { program, address } = await startDestination(t, [aTask({ duration: 0 })])
  const page = await open(t, address)
  await page.getByRole('radio', { name: 'Fail half-way' }).check()
  await button(page, 'Run task').click()
  await resultOf(page).getByText('The task failed.').waitFor()
  t.is(await page.getByText('Done').count(), 0)
  t.is((await program.ended).status, 0)
})

test.serial("an older run's link cannot be taken for the new one's", async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const first = await startRun(page, program)
  const primary = page.locator('a.primary')
  t.is(await primary.getAttribute('href'), first.address)
  const place = await primary.boundingBox()
  await button(page, 'Run process').click()
  await page.getByRole('heading', { name: /^Run 2/ }).waitFor()
  // The element in the link's place does not lead to the older run.
  const under = await page.evaluate(
    ({ x, y, width, height }) =>
      document.elementFromPoint(x + width / 2, y + height / 2)?.closest('a')?.href ?? null,
    place,
  )
  t.not(under, first.address)
  const [, second] = await program.says(/run 2: .*open (http:\S+)/)
  await page.locator(`a.primary[href="${second}"]`).waitFor()
  t.is(await primary.count(), 1)
  for (const link of await page.getByRole('link', { name: /Open/ }).all()) {
    const number = (await link.getAttribute('href')) === second ? 2 : 1
    t.regex(await link.textContent(), new RegExp(`run ${number}`))
  }
})

test.serial('at 400 pixels a row is one piece, and no label is without a value', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address, narrow)
  const run = await startRun(page, program)
  await button(page, 'Stop run 1').click()
  await resultOf(page).getByText('was stopped').waitFor()
  const next = await startRun(page, program)
  const empty = await page.evaluate(() =>
    [...document.querySelectorAll('td')]
      .filter((cell) => cell.textContent === '' && cell.getBoundingClientRect().height > 0)
      .map((cell) => cell.dataset.label),
  )
  t.deepEqual(empty, [])
  const labels = await page.evaluate(() =>
    [...document.querySelectorAll('td:has(.actions)')].map(
      (cell) => getComputedStyle(cell, '::before').content,
    ),
  )
  t.false(
    labels.some((label) => label.includes('Actions')),
    String(labels),
  )
  const destination = await open(t, next.address, narrow)
  const row = destination.locator('tr.chosen')
  const colours = await row.evaluate((element) => [
    getComputedStyle(element).backgroundColor,
    ...new Set([...element.cells].map((cell) => getComputedStyle(cell).backgroundColor)),
  ])
  t.deepEqual(colours.slice(1), ['rgba(0, 0, 0, 0)'])
  t.not(colours[0], 'rgba(0, 0, 0, 0)')
  t.truthy(run)
})

test.serial('a label never shifts its field, at any width', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const run = await startRun(page, program)
  const destination = await open(t, run.address)
  await button(page, 'New task').click()
  for (const each of [page, destination]) {
    for (let width = 320; width <= 1000; width += 20) {
      await each.setViewportSize({ width, height: 800 })
      const [duration, priority] = await each.evaluate(() =>
        ['duration', 'priority'].map((id) => document.getElementById(id).getBoundingClientRect()),
      )
      const together = Math.abs(duration.top - priority.top) < 40
      if (together) t.is(duration.top, priority.top, `${width} pixels`)
    }
  }
})

test.serial('with 36 tasks the way on is in sight', async (t) => {
  const tasks = Array.from({ length: 36 }, (_, at) =>
    aTask({ name: `Task ${at + 1}`, duration: 1 }),
  )
  const { address } = await startDestination(t, tasks)
  for (const viewport of [{ width: 1000, height: 800 }, narrow.viewport]) {
    const page = await open(t, address, { viewport })
    await page.getByRole('radio', { name: 'Select Task 1', exact: true }).waitFor()
    const box = await button(page, 'Run task').boundingBox()
    t.true(box.y >= 0 && box.y + box.height <= viewport.height, JSON.stringify(box))
  }
})

test.serial('a task cannot take longer than the run that it is for', async (t) => {
  const folder = temporaryFolder(t)
  const tasks = join(folder, 'tasks.xml')
  writeFileSync(tasks, serializeTasks([aTask()]))
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  await begin(page)
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Duration').fill('99999999')
  await button(page, 'Save').click()
  await dialog.getByText('Give at most 600 seconds').waitFor()
  await page.keyboard.press('Escape')
  const run = await startRun(page, program)
  const destination = await open(t, run.address)
  await destination.getByLabel('Duration').fill('99999999')
  await button(destination, 'Run task').click()
  await destination.getByText(/Give at most \d+ seconds/).waitFor()
  const [, most] = /at most (\d+) seconds/.exec(
    await destination.locator('#duration-error').textContent(),
  )
  t.true(Number(most) <= 600 && Number(most) > 500, most)
})

test.serial('Enter that is held starts one process, and deletes one task', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  await rowOf(page, 'Tasks', 'Tidy the archive').waitFor()
  const hold = async (name) => {
    await button(page, name).focus()
    for (let times = 0; times < 12; times += 1) {
      await page.keyboard.down('Enter')
      await page.waitForTimeout(40)
    }
    await page.keyboard.up('Enter')
  }
  await hold('Run process')
  await program.says(/run 1: .*open http/)
  await page.waitForTimeout(500)
  t.notRegex(program.stdout, /run 2/)
  await hold('Delete Tidy the archive')
  await page.getByRole('dialog', { name: 'Delete this task?' }).waitFor()
  // The button that deletes does not have the focus first.
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await rowOf(page, 'Tasks', 'Tidy the archive').waitFor({ state: 'detached' })
  t.is(await tasksOf(page).count(), 2)
})

test.serial('ending a run by the keyboard moves the focus to its result', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  const focused = () => page.evaluate(() => document.activeElement.id)
  for (const [name, said] of [
    ['Stop run 1', 'was stopped'],
    ['Kill the destination', 'was killed'],
  ]) {
    await startRun(page, program)
    await button(page, name).waitFor()
    await button(page, name).focus()
    await page.keyboard.press('Enter')
    await resultOf(page).getByText(said).waitFor()
    await button(page, name).waitFor({ state: 'hidden' })
    t.is(await focused(), 'result', name)
  }
})

test.serial(
  'the death of the source is noticed, although another process follows the file',
  async (t) => {
    const { program, address } = await startSource(t)
    const page = await open(t, address)
    const run = await startRun(page, program)
    const file = MmFile.openExisting(run.fileId, { access: 'read' })
    t.teardown(() => file.close())
    const destination = await open(t, run.address)
    await destination.getByRole('radio').first().waitFor()
    program.child.kill('SIGKILL')
    await destination.getByText('MmfSource has ended, so no program waits for a result.').waitFor()
    for (let tries = 0; isRunning(run.pid) && tries < 200; tries += 1)
      await destination.waitForTimeout(50)
    t.false(isRunning(run.pid))
  },
)

test.serial('a destination that damages the file ends its run, and nothing else', async (t) => {
  const folder = temporaryFolder(t)
  const vandal = join(folder, 'vandal.mjs')
  writeFileSync(
    vandal,
    `import { openSync, writeSync } from 'node:fs'
     const place = process.env.MMFILE_DIRECTORY ?? '/dev/shm'
     writeSync(openSync(\`\${place}/mmfile-data-\${process.argv.at(-1)}\`, 'r+'), Buffer.alloc(4, 200), 0, 4, 0)
     process.kill(process.pid, 'SIGKILL')`,
  )
  const { program, address } = await startSource(t, '--destination', process.execPath, vandal)
  const page = await open(t, address)
  for (const number of [1, 2]) {
    await button(page, 'Run process').click()
    await page.getByRole('heading', { name: `Run ${number} ` }).waitFor()
    await resultOf(page)
      .getByText('cannot be used')
      .or(resultOf(page).getByText('has written over segment 0'))
      .waitFor()
  }
  t.is(program.child.exitCode, null)
  await isAccessible(t, page, 'a damaged file')
})

test.serial('a list that cannot be saved is said, beside the result', async (t) => {
  const folder = join(temporaryFolder(t), 'list')
  const { program, address } = await startSource(t, '--store', join(folder, 'tasks.mmf'))
  const page = await open(t, address)
  await begin(page, 'Large')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Description').fill('x'.repeat(90_000))
  await button(page, 'Save').click()
  await dialog.waitFor({ state: 'hidden' })
  rmSync(folder, { recursive: true })
  // Until the file is full: then another one takes its place.
  for (let number = 1; number < 6; number += 1) {
    const run = await startRun(page, program)
    const destination = await open(t, run.address)
    await destination.getByLabel('Duration').fill('0')
    await button(destination, 'Run task').click()
    await page.getByRole('heading', { name: `Run ${number} Completed` }).waitFor()
    if ((await resultOf(page).getByText('could not be saved').count()) > 0) break
  }
  t.is(await resultOf(page).getByText('could not be saved').count(), 1)
  t.is(program.child.exitCode, null)
  await button(page, 'Edit Large').click()
  await dialog.getByLabel('Description').fill('y'.repeat(90_000))
  await button(page, 'Save').click()
  await dialog.getByRole('alert').getByText(/./).waitFor()
})

test.serial('on a slow connection one dialog opens, and no other above it', async (t) => {
  const { program, address } = await startSource(t)
  const page = await open(t, address)
  await startRun(page, program)
  const segment = button(page, /^Segment 0/)
  await segment.waitFor()
  await slowDown(page)
  await segment.click()
  await button(page, 'New task').click()
  await page.waitForTimeout(3000)
  t.is(await page.getByRole('dialog').count(), 1)
  await page.getByRole('dialog', { name: 'New task' }).waitFor()
  await page.keyboard.press('Escape')
  await segment.click()
  await page.getByRole('dialog', { name: 'Segment 0' }).waitFor()
})

test.serial(
  'a source that is started again at the same port says so to its old page',
  async (t) => {
    const port = String(20_000 + (process.pid % 20_000))
    const store = join(temporaryFolder(t), 'tasks.mmf')
    const first = await startSource(t, '--store', store, '--port', port)
    const page = await open(t, first.address)
    await rowOf(page, 'Tasks', 'Tidy the archive').waitFor()
    await first.end('SIGKILL')
    await page.getByText('MmfSource does not answer').waitFor()
    const second = await startSource(t, '--store', store, '--port', port)
    await page.getByText('MmfSource has been started again').waitFor()
    await page.goto(second.address)
    await rowOf(page, 'Tasks', 'Tidy the archive').waitFor()
    t.pass()
  },
)

test.serial('a result that comes while the run is being stopped is the result', async (t) => {
  const folder = temporaryFolder(t)
  const slow = join(folder, 'slow.mjs')
  const parts = ['task-info', 'mmfile'].map((name) =>
    name === 'mmfile'
      ? fileURLToPath(new URL('../../index.js', import.meta.url))
      : fileURLToPath(new URL(`../${name}/dist/index.js`, import.meta.url)),
  )
  // It replies to the request to end with its result.
  writeFileSync(
    slow,
    `import { createRequire } from 'node:module'
     const [{ deserializeTasks, serializeTasks }, { MmFile }] = ${JSON.stringify(parts)}.map(createRequire(import.meta.url))
     const file = MmFile.openExisting(process.argv.at(-1))
     const [task] = deserializeTasks(file.read(0))
     console.log('ready')
     process.on('SIGTERM', () => {
       file.append(serializeTasks([{ ...task, status: 'Cancelled', completed: new Date(), result: 'Just in time' }]))
       process.exit(0)
     })
     setInterval(() => {}, 1000)`,
  )
  const { program, address } = await startSource(t, '--destination', process.execPath, slow)
  const page = await open(t, address)
  await button(page, 'Run process').click()
  await program.says(/run 1: ready/)
  await button(page, 'Stop run 1').click()
  await resultOf(page).getByText('Just in time').waitFor()
  await page.getByRole('heading', { name: 'Run 1 Cancelled' }).waitFor()
  t.pass()
})
