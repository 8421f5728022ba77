// A separate folder for a run's objects in shared memory, so that the tests and other programs do not see
// each other's objects.

import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'

/**
 * Makes one and returns the environment that names it. When this process exits, leftover objects in it are
 * reported as a failure and removed. If the environment already names a folder, or an empty one, and on
 * systems other than Linux, no folder is made.
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
