// `mmfile top`: one sample where the output is no terminal, and a live screen in a terminal.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { Channel, MmFile, NamedMutex } from 'mmfile'
import { Terminal } from '../../scripts/lib/terminal.mjs'
import { bin, command } from '../support/cli.mjs'
import { folder } from '../support/files.mjs'

const hasTerminals = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0
const onScreen = hasTerminals ? test.serial : test.skip

/** One thing of each kind in a folder of the test's own, and the options that lead there. */
function things(t) {
  if (process.platform === 'win32') return undefined
  const place = { directory: folder(t) }
  const file = MmFile.createNew(1000, { id: 'a-file', encoding: 'utf8', ...place })
  const channel = Channel.createNew({ id: 'a-channel', encoding: 'utf8', capacity: 4096, ...place })
  const mutex = NamedMutex.open('a-mutex', place)
  t.teardown(() => {
    for (const one of [file, channel, mutex]) one.close()
  })
  file.append('x'.repeat(496))
  channel.createGroup('workers')
  const reader = channel.reader()
  t.teardown(() => reader.close()) // until then it is not collected
  for (const text of ['one', 'two', 'three']) channel.trySend(text)
  reader.tryReceive()
  return { file, channel, mutex, flags: ['--directory', place.directory] }
}

const unlessWindows = process.platform === 'win32' ? test.skip : test

unlessWindows('--json prints one sample and ends', async (t) => {
  const { file, mutex, flags } = things(t)
  const guards = [file.lockSync(), mutex.lockSync()]
  const { stdout, stderr, status } = await command(t, ['top', '--json', ...flags])
  for (const guard of guards) guard.release()
  t.deepEqual([stderr, status], ['', 0])
  const { at, rows } = JSON.parse(stdout)
  t.true(Math.abs(Date.parse(at) - Date.now()) < 60_000)
  const byId = Object.fromEntries(rows.map((row) => [row.id, row]))
  t.deepEqual(Object.keys(byId).sort(), ['a-channel', 'a-file', 'a-mutex'])
  const { pid } = process
  const own = { pid, access: 'read-write', isCreator: true }
  const fileRow = byId['a-file']
  t.is(fileRow.used, 0.5)
  t.is(fileRow.rate, 0)
  t.is(fileRow.lockHolder, pid)
  t.deepEqual(fileRow.processes, [{ ...own, holdsLock: true }])
  const channelRow = byId['a-channel']
  t.deepEqual(channelRow.processes, [{ ...own, holdsLock: false }])
  t.is(channelRow.lag, 3)
  t.deepEqual(
    channelRow.participants.map(({ role, lag }) => [role, lag]),
    [
      ['group', 3],
      ['reader', 2],
    ],
  )
  t.is(byId['a-mutex'].used, null)
  t.is(byId['a-mutex'].lockHolder, pid)
  t.deepEqual(byId['a-mutex'].processes, [{ ...own, holdsLock: true }])
})

unlessWindows(
  'where the output is no terminal it prints a table once, of one kind if told',
  async (t) => {
    const { flags } = things(t)
    const { stdout, status } = await command(t, ['top', ...flags])
    t.is(status, 0)
    t.regex(stdout, /^ID +KIND +USED +LENGTH +RATE +PROCESSES +LOCK +LAG +STATE\n/)
    t.regex(stdout, new RegExp(`^a-file +file +50 % +1 +0/s +${process.pid} +in use$`, 'm'))
    const mutexes = await command(t, ['top', '--kind', 'mutex', ...flags])
    t.is(mutexes.stdout.split('\n').length, 3)
    t.is((await command(t, ['top', '--interval', '0'])).status, 2)
    t.is((await command(t, ['top', '--kind', 'files', ...flags])).status, 2)
  },
)

unlessWindows('it measures how fast something is written', async (t) => {
  const { flags } = things(t)
  const file = MmFile.createNew(1 << 20, { id: 'fast', directory: flags[1] })
  // The number of messages in a full channel stays the same.
  const ring = Channel.createNew({ id: 'ring', capacity: 4096, directory: flags[1] })
  const timer = setInterval(() => {
    file.append('some text')
    ring.trySend(Buffer.alloc(500))
  }, 10)
  t.teardown(() => {
    clearInterval(timer)
    file.close()
    ring.close()
  })
  const measure = async () => {
    const { stdout } = await command(t, ['top', '--json', ...flags])
    const { rows } = JSON.parse(stdout)
    return ['fast', 'ring'].map((name) => rows.find(({ id }) => id === name))
  }
  // On a busy machine this process may write nothing while it is measured.
  let [row, full] = await measure()
  for (let tries = 0; (row.rate === 0 || full.rate === 0) && tries < 20; tries += 1) {
    ;[row, full] = await measure()
  }
  const { rate, byteRate } = row
  t.true(full.rate > 1 && full.byteRate === null, String(full.rate))
  t.true(rate > 1 && rate < 500, String(rate))
  t.is(Math.round(byteRate / rate), 22)
})

onScreen('the screen: select, sort, inspect, follow, pause, quit', async (t) => {
  const { file, channel, flags } = things(t)
  const env = { CI: '1' } // a terminal is one there, too
  const line = [process.execPath, bin, 'top', '--interval', '0.2', ...flags]
  const terminal = new Terminal(line, { env })
  t.teardown(() => terminal.end())
  const first = await terminal.shows(/(?=[\s\S]*a-mutex)[\s\S]*0\/s/)
  t.regex(first, /1 file · 1 channel · 1 mutex · 1 process/)
  t.regex(first, new RegExp(`a-file +file +█████░░░░░ +50 % +500 B +0/s +0 B +${process.pid}`))
  terminal.press('s')
  await terminal.shows(/ID ▼[\s\S]*▸?a-channel[\s\S]*a-file[\s\S]*a-mutex/)
  terminal.press('r')
  await terminal.shows(/ID ▲[\s\S]*a-mutex[\s\S]*a-file[\s\S]*a-channel/)
  terminal.press('r')
  await terminal.shows(/ID ▼/)
  // Fast, and all at once, as well as keys that have no character.
  terminal.press('gi')
  await terminal.shows(
    new RegExp(`group workers[\\s\\S]*reader process ${process.pid} +next 1, lag 2`),
  )
  terminal.press('\x1b[B')
  await terminal.shows(/▸a-file[\s\S]*500 B of 1\.0 kB, 1 segment\s/)
  const guard = file.lockSync()
  await terminal.shows(
    new RegExp(`process ${process.pid} {2}read-write, its creator, holds the lock`),
  )
  guard.release()
  terminal.press('f')
  await terminal.shows(/follows file a-file/)
  file.append('what comes now')
  await terminal.shows(/1 {2}14 bytes {2}what comes now/)
  terminal.press('k')
  await terminal.shows(/follows channel a-channel[\s\S]*three/)
  channel.trySend('\x1b[31mfour')
  await terminal.shows(/\\u\{?0*1b\}?\[31mfour/)
  terminal.press('f')
  await terminal.shows(/^(?![\s\S]*follows)/)
  // It has nothing open any more.
  const pids = new Set([...channel.peers(), ...file.peers()].map(({ pid }) => pid))
  t.deepEqual([...pids], [process.pid])
  terminal.press('q')
  t.is(await terminal.ended, 0)
})

onScreen('the screen in a small window, with nothing in it, and ended by Ctrl+C', async (t) => {
  const place = folder(t)
  const options = { columns: 40, rows: 10 }
  const empty = new Terminal([process.execPath, bin, 'top', '--directory', place], options)
  t.teardown(() => empty.end())
  await empty.shows(/There is nothing/)
  empty.press('jkifsrG')
  await empty.shows(/KIND ▲|ID ▲/)
  empty.press('\x03')
  t.is(await empty.ended, 0)
  const { flags } = things(t)
  const small = new Terminal([process.execPath, bin, 'top', ...flags], options)
  t.teardown(() => small.end())
  t.regex(await small.shows(/a-mutex/), /USED/)
  t.true(small.lines.every((line) => line.length <= 40))
  small.press('q')
  t.is(await small.ended, 0)
})

onScreen(
  'what is selected stays so: a row that goes closes its panel, and the next one is selected',
  async (t) => {
    const { channel, mutex, flags } = things(t)
    const terminal = new Terminal([process.execPath, bin, 'top', '--interval', '0.2', ...flags])
    t.teardown(() => terminal.end())
    await terminal.shows(/a-mutex/)
    terminal.press('si')
    await terminal.shows(/ID ▼[\s\S]*▸a-channel[\s\S]*channel a-channel/)
    terminal.press('j')
    await terminal.shows(/▸a-file[\s\S]*file a-file/)
    channel.close()
    await terminal.shows(/▸a-file[\s\S]*file a-file(?![\s\S]*a-channel)/)
    const guard = mutex.lockSync()
    terminal.press('G')
    await terminal.shows(
      new RegExp(`▸a-mutex[\\s\\S]*process ${process.pid} .*its creator, holds the lock`),
    )
    guard.release()
    mutex.close()
    await terminal.shows(/▸a-file(?![\s\S]*a-mutex)/)
    t.notRegex(terminal.lines.join('\n'), /╭/)
    terminal.press('q')
    t.is(await terminal.ended, 0)
  },
)

onScreen(
  'a folder that goes away is said, and keeps the screen; keys with Ctrl mean nothing',
  async (t) => {
    const { flags } = things(t)
    const place = flags[1]
    const terminal = new Terminal([process.execPath, bin, 'top', '--interval', '0.2', ...flags])
    t.teardown(() => terminal.end())
    await terminal.shows(/a-mutex/)
    terminal.press('\x13\x12\x1bs') // Ctrl+S, Ctrl+R, Alt+S
    renameSync(place, `${place}-gone`)
    const seen = await terminal.shows(/does not exist/)
    t.regex(seen, /ID, age ▼/)
    renameSync(`${place}-gone`, place)
    await terminal.shows(/1 file · 1 channel · 1 mutex/)
    terminal.press('q')
    t.is(await terminal.ended, 0)
  },
)

onScreen("a signal restores the terminal, and the status is the shell's", async (t) => {
  for (const [signal, expected] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ]) {
    const { flags } = things(t)
    const told = join(flags[1], 'pid')
    const line = `echo $$ > ${told}; exec ${process.execPath} ${bin} top ${flags.join(' ')}`
    const terminal = new Terminal(['sh', '-c', line])
    t.teardown(() => terminal.end())
    await terminal.shows(/a-mutex/)
    process.kill(Number(readFileSync(told, 'utf8')), signal)
    t.is(await terminal.ended, expected, signal)
    const left = Buffer.concat(terminal.bytes).toString().split('\x1b[?1049l')
    t.is(left.length, 2, signal)
    t.true(left[0].includes('\x1b[?25h'), 'the cursor is there again')
  }
})

onScreen('in a low window a panel has the room; without colours there are none', async (t) => {
  const { flags } = things(t)
  const env = { NO_COLOR: '1', FORCE_COLOR: undefined }
  const size = { columns: 40, rows: 8, env }
  const terminal = new Terminal([process.execPath, bin, 'top', ...flags], size)
  t.teardown(() => terminal.end())
  const first = await terminal.shows(/a-channel/)
  t.regex(first, /^mmfile top {2}1 file · 1 chan.* \d\d:\d\d:\d\d\n/)
  t.regex(first, /q quit/)
  for (const name of ['a-file', 'a-channel', 'a-mutex']) t.true(first.includes(name), name)
  terminal.press('si')
  await terminal.shows(/channel a-channel\s[\s\S]*96 B of 4.1 kB, 3 messages[\s\S]*q quit/)
  terminal.press('f')
  await terminal.shows(/follows channel a-channel[\s\S]*three/)
  terminal.press('q')
  t.is(await terminal.ended, 0)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour sequences begin with it
  t.notRegex(Buffer.concat(terminal.bytes).toString(), /\x1b\[[\d;]*m/)
})

unlessWindows('a thousand files are a thousand rows', async (t) => {
  const place = { directory: folder(t) }
  const files = Array.from({ length: 1000 }, () => MmFile.createNew(100, place))
  t.teardown(() => {
    for (const file of files) file.close()
  })
  const args = ['top', '--json', '--directory', place.directory]
  const { stdout, status } = await command(t, args)
  t.is(status, 0)
  t.is(JSON.parse(stdout).rows.length, 1000)
})

test('the package has the screen with the licences of all that is in it, and needs no other', (t) => {
  const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
  t.true(existsSync(at('dist/cli/top/screen.mjs')))
  const licences = readFileSync(at('dist/cli/top/screen.LICENSES.txt'), 'utf8')
  for (const name of ['ink', 'react', 'react-reconciler', 'yoga-layout', 'chalk']) {
    t.regex(licences, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, 'm'))
  }
  const bundle = readFileSync(at('dist/cli/top/screen.mjs'), 'utf8')
  const imported = [...bundle.matchAll(/(?:from|import)\s*"([^"]+)"/g)].map(([, name]) => name)
  const own = imported.filter((name) => !name.startsWith('node:'))
  t.deepEqual(
    own.filter((name) => !builtinModules.includes(name)),
    [],
  )
  t.is(JSON.parse(readFileSync(at('package.json'), 'utf8')).dependencies, undefined)
})
