// npm run screenshots: pictures of both pages for docs/images, taken while they do their work.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { launchChromium } from '../samples/test/support/chromium.mjs'
import { root } from './lib/run.mjs'
import { buildSamplesAndTests } from './lib/samples.mjs'

buildSamplesAndTests()

const width = 820
const images = join(root, 'docs', 'images')
mkdirSync(images, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'mmfile-screenshots-'))
const main = join(root, 'samples', 'mmf-source', 'dist', 'main.js')
const source = spawn(process.execPath, [main, '--store', join(folder, 'tasks.mmf')], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = once(source, 'exit')
const browser = await launchChromium()
try {
  await takePictures()
} finally {
  await browser.close()
  source.kill()
  await ended
  rmSync(folder, { recursive: true })
}

async function takePictures() {
  const page = await open(await addressOf(source))
  await run(page, 'Resize the photos', 0)
  await page.getByText('Done in 0 s').first().waitFor()

  await page.getByRole('button', { name: 'Edit Tidy the archive' }).click()
  await page.getByLabel('Duration').fill('1.5')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Give a whole number').waitFor()
  await shoot(page, 'dialog')
  await page.keyboard.press('Escape')

  const destination = await run(page, 'Render the report', 6)
  await destination.getByRole('progressbar').waitFor()
  await destination.waitForFunction(
    () => Number(document.querySelector('[role=progressbar]').ariaValueNow) >= 40,
  )
  await shoot(destination, 'destination')
  await shoot(page, 'source')
}

/** Starts a run, chooses a task in the destination's page and runs it for that long. */
async function run(page, task, seconds) {
  await page.getByRole('button', { name: 'Run process' }).click()
  const link = page.getByRole('status').getByRole('link')
  await link.waitFor()
  const destination = await open(await link.getAttribute('href'))
  await destination.getByRole('radio', { name: `Select ${task}` }).check()
  await destination.getByLabel('Duration').fill(String(seconds))
  await destination.getByRole('button', { name: 'Run task' }).click()
  return destination
}

async function open(address) {
  const context = await browser.newContext({
    viewport: { width, height: 640 },
    locale: 'en-GB',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await page.goto(address)
  return page
}

/** In light and in dark, without the foot: where the tasks are kept is nobody's business. */
async function shoot(page, name) {
  const height = await page.evaluate(() => {
    scrollTo(0, 0)
    const end = document.querySelector('main').getBoundingClientRect().bottom
    return document.querySelector('dialog[open]') ? innerHeight : Math.ceil(end) + 20
  })
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    const path = join(images, `${name}-${colorScheme}.png`)
    await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, width, height } })
    console.log(path.slice(root.length))
  }
  await page.emulateMedia({ colorScheme: 'light' })
}

async function addressOf(program) {
  for await (const line of createInterface({ input: program.stdout })) {
    const [, address] = /open (http:\S+)/.exec(line) ?? []
    if (address) return address
  }
  throw new Error('MmfSource ended without an address')
}
