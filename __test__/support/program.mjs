// The other side of child.mjs: what a program that a test starts is made of.

import { readSync, writeSync } from 'node:fs'

/** Runs the one of these functions that the command line names, with the other arguments. */
export async function play(programs) {
  const [name, ...args] = process.argv.slice(2)
  await programs[name](...args)
}

/** Tells the test something, at once: also right before a kill. */
export function say(value) {
  writeSync(1, `${JSON.stringify(value)}\n`)
}

/** Blocks the thread until the test tells something. */
export function hear() {
  const byte = Buffer.alloc(1)
  let line = ''
  while (readSync(0, byte) === 1 && byte[0] !== 10) line += byte.toString('latin1')
  return line
}

/** Lets the event loop turn for that long. */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Blocks the thread for that long. */
export function block(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Milliseconds by a clock that all processes share. */
export function uptime() {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The error of a call, for the test to check. */
export function failure(act) {
  try {
    return { value: act() }
  } catch (error) {
    return { code: error.code ?? error.name, message: error.message }
  }
}
