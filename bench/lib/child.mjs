// The other end of a Partner's pipes.

import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'

const COMMANDS = 4
const ANSWERS = 5

/** Says something to the process that started this one. */
export function say(message) {
  writeSync(ANSWERS, `${JSON.stringify(message)}\n`)
}

/** The commands, one after the other, until there are no more. */
export async function serve(handle) {
  try {
    for await (const line of createInterface({ input: new Socket({ fd: COMMANDS }) })) {
      await handle(JSON.parse(line))
    }
    process.exit(0)
  } catch (error) {
    say({ error: error?.stack ?? String(error) })
    process.exit(1)
  }
}

/** The monotonic clock in nanoseconds; all processes of a machine have the same one on Linux. */
export const now = () => Number(process.hrtime.bigint())
