// Runs a command while this process keeps working, for example serving the command.

import { spawn } from 'node:child_process'

const TIMEOUT = 120_000

/** Runs a command to its end; returns its status and what it wrote, also if it could not start. */
export function runAsync(command, args, options) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      ...options,
      timeout: TIMEOUT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    let output = ''
    child.stdout.on('data', (data) => {
      stdout += data
      output += data
    })
    child.stderr.on('data', (data) => {
      stderr += data
      output += data
    })
    child.on('error', (error) => done({ error, stdout, stderr, output: error.message }))
    child.on('close', (status, signal) => done({ status, signal, stdout, stderr, output }))
  })
}
