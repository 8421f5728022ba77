// How many system calls an append makes after a wait that expired at once, and how many without one: strace counts.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../scripts/lib/run.mjs'
import { median } from '../lib/statistics.mjs'
import { makeFolder, removeFolder } from '../lib/temporary.mjs'

const SCRIPT = fileURLToPath(new URL('../children/appends.mjs', import.meta.url))
const MARK = '/mmfile-bench'
const APPENDS = 200
const LABELS = {
  plain: 'append',
  blocking: 'append after waitForSync of no time',
  asynchronous: 'append after waitFor of no time',
}

/** The calls between every two marks of a kind: what each append made. */
function between(lines, kind) {
  const places = lines.flatMap((line, at) => (line.includes(`"${MARK}-${kind}"`) ? [at] : []))
  const calls = []
  for (let at = 0; at + 1 < places.length; at += 2) calls.push(places[at + 1] - places[at] - 1)
  if (calls.length !== APPENDS) throw new Error('the trace is not whole')
  return calls
}

export function systemCalls({ report }) {
  report.progress('system calls')
  const folder = makeFolder()
  const trace = join(folder, 'trace')
  try {
    // The thread that appends is the one that is traced.
    const args = ['-o', trace, process.execPath, SCRIPT, MARK, String(APPENDS)]
    const { ok, missing } = run('strace', args, { quiet: true })
    if (!ok) {
      const reason = missing ? 'strace is not there' : 'strace may not trace here'
      return report.note(`system calls of an append were not counted: ${reason}`)
    }
    const lines = readFileSync(trace, 'utf8').split('\n')
    const calls = Object.keys(LABELS).map((kind) => between(lines, kind))
    report.table({
      id: 'system-calls',
      title: 'System calls of an append',
      unit: '',
      columns: ['calls'],
      rows: Object.values(LABELS).map((label, at) => ({ label, cells: [calls[at]] })),
    })
    const [plain, ...waited] = calls.map(median)
    report.goal('zero-wait', [Math.max(...waited) - plain])
  } finally {
    removeFolder(folder)
  }
}
