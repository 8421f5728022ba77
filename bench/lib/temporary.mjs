// Folders that are gone when the run is, however it ends.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made = new Set()

export function removeFolder(folder) {
  made.delete(folder)
  rmSync(folder, { recursive: true, force: true })
}

process.on('exit', () => {
  for (const folder of made) removeFolder(folder)
})

/** A fresh folder, on disk or, where there is such a place, in memory. */
export function makeFolder({ memory = false } = {}) {
  const place = memory && existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const folder = mkdtempSync(join(place, 'bench-'))
  made.add(folder)
  return folder
}
