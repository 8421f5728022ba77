// A terminal for scripts and tests: a program in it, the keys that are pressed, and what is to be seen.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import headless from '@xterm/headless'
import { root } from './run.mjs'

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`

/** A program in a terminal of that size. `script`, of every Linux, makes the terminal. */
export class Terminal {
  constructor(command, { columns = 100, rows = 30, env = {} } = {}) {
    this.columns = columns
    this.rows = rows
    this.bytes = []
    this.screen = new headless.Terminal({ cols: columns, rows, allowProposedApi: true })
    const line = `stty cols ${columns} rows ${rows}; exec ${command.map(quote).join(' ')}`
    this.child = spawn('script', ['-qfec', line, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm-256color', COLORTERM: 'truecolor', ...env },
    })
    this.child.stdin.on('error', () => {}) // it has ended
    this.child.stdout.on('data', (data) => {
      this.bytes.push(data)
      this.screen.write(data)
    })
    this.ended = once(this.child, 'close').then(([status]) => status)
  }

  press(keys) {
    this.child.stdin.write(keys)
  }

  /** The lines as they are to be seen now. */
  get lines() {
    const { active } = this.screen.buffer
    return Array.from({ length: this.rows }, (_, at) =>
      (active.getLine(active.baseY + at)?.translateToString(true) ?? '').trimEnd(),
    )
  }

  /** Resolves with the screen's text once it has that. */
  async shows(pattern, patience = 60_000) {
    const late = performance.now() + patience
    for (;;) {
      const text = this.lines.join('\n')
      if (pattern.test(text)) return text
      if (performance.now() > late) throw new Error(`the screen never shows ${pattern}:\n${text}`)
      await sleep(50)
    }
  }

  /** A picture of it (PNG), drawn by a terminal in the browser. */
  async shoot(browser) {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1200 } })
    const file = (name) => readFileSync(join(root, 'node_modules', '@xterm', 'xterm', name), 'utf8')
    await page.setContent('<!doctype html><body style="margin:0"><div id="terminal"></div>')
    await page.addStyleTag({ content: file('css/xterm.css') })
    await page.addScriptTag({ content: file('lib/xterm.js') })
    await page.evaluate(
      async ([columns, rows, base64]) => {
        const terminal = new globalThis.Terminal({
          cols: columns,
          rows,
          fontSize: 14,
          fontFamily: 'DejaVu Sans Mono, Noto Sans Mono, monospace',
          theme: { background: '#14171c', foreground: '#e6e8ec', cursor: '#14171c' },
        })
        const place = document.getElementById('terminal')
        place.style.cssText = 'display: inline-block; padding: 12px; background: #14171c'
        terminal.open(place)
        const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
        await new Promise((resolve) => terminal.write(bytes, resolve))
        await new Promise((resolve) => setTimeout(resolve, 300))
      },
      [this.columns, this.rows, Buffer.concat(this.bytes).toString('base64')],
    )
    const png = await page.locator('#terminal').screenshot()
    await page.close()
    return png
  }

  async end() {
    this.child.kill()
    await this.ended
  }
}
