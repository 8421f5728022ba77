// Programs that end with the test that started them, also where the test itself is killed.

import { spawn, spawnSync } from 'node:child_process'

const leash = ['setpriv', '--pdeathsig', 'KILL']
const has = process.platform === 'linux' && spawnSync(leash[0], ['--version']).status === 0

/** As `spawn`. */
export function start(command, args, options) {
  return has
    ? spawn(leash[0], [...leash.slice(1), command, ...args], options)
    : spawn(command, args, options)
}
