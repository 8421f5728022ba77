// npm start: builds what is not built and runs MmfSource with the arguments given.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './lib/run.mjs'
import { buildSamples } from './lib/samples.mjs'

buildSamples()

const main = join(root, 'samples', 'mmf-source', 'dist', 'main.js')
const child = spawn(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))

// npm hands a signal to the shell that runs this, and that shell may end without a word to anyone.
const parent = process.ppid
if (process.env.npm_lifecycle_event === 'start') {
  setInterval(() => process.ppid === parent || child.kill(), 200).unref()
}

child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
