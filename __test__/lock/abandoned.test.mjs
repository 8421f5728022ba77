// A section that its holder did not complete is reported as abandoned, however the holder ended.

import test from 'ava'
import { NamedMutex } from 'mmfile'
import { start } from '../support/child.mjs'
import { closing, create, uniqueId } from '../support/files.mjs'

const mutex = (t, name) => closing(t, NamedMutex.open(name))

const ways = {
  'an uncaught exception': 'throw',
  'process.exit()': 'exit',
  SIGKILL: 'kill',
  'an unhandled rejection': 'reject',
  'the end of all that it had to do': 'never',
  'process.exit() without a listener of it': 'unheard',
  'process.exit() and an exit listener that throws': 'throwInExit',
  'process.exit() and an exit listener that calls it again': 'exitInExit',
  'an exception in the handler of uncaught exceptions': 'throwAgain',
}

for (const [name, way] of Object.entries(ways)) {
  for (const kind of ['file', 'mutex']) {
    for (const how of ['within', 'hold']) {
      const what = how === 'within' ? 'withLock' : 'lock()'
      test(`${what} of a ${kind}, ended by ${name}`, async (t) => {
        const locked = kind === 'file' ? create(t, 1024) : mutex(t, uniqueId('ends'))
        const child = start(t, 'enders', how, [kind, locked.id ?? locked.name, way])
        t.deepEqual(await child.next(), { inside: true })
        await child.exited
        t.true(await locked.withLock(async ({ abandoned }) => abandoned))
        t.false(await locked.withLock(async ({ abandoned }) => abandoned))
      })
    }
  }
}

// Each of them finds the lock of the dead holder, repairs the file, and continues.
const operations = {
  length: (file) => file.length,
  append: (file) => file.append('x'),
  'an append that fails': (file) => {
    try {
      file.append(new Uint8Array(9999))
    } catch {}
  },
  waitFor: (file) => file.waitFor(9, { timeout: 100 }).catch(() => {}),
}

for (const [name, operate] of Object.entries(operations)) {
  test(`the next section reports it, also after ${name}`, async (t) => {
    const file = create(t, 1024)
    const child = start(t, 'enders', 'within', ['file', file.id, 'kill'])
    await child.next()
    await child.exited
    await operate(file)
    t.is(file.recovered, 1)
    t.true(file.withLockSync(({ abandoned }) => abandoned))
    t.false(file.withLockSync(({ abandoned }) => abandoned))
    t.is(file.recovered, 1)
  })
}

test('release, close and the end of withLock abandon nothing', (t) => {
  const name = uniqueId('ends')
  const one = mutex(t, name)
  const other = mutex(t, name)
  const abandoned = () => other.withLockSync((guard) => guard.abandoned)
  one.lockSync().release()
  t.false(abandoned())
  one.withLockSync(() => {})
  t.false(abandoned())
  const closing = NamedMutex.open(name)
  closing.lockSync()
  closing.close()
  t.false(abandoned())
})
