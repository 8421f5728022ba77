// Invalid signals, signals with the program's own members, and proxies that change their behaviour
// are refused at once or obeyed, and leave no wait, lock or listener.

import { getEventListeners } from 'node:events'
import test from 'ava'
import { NamedMutex } from 'mmfile'
import { run } from '../support/child.mjs'
import { closing, create, open, uniqueId } from '../support/files.mjs'
import { behaved, fakes, own, uses } from '../support/signals.mjs'

/** A file, a mutex, and other handles on both, which tell whether the locks are free. */
function things(t) {
  const name = uniqueId('signals')
  const file = create(t, 1 << 16, { lifetime: 'last-process' })
  const mutex = closing(t, NamedMutex.open(name))
  const others = [open(t, file), closing(t, NamedMutex.open(name))]
  const areFree = () => {
    for (const other of others) other.withLockSync(() => {}, { timeout: 2000 })
  }
  return { file, mutex, areFree }
}

for (const [what, use] of Object.entries(uses)) {
  for (const [kind, fake] of Object.entries(fakes)) {
    test(`${what}: an invalid signal, ${kind}`, async (t) => {
      const { file, mutex, areFree } = things(t)
      await t.throwsAsync(async () => use({ file, mutex, signal: fake(), timeout: 100 }), {
        instanceOf: TypeError,
        code: 'ERR_INVALID_ARG_TYPE',
        message: /"options\.signal"/,
      })
      areFree()
      t.is(file.append('x'), 0)
    })
  }

  test(`${what}: a signal with the program's own members`, async (t) => {
    for (const members of Object.values(behaved)) {
      const { file, mutex, areFree } = things(t)
      const controller = new AbortController()
      const signal = Object.defineProperties(controller.signal, members())
      const reason = new Error('the real reason')
      const pending = use({ file, mutex, signal })
      const error = t.throwsAsync(pending, { name: 'AbortError', code: 'ABORT_ERR' })
      controller.abort(reason)
      t.is((await error).cause, reason)
      areFree()
      const again = use({ file, mutex, signal })
      t.is((await t.throwsAsync(again, { name: 'AbortError' })).cause, reason, 'aborted before')
      await new Promise(setImmediate)
      t.is(getEventListeners(signal, 'abort').length, 0)
      areFree()
    }
  })

  test(`${what}: a listener that stops the event`, async (t) => {
    const { file, mutex, areFree } = things(t)
    const controller = new AbortController()
    controller.signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
    const pending = use({ file, mutex, signal: controller.signal })
    controller.abort()
    await t.throwsAsync(pending, { name: 'AbortError' })
    areFree()
  })

  test(`${what}: a proxy that aborts or throws when it is read`, async (t) => {
    for (let looks = 0; looks < 40; looks += 1) {
      for (const how of ['abort', 'throw', 'revoke']) {
        const { file, mutex, areFree } = things(t)
        const controller = new AbortController()
        let left = looks
        const { proxy: signal, revoke } = Proxy.revocable(controller.signal, {
          get(target, key, self) {
            left -= 1
            if (left < 0 && how === 'throw') throw own
            if (left === 0 && how === 'abort') controller.abort()
            if (left === 0 && how === 'revoke') revoke()
            return Reflect.get(target, key, self)
          },
        })
        const error = await Promise.resolve()
          .then(() => use({ file, mutex, signal, timeout: 2 }))
          .catch((error) => error)
        const codes = ['ERR_INVALID_ARG_TYPE', 'ABORT_ERR', 'ERR_MMFILE_TIMEOUT', undefined]
        t.true(codes.includes(error?.code), error?.stack)
        areFree()
      }
    }
  })
}

test('after invalid signals the lock is free and the process ends by itself', async (t) => {
  const { said, code, signal, stderr } = await run(t, 'signals', 'fakes')
  t.deepEqual([code, signal, stderr], [0, null, ''])
  t.deepEqual([...new Set(said)], ['ERR_INVALID_ARG_TYPE'])
  t.is(said.length, Object.keys(uses).length * Object.keys(fakes).length)
})
