// Which processors a process may run on. Linux alone, by util-linux' taskset.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The numbers of the processors that this process may use; none where the system does not say, or does not let a program choose. */
export function processors() {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' })
    const status = readFileSync('/proc/self/status', 'utf8')
    const [, list] = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)
    return list.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, at) => first + at)
    })
  } catch {
    return []
  }
}

/** Lets a process, with all of its threads, run on these processors alone. */
function place(pid, numbers) {
  execFileSync('taskset', ['-acp', numbers.join(','), String(pid)], { stdio: 'ignore' })
}

/** Does `work` with this process on the processor `mine`, and those with these numbers on `theirs`. */
export async function onProcessors([mine, theirs], pids, work) {
  const all = processors()
  place(process.pid, [mine])
  for (const pid of pids) place(pid, [theirs])
  try {
    return await work()
  } finally {
    place(process.pid, all)
  }
}

/** Bytes of the cache that all processors share; a usual size where the kernel does not tell. */
export function sharedCache() {
  try {
    const text = readFileSync('/sys/devices/system/cpu/cpu0/cache/index3/size', 'utf8')
    const [, count, unit] = /^(\d+)([KM])/.exec(text)
    return Number(count) * (unit === 'K' ? 1 << 10 : 1 << 20)
  } catch {
    return 16 << 20
  }
}
