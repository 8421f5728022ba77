// A Chromium: the machine's own, or the one that @sparticuz/chromium brings, unpacked once.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import packed from '@sparticuz/chromium'
import { chromium } from 'playwright-core'

const oldest = 120
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const modules = fileURLToPath(new URL('../node_modules', import.meta.url))

// Only the flags that containers need, and the same fonts everywhere. The package's own flags would
// also switch off the same-origin policy, which is tested here.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--font-render-hinting=none',
]

const { glibcVersionRuntime: glibc } = process.report.getReport().header
const runsPacked = process.platform === 'linux' && process.arch === 'x64' && glibc !== undefined

/** The pages are the same everywhere, and are looked at on Linux, where this finds a browser. */
export const hasChromium = runsPacked || (process.platform === 'linux' && names.some(isUsable))

export async function launchChromium() {
  const installed = names.find(isUsable)
  if (installed) return chromium.launch({ executablePath: findOnPath(installed), args })
  const folder = await unpack()
  // Its fonts are for machines that have none.
  const env = existsSync('/etc/fonts/fonts.conf')
    ? process.env
    : { ...process.env, FONTCONFIG_PATH: join(folder, 'fonts') }
  return chromium.launch({ executablePath: join(folder, 'chromium'), args, env })
}

/** Some systems have a script of that name which only says where to get the program. */
function isUsable(name) {
  const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8', timeout: 10_000 })
  return status === 0 && Number(/ (\d+)\./.exec(stdout)?.[1]) >= oldest
}

function findOnPath(name) {
  return process.env.PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync)
}

/** Tests run in several processes: each finds it unpacked, or unpacks it and is the first, or is not. */
async function unpack() {
  const place = join(modules, '@sparticuz', 'chromium', 'package.json')
  const { version } = JSON.parse(readFileSync(place, 'utf8'))
  const folder = join(modules, '.cache', `chromium-${version}`)
  if (existsSync(folder)) return folder
  const draft = `${folder}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  const { TMPDIR } = process.env
  try {
    // The package unpacks to the folder for temporary files, where everyone can write.
    process.env.TMPDIR = draft
    await packed.executablePath()
    renameSync(draft, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}
