// A folder of a run's own for objects in shared memory, so that no other program's objects are in the way of
// the tests, and theirs in no other program's.

import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'

/**
 * Makes one and returns the environment that names it. When this process exits, whatever is left in it is
 * reported, a failure, and removed. There is none where the environment names a folder already (none, if it is
 * empty), and on other systems than Linux.
 */
export function runFolder() {
  if (process.platform !== 'linux' || process.env.MMFILE_DIRECTORY !== undefined) return {}
  const folder = mkdtempSync('/dev/shm/mmfile-tests-')
  chmodSync(folder, 0o1777) // as /dev/shm: some tests run as other users
  process.on('exit', () => {
    const names = readdirSync(folder)
    rmSync(folder, { recursive: true })
    if (names.length === 0) return
    console.error(`The tests left these in shared memory: ${names.join(', ')}`)
    process.exitCode = 1
  })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))
  return { MMFILE_DIRECTORY: folder }
}
