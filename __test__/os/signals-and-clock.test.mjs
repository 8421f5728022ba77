// Signals during calls, stopped processes, a clock that is set: time limits hold, and everything
// continues.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { actor } from '../support/actors.mjs'
import { start } from '../support/child.mjs'
import { create, left, shm, uniqueId } from '../support/files.mjs'
import { PROMPT } from '../support/time.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

function folder(t, where = tmpdir()) {
  const path = mkdtempSync(join(where, 'moments-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Compiles a library to load before the C library; `null` where there is no compiler. */
function compile(t, name) {
  const library = join(folder(t), `${name}.so`)
  const source = fileURLToPath(new URL(`../support/${name}.c`, import.meta.url))
  const compiled = spawnSync('cc', ['-shared', '-fPIC', '-o', library, source])
  if (compiled.status === 0) return library
  t.log('there is no C compiler to stand before the C library with')
  return null
}

/** Checks that something timed out, and after which time. */
function timedOut(t, { error, ms }, least, what) {
  t.is(error?.code, 'ERR_MMFILE_TIMEOUT', what)
  t.true(ms >= least - 1 && ms < least + PROMPT, `${what}: ${ms} ms of ${least}`)
}

/** A process that gets thousands of signals a second. */
async function bombarded(t) {
  const one = await actor(t)
  const signals = ['SIGUSR2', 'SIGWINCH', 'SIGALRM']
  await one.does('actor', 'endure', ...signals)
  const sender = start(t, 'refusals', 'bombard', [one.child.pid, ...signals])
  await sender.next()
  return one
}

onLinux('signals while files are made, on disk and in memory: whole, or not at all', async (t) => {
  const one = await bombarded(t)
  const places = [folder(t), folder(t, shm(''))]
  const capacity = 24 << 20
  for (let round = 0; round < 3; round += 1) {
    const id = uniqueId('interrupted')
    await one.keeps('file', 'MmFile', 'createNew', capacity, { id })
    await one.does('file', 'append', 'x')
    await one.does('file', 'close')
    t.deepEqual(left(id), [])
    for (const place of places) {
      const path = join(place, `${round}`)
      const { error, ms } = await one.tries('MmFile', 'createFile', path, capacity)
      t.falsy(error, `${place}: ${error?.message}`)
      t.true(ms < PROMPT, `${ms} ms`)
      await one.keeps('file', 'MmFile', 'openFile', path)
      await one.does('file', 'append', 'x')
      await one.does('file', 'flush')
      await one.does('file', 'close')
      rmSync(path)
    }
  }
})

onLinux('calls that make room are interrupted: they are made again', async (t) => {
  // Many kernels complete them in spite of signals, so that signals alone would show nothing.
  const library = compile(t, 'interrupted')
  if (library === null) return t.pass()
  const dir = folder(t)
  const interruptions = join(dir, 'interruptions')
  const forget = () => writeFileSync(interruptions, '')
  const which = () => [...new Set(readFileSync(interruptions, 'utf8'))].join()
  forget()
  const one = await actor(t, { env: { LD_PRELOAD: library, INTERRUPTIONS: interruptions } })
  forget()
  const [path, id] = [join(dir, 'file'), uniqueId('interrupted')]
  await one.keeps('disk', 'MmFile', 'createFile', path, 1 << 20)
  t.is(which(), 'f', 'space on a disk is asked for')
  forget()
  await one.keeps('memory', 'MmFile', 'createNew', 1 << 20, { id })
  t.regex(which(), /^[fw]$/, 'memory is written to, where it can be')
  for (const name of ['disk', 'memory']) {
    t.is(await one.does(name, 'append', 'x'.repeat(500_000)), 0)
    await one.does(name, 'close')
  }
  t.deepEqual(left(id), [])
})

onLinux(
  'signals while it waits for a lock or a segment: no time is cut short or drawn out',
  async (t) => {
    const one = await bombarded(t)
    const file = create(t, 1 << 16, { lifetime: 'last-process' })
    await one.keeps('file', 'MmFile', 'openExisting', file.id, { lockTimeout: 300 })
    const guard = file.tryLock()
    for (const call of [
      ['append', 'x'],
      ['lock', { timeout: 300 }],
      ['waitFor', 0, { timeout: 300 }],
      ['waitForSync', 0, { timeout: 300 }],
      ['waitForSync', 0, { timeout: 300, spin: 1 }],
    ]) {
      timedOut(t, await one.tries('file', ...call), 300, call[0])
    }
    for (const call of ['lock', 'waitFor', 'waitForSync']) {
      const args = call === 'lock' ? [{ timeout: 20_000 }] : [file.length, { timeout: 20_000 }]
      one.begins([{ on: 'file', call, args, keep: 'result' }])
      await sleep(150)
      if (call === 'lock') guard.release()
      else file.append(call)
      const [{ error, ms }] = await one.ends()
      t.falsy(error, call)
      t.true(ms < PROMPT, `${call}: ${ms} ms`)
      if (call === 'lock') await one.does('result', 'release')
    }
    // Two that take turns, one of them under fire.
    const calls = Array.from({ length: 500 }, () => ({ on: 'file', call: 'append', args: ['x'] }))
    one.begins(calls)
    for (let at = 0; at < 500; at += 1) file.append('y')
    t.true((await one.ends()).every(({ error }) => error === undefined))
    t.is(file.length, 1002)
    t.is([...file].filter((text) => text === 'x').length, 500)
  },
)

for (const how of ['tryLock', 'lock']) {
  onLinux(
    `stopped with the lock, by ${how}: timeouts hold for others, and all goes on`,
    async (t) => {
      const file = create(t, 4096, { lifetime: 'last-process' })
      file.append('before')
      const holder = await actor(t)
      await holder.keeps('file', 'MmFile', 'openExisting', file.id)
      await holder.keeps('guard', 'file', how)
      await holder.does('file', 'append', 'inside')
      const other = await actor(t)
      await other.keeps('file', 'MmFile', 'openExisting', file.id, { lockTimeout: 200 })
      holder.child.signal('SIGSTOP')
      for (const call of [
        ['append', 'x'],
        ['appendAll', ['x', 'y']],
        ['write', 2, 'x'],
        ['seal'],
        ['lock', { timeout: 200 }],
        ['waitFor', 2, { timeout: 200 }],
        ['waitForSync', 2, { timeout: 200 }],
      ]) {
        timedOut(t, await other.tries('file', ...call), 200, call[0])
      }
      t.is(await other.keeps('none', 'file', 'tryLock'), false)
      // Operations without the lock work meanwhile.
      t.deepEqual(await other.does('actor', 'texts', 'file'), ['before', 'inside'])
      t.true(await other.keeps('again', 'MmFile', 'openExisting', file.id))
      t.true(await other.keeps('new', 'MmFile', 'createNew', 64))
      t.false((await other.does('mmfile', 'sweep')).some(({ id }) => id === file.id))
      const info = (await other.does('mmfile', 'list')).find(({ id }) => id === file.id)
      t.like(info, { length: 2, stale: false })
      // One that waits long enough gets it.
      other.begins([{ on: 'file', call: 'lock', args: [{ timeout: 20_000 }], keep: 'guard' }])
      await sleep(50)
      holder.child.signal('SIGCONT')
      await holder.does('file', 'append', 'still inside')
      await holder.does('guard', 'release')
      t.falsy((await other.ends())[0].error)
      t.false(await other.gets('guard', 'abandoned'))
      await other.does('guard', 'release')
      t.is(file.append('after'), 3)
      t.deepEqual([...file], ['before', 'inside', 'still inside', 'after'])
      t.is(file.recovered, 0)
    },
  )
}

onLinux('stopped with a mutex, then killed: the next one is told', async (t) => {
  const name = uniqueId('stopped')
  const [holder, other] = [await actor(t), await actor(t)]
  for (const one of [holder, other]) await one.keeps('mutex', 'NamedMutex', 'open', name)
  await holder.keeps('guard', 'mutex', 'tryLock')
  holder.child.signal('SIGSTOP')
  timedOut(t, await other.tries('mutex', 'lockSync', { timeout: 200 }), 200, 'lockSync')
  timedOut(t, await other.tries('mutex', 'lock', { timeout: 200 }), 200, 'lock')
  await holder.child.kill()
  await other.keeps('guard', 'mutex', 'lockSync', { timeout: 5000 })
  t.true(await other.gets('guard', 'abandoned'))
  await other.does('mutex', 'close')
  t.deepEqual(left(name), [])
})

onLinux('stopped while it waits: it continues where it was', async (t) => {
  const file = create(t)
  for (const call of ['waitFor', 'waitForSync']) {
    const one = await actor(t)
    await one.keeps('file', 'MmFile', 'openExisting', file.id)
    const wait = (index, timeout) => one.begins([{ on: 'file', call, args: [index, { timeout }] }])
    wait(file.length, 300)
    await sleep(50)
    one.child.signal('SIGSTOP')
    await sleep(400)
    one.child.signal('SIGCONT')
    const [late] = await one.ends()
    t.is(late.error?.code, 'ERR_MMFILE_TIMEOUT', 'its time was over meanwhile')
    wait(file.length, 20_000)
    await sleep(50)
    one.child.signal('SIGSTOP')
    await sleep(50)
    file.append('while it was stopped')
    one.child.signal('SIGCONT')
    const [{ error, ms }] = await one.ends()
    t.falsy(error)
    t.true(ms < PROMPT)
  }
})

onLinux('a clock that is set back and forth moves no timeout', async (t) => {
  const library = compile(t, 'clock')
  if (library === null) return t.pass()
  const off = join(folder(t), 'off')
  const one = await actor(t, { env: { LD_PRELOAD: library, CLOCK_IS_OFF: off } })
  const hours = async () =>
    Math.abs(Math.round((Date.now() - (await one.does('Date', 'now'))) / 3_600_000))
  t.is(await hours(), 0)
  writeFileSync(off, '')
  if ((await hours()) !== 5) {
    t.log('this Node.js does not ask the C library for the time')
    return t.pass()
  }
  const file = create(t, 4096, { lifetime: 'last-process' })
  await one.keeps('file', 'MmFile', 'openExisting', file.id, { lockTimeout: 400 })
  file.withLockSync(() => {}) // the lock has been used before
  const guard = file.tryLock()
  for (const call of [
    ['append', 'x'],
    ['lock', { timeout: 400 }],
    ['waitFor', 0, { timeout: 400 }],
    ['waitForSync', 0, { timeout: 400 }],
  ]) {
    for (const set of [() => rmSync(off), () => writeFileSync(off, '')]) {
      const [name, ...args] = call
      one.begins([{ on: 'file', call: name, args }])
      await sleep(150)
      set()
      timedOut(t, (await one.ends())[0], 400, name)
    }
  }
  guard.release()
  // And waits end at any setting of the clock.
  one.begins([{ on: 'file', call: 'waitFor', args: [0, { timeout: 20_000 }] }])
  await sleep(50)
  rmSync(off)
  file.append('x')
  const [{ error, ms }] = await one.ends()
  t.falsy(error)
  t.true(ms < PROMPT)
})
