// npm run screenshots: pictures of both pages and of `mmfile top` for docs/images, taken while they do their work.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './lib/run.mjs'
import { buildSamplesAndTests } from './lib/samples.mjs'
import { Terminal } from './lib/terminal.mjs'

buildSamplesAndTests()
// Installed by now.
const { launchChromium } = await import('../samples/test/support/chromium.mjs')

const width = 940
const images = join(root, 'docs', 'images')
mkdirSync(images, { recursive: true })
const folder = mkdtempSync(join(tmpdir(), 'mmfile-screenshots-'))
const started = []
const browser = await launchChromium()
try {
  await takePages()
  await takeTop()
} finally {
  await browser.close()
  for (const child of started) {
    const ended = once(child, 'exit')
    if (child.kill()) await ended
  }
  rmSync(folder, { recursive: true })
}

async function takePages() {
  const main = join(root, 'samples', 'mmf-source', 'dist', 'main.js')
  const source = start([main, '--store', join(folder, 'tasks.mmf')])
  const page = await open(await said(source, /open (http:\S+)/))
  await page.getByText('No file yet').waitFor()
  await shoot(page, 'first')

  await page.getByRole('button', { name: 'Edit Tidy the archive' }).click()
  await page.getByLabel('Duration').fill('1.5')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Give a whole number').waitFor()
  await shoot(page, 'dialog')
  await page.keyboard.press('Escape')

  await run(page, 'Resize the photos', 0)
  await page.getByText('Done in 0 s').waitFor()
  const destination = await run(page, 'Render the report', 20)
  await destination.waitForFunction(
    () => Number(document.querySelector('[role=progressbar]')?.ariaValueNow) >= 40,
  )
  await page.getByText('MmfDestination runs the task').waitFor()
  await shoot(destination, 'destination')
  await shoot(page, 'source')
  await page.getByRole('button', { name: 'Kill the destination' }).click()
  await page.getByText('was killed by SIGKILL').waitFor()
  await shoot(page, 'killed')
}

async function takeTop() {
  const directory = join(folder, 'memory')
  mkdirSync(directory)
  for (const role of ['station', 'dispatcher', 'worker', 'worker', 'viewer']) {
    await said(start([join(root, 'scripts', 'lib', 'actors.mjs'), role, directory]), /at work/)
  }
  const command = [join(root, 'dist', 'cli', 'main.js'), 'top', '--directory', directory]
  const terminal = new Terminal([process.execPath, ...command], { columns: 104, rows: 26 })
  await terminal.shows(/jobs .*[1-9]\d*\/s/)
  // By lag; then what the busiest is made of.
  terminal.press('S')
  await terminal.shows(/LAG ▼/)
  await sleep(3000)
  terminal.press('gi')
  await terminal.shows(/member workers/)
  await keep('top', await terminal.shoot(browser))
  terminal.press('q')
  await terminal.ended
}

/** Starts a run, chooses a task in the destination's page and runs it for that long. */
async function run(page, task, seconds) {
  await page.getByRole('button', { name: 'Run process' }).click()
  const link = page.getByRole('status').locator('a.primary')
  await link.waitFor()
  const destination = await open(await link.getAttribute('href'))
  await destination.getByRole('radio', { name: `Select ${task}` }).check()
  await destination.getByLabel('Duration').fill(String(seconds))
  await destination.getByRole('button', { name: 'Run task' }).click()
  return destination
}

async function open(address) {
  const context = await browser.newContext({
    viewport: { width, height: 700 },
    locale: 'en-GB',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await page.goto(address)
  return page
}

/** In light and in dark, without the foot, which shows a path of this machine. */
async function shoot(page, name) {
  await page.mouse.move(0, 0)
  const height = await page.evaluate(() => {
    scrollTo(0, 0)
    const end = document.querySelector('main').getBoundingClientRect().bottom
    return document.querySelector('dialog[open]') ? innerHeight : Math.ceil(end) + 20
  })
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await keep(
      `${name}-${colorScheme}`,
      await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height } }),
    )
  }
  await page.emulateMedia({ colorScheme: 'light' })
}

/** As WebP: less than half of a PNG, and no library to make it. The package brings them. */
async function keep(name, png) {
  const page = await browser.newPage()
  const base64 = await page.evaluate(async (source) => {
    const image = await createImageBitmap(
      await (await fetch(`data:image/png;base64,${source}`)).blob(),
    )
    const canvas = Object.assign(document.createElement('canvas'), {
      width: image.width,
      height: image.height,
    })
    canvas.getContext('2d').drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 0.8).split(',')[1]
  }, png.toString('base64'))
  await page.close()
  const path = join(images, `${name}.webp`)
  writeFileSync(path, Buffer.from(base64, 'base64'))
  console.log(path.slice(root.length))
}

function start(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(child)
  return child
}

/** Resolves with the first match in a program's output; the program keeps printing. */
function said(program, pattern) {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: program.stdout })
    lines.on('line', (line) => {
      const match = pattern.exec(line)
      if (match) resolve(match[1])
    })
    lines.on('close', () => reject(new Error(`a program ended without saying ${pattern}`)))
  })
}
