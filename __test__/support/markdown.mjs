// Parses the project's pages: code to run as a reader would paste it, headings, tables.

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A page of the project, by its path from the root. */
export function page(name) {
  return readFileSync(join(root, name), 'utf8')
}

/** The places that a page leads to: its links and pictures, from its code blocks none. */
export function links(text) {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(
    ([, link, picture]) => link ?? picture,
  )
}

/** The pages in docs, with the folders in it. */
export function pages() {
  return readdirSync(join(root, 'docs'), { recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
    .sort()
}

/**
 * The code blocks of exactly that language, with their first line and the heading above. Blocks that
 * should not run have another word after the three backticks. `name` is the block's file name.
 */
export function blocks(text, language) {
  const found = []
  let heading = ''
  let open
  const all = text.split('\n')
  for (const [at, line] of all.entries()) {
    if (open !== undefined) {
      if (line === '```') {
        if (open.language === language) found.push({ ...open, code: `${open.lines.join('\n')}\n` })
        open = undefined
      } else open.lines.push(line)
    } else if (line.startsWith('```')) {
      const name = /^`([\w./-]+)`:$/.exec(all[at - 2] ?? '')?.[1]
      open = { language: line.slice(3), name, heading, line: at + 2, lines: [] }
    } else if (line.startsWith('#')) heading = line.replace(/^#+ /, '').replaceAll('`', '')
  }
  return found
}

/** The files that a page names: a line with only `NAME`: and a code block after it. */
export function files(text) {
  return [...text.matchAll(/^`([\w./-]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)].map(
    ([, name, code]) => ({ name, code }),
  )
}

/** The parts of a shell session: the commands, as a script, and the lines that they print. */
export function session(code) {
  const lines = code.split('\n').slice(0, -1)
  const commands = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
  return { script: commands.join('\n'), output: lines.filter((line) => !line.startsWith('$ ')) }
}

/** The text without its code blocks. */
export function prose(text) {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** The names that a page documents: code spans at the beginning of a heading or of a table's row. */
export function entries(text) {
  const spans = [...prose(text).matchAll(/^(?:#{2,6} .*|\| `.*)$/gm)].flatMap(([line]) => {
    const cells = line.startsWith('|') ? line.split('|')[1] : line
    return [...cells.matchAll(/`([^`]+)`/g)].map(([, span]) => span)
  })
  return new Set(spans)
}

/** The rows of the table under a heading, cells without their backticks. */
export function table(text, heading) {
  const from = text.split('\n').indexOf(heading)
  if (from === -1) throw new Error(`there is no heading ${heading}`)
  const section = text.split('\n').slice(from + 1)
  const end = section.findIndex((line) => line.startsWith('#'))
  return section
    .slice(0, end === -1 ? undefined : end)
    .filter((line) => line.startsWith('| ') && !/^\| -+ /.test(line))
    .slice(1)
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')))
}

/** The lines that a program's comments say it prints: `// → value`, `// prints value`. */
export function promised(code) {
  return [...code.matchAll(/\/\/ (?:→|prints) (.*)$/gm)].map(([, value]) => value.trim())
}

/** A folder in which the package is installed, as a copy as from npm; it goes with the test. */
export function installed(t) {
  const path = mkdtempSync(join(tmpdir(), 'mmfile-page-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  const place = join(path, 'node_modules', 'mmfile')
  mkdirSync(place, { recursive: true })
  const binaries = readdirSync(root).filter((name) => /^mmfile\..*\.node$/.test(name))
  for (const part of ['package.json', 'dist', 'index.js', 'index.d.ts', 'binding.js', ...binaries])
    cpSync(join(root, part), join(place, part), { recursive: true })
  if (process.platform !== 'win32') {
    mkdirSync(join(path, 'node_modules', '.bin'))
    chmodSync(join(place, 'dist', 'cli', 'main.js'), 0o755) // as npm does
    symlinkSync('../mmfile/dist/cli/main.js', join(path, 'node_modules', '.bin', 'mmfile'))
  }
  return path
}

/** Runs some code as a program in that folder and returns the lines that it printed. */
export function runCode(t, path, name, code, { command = process.execPath, args = [] } = {}) {
  writeFileSync(join(path, name), code)
  const env = { ...process.env }
  // A program that reads objects where the system has them.
  if (code.includes('/dev/shm')) env.MMFILE_DIRECTORY = ''
  const options = { cwd: path, encoding: 'utf8', timeout: 60_000, env }
  const { stdout, stderr, status, signal } = spawnSync(command, [name, ...args], options)
  t.deepEqual([status, signal, stderr], [0, null, ''], code)
  return stdout.split('\n').slice(0, -1)
}
