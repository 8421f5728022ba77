// Another program that locks the name of an object, as a process does that is about to remove it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'

const program = `
import fcntl, os, struct, sys
F_OFD_SETLK, NAME = 37, 1 << 60
object = os.open(sys.argv[1], os.O_RDWR)
length = 1 if sys.argv[2] == "alone" else 0
fcntl.fcntl(object, F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, NAME, length, 0))
print("locked", flush=True)
sys.stdin.readline()
`

/** Has the name locked, alone or with all handles, of which there must be none then. */
export async function locksName(t, path, { user, alone = false } = {}) {
  const args = ['-c', program, path, alone ? 'alone' : 'all']
  const child = spawn('python3', args, { uid: user, gid: user })
  t.teardown(() => child.kill('SIGKILL'))
  const [text] = await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
  t.is(`${text}`.trim(), 'locked')
  return {
    async lets_go() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
