// The pages of the samples, in a browser, and what is true of any state of them.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ava from 'ava'
import axe from 'axe-core'
import { serializeTasks } from '../../task-info/dist/index.js'
import { hasChromium, launchChromium } from './chromium.mjs'
import { Program } from './program.mjs'
import { fileWith, temporaryFolder } from './runs.mjs'

const main = (name) => fileURLToPath(new URL(`../../${name}/dist/main.js`, import.meta.url))

/** Longer than anything takes on a busy machine; every wait is for a condition. */
const patience = 30_000

/** ava's `test`, for tests that are skipped where there is no browser. */
export const test = hasChromium
  ? ava
  : Object.assign((...all) => ava.skip(...all), { serial: ava.serial.skip })

/**
 * Starts a browser for the tests of a file. Returns a function that opens a page in it, each in a
 * separate profile. A test fails if its page has an error; a foreign page may.
 */
export function startBrowser() {
  let browser
  if (hasChromium) {
    ava.before(async () => {
      browser = await launchChromium()
    })
    ava.after.always(() => browser?.close())
  }
  return async (t, address, { foreign = false, ...options } = {}) => {
    const context = await browser.newContext({
      viewport: { width: 1000, height: 800 },
      locale: 'en-GB',
      ...options,
    })
    context.setDefaultTimeout(patience)
    const problems = []
    context.on('weberror', (error) => problems.push(String(error.error())))
    context.on('dialog', (dialog) => {
      problems.push(`a dialog said ${dialog.message()}`)
      dialog.dismiss()
    })
    context.on('console', (message) => {
      // Answers such as 422, and programs that are gone, are what some tests are about.
      const expected = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !expected) problems.push(message.text())
    })
    t.teardown(async () => {
      await context.close()
      if (problems.length > 0 && !foreign) throw new Error(`in the page: ${problems.join('\n')}`)
    })
    const page = await context.newPage()
    await page.goto(address)
    return page
  }
}

/** MmfSource with its own list of tasks; `args` may name the list. */
export async function startSource(t, ...args) {
  const own = args.includes('--store') ? [] : ['--store', join(temporaryFolder(t), 'tasks.mmf')]
  return startProgram(t, 'mmf-source', [...own, ...args])
}

/** MmfDestination on a file of the test's own. */
export async function startDestination(t, tasks) {
  const file = fileWith(t, serializeTasks(tasks), 1 << 20)
  return { file, ...(await startProgram(t, 'mmf-destination', [file.id])) }
}

async function startProgram(t, name, args) {
  const program = new Program(t, main(name), args)
  const end = (signal = 'SIGTERM') => {
    program.child.kill(signal)
    return program.ended
  }
  // Before it is killed: a killed program leaves its files to others.
  t.teardown(() => end())
  const [, address] = await program.says(/open (http:\S+)/)
  return { program, address, end }
}

/** Starts a run and returns its number, the address of the destination's page, and its process. */
export async function startRun(page, program) {
  const started = page.waitForResponse((response) => response.url().endsWith('/api/runs'))
  await page.getByRole('button', { name: 'Run process' }).click()
  const { number, pid, fileId } = await (await started).json()
  const [, address] = await program.says(new RegExp(`run ${number}: .*open (http:\\S+)`))
  return { number, pid, fileId, address }
}

/** From now on every request of the page takes two seconds. */
export async function slowDown(page, latency = 2000) {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const conditions = { offline: false, latency, downloadThroughput: -1, uploadThroughput: -1 }
  await session.send('Network.emulateNetworkConditions', conditions)
}

/** The row of a table that has that text in it. */
export const rowOf = (page, table, text) =>
  page.getByRole('table', { name: table }).getByRole('row').filter({ hasText: text })

export const resultOf = (page) => page.getByRole('status', { name: 'Result' })

/** A term and its value in the result. */
export async function factsOf(page) {
  return resultOf(page)
    .locator('dl > div')
    .evaluateAll((items) =>
      Object.fromEntries(
        items.map((item) => ['dt', 'dd'].map((name) => item.querySelector(name).textContent)),
      ),
    )
}

/** No rule of axe is broken, in light and in dark. */
export async function isAccessible(t, page, state) {
  await page.evaluate(axe.source)
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    const broken = await page.evaluate(async () => {
      const { violations } = await globalThis.axe.run()
      return violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])
    })
    t.deepEqual(broken, [], `${state}, ${colorScheme}`)
  }
}

/** Nothing is wider than the window, or than the place that it has. */
export async function fits(t, page, state) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth
    // Fields scroll, and what is there for screen readers only is clipped.
    const isExempt = (element) =>
      element.matches('input, select, textarea, thead, thead *, .hidden')
    return [document.documentElement, ...document.querySelectorAll('body *')]
      .filter((element) => !isExempt(element) && element.clientWidth > 0)
      .filter(
        (element) =>
          element.getBoundingClientRect().right > width + 0.5 ||
          element.scrollWidth > element.clientWidth + 1,
      )
      .map((element) => element.outerHTML.slice(0, 80))
  })
  t.deepEqual(wide, [], state)
}

/** Texts that break what is not made for them. */
export const hostile = {
  markup: '<img src=x onerror="alert(1)"></td></table><script>alert(2)</script>&lt;b&gt;',
  long: 'a'.repeat(10_000),
  rightToLeft: 'מיון הקבצים (2024) \u202eתיקייה',
  emoji: '👩‍👩‍👧‍👦 🇺🇳 ✅ e\u0301 字',
  lines: 'one\r\n\ttwo   three',
}

/** Whether the page has been talked into something: no markup of a text has become an element. */
export async function isUnharmed(t, page) {
  t.is(await page.locator('img, table script, b').count(), 0)
}
