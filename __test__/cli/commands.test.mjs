// The command line: usage, failures, and the commands list, rm, sweep and peers.

import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { list, MmFile, NamedMutex } from 'mmfile'
import { start } from '../support/child.mjs'
import { command, prints, startCommand } from '../support/cli.mjs'
import { closing, create, isThere, left, open, uniqueId } from '../support/files.mjs'

const onLinux = process.platform === 'linux' ? test : test.skip

/** Prefixes of a test alone, and the options that tell them to a command. */
function own() {
  const name = uniqueId('cli').slice(0, 40)
  const prefixes = { data: `${name}-d-`, mutex: `${name}-m-` }
  const flags = ['--data-prefix', prefixes.data, '--mutex-prefix', prefixes.mutex]
  return { prefixes, flags }
}

test('help and version', async (t) => {
  const { stdout, status } = await command(t, ['--help'])
  t.is(status, 0)
  const names = ['ls', 'inspect', 'cat', 'follow', 'append', 'seal', 'peers', 'rm', 'sweep', 'top']
  names.push('completions')
  for (const name of names) {
    t.regex(stdout, new RegExp(`^  ${name} `, 'm'))
    const help = await command(t, [name, '--help'])
    t.is(help.status, 0)
    t.true(help.stdout.startsWith(`Usage: mmfile ${name}`))
    t.regex(help.stdout, new RegExp(`^Example: .*mmfile ${name} ?`, 'm'))
    for (const same of [
      [name, '-h'],
      ['help', name],
      ['--help', name],
    ]) {
      t.is((await command(t, same)).stdout, help.stdout)
    }
  }
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url)))
  await prints(t, ['--version'], `${version}\n`)
  await prints(t, ['-v'], `${version}\n`)
  const bare = await command(t, [])
  t.deepEqual([bare.status, bare.stdout, bare.stderr], [2, '', stdout])
})

test('wrong usage is exit status 2', async (t) => {
  const { id } = create(t)
  for (const args of [
    ['nonsense'],
    ['cat', id, '0', '--limit', '1'],
    ['cat', id, '--encoding', 'ascii'],
    ['inspect', id, '--from', 'end'],
    ['inspect', id, '--limit', '-1'],
    ['inspect', 'not-there', '--limit', 'x'],
    ['cat', 'not-there', '--from', 'x'],
    ['seal'],
    ['cat'],
    ['cat', id, '0', '1'],
    ['cat', id, 'first'],
    ['cat', id, '-1'],
    ['cat', id, '1.5'],
    ['cat', id, '--bytes', '--json'],
    ['ls', 'id'],
    ['ls', '--nonsense'],
    ['ls', '--data-prefix'],
    ['ls', '--data-prefix', 'a/b'],
    ['inspect', ''],
    ['inspect', '..'],
    ['inspect', 'not an id'],
    ['follow', id, '--from', 'x'],
    ['append', id, 'text', '--lines'],
    ['append', id, '--lines', '--bytes'],
    ['rm'],
    ['rm', 'a b'],
    ['rm', id, '--kind', 'segment'],
    ['ls', '--kind', 'files'],
    ['ls', '--directory', ''],
    ['ls', '--prefix', 'a/b'],
    ['peers'],
    ['sweep', 'x'],
    ['sweep', '--kind', 'file'],
    ['completions'],
    ['completions', 'fish'],
  ]) {
    const { status, stdout, stderr } = await command(t, args)
    t.deepEqual([status, stdout], [2, ''], `${args}: ${stderr}`)
    t.regex(stderr, /^mmfile: .*\nTry 'mmfile --help'\.\n$/s, `${args}`)
  }
})

test('a failure is exit status 1, with its code', async (t) => {
  const id = uniqueId()
  const file = create(t, 30)
  file.append(new Uint8Array(3))
  for (const [code, ...args] of [
    ['NOT_FOUND', 'inspect', id],
    ['NOT_FOUND', 'cat', id],
    ['NOT_FOUND', 'follow', id],
    ['NOT_FOUND', 'append', id, 'text'],
    ['NOT_FOUND', 'rm', id],
    ['NOT_FOUND', 'rm', id, '--kind', 'mutex'],
    ['NOT_FOUND', 'peers', id],
    ['UNSUPPORTED', 'cat', id, '--directory', '/there/is/none'],
    ['NOT_FOUND', 'cat', './there/is/none'],
    ['NOT_TEXT', 'cat', file.id, '--encoding', 'utf16le'],
    ['NOT_FOUND', 'seal', id],
    ['SEGMENT_RANGE', 'cat', file.id, '1'],
    ['CAPACITY', 'append', file.id, 'more than there is room for'],
    ['INCOMPATIBLE', 'cat', './package.json'],
  ]) {
    const { status, stdout, stderr } = await command(t, args)
    t.deepEqual([status, stdout], [1, ''], `${args}: ${stderr}`)
    t.regex(stderr, new RegExp(`^mmfile: ERR_MMFILE_${code}: `))
  }
  t.deepEqual([file.length, file.size], [1, 7])
})

test('ls shows what there is', async (t) => {
  const { prefixes, flags } = own()
  await prints(t, ['ls', '--json', ...flags], '[]\n')
  const first = create(t, 4096, { prefixes, id: 'first' })
  first.appendAll(['a', 'b'])
  first.seal()
  const creator = start(t, 'sweepers', 'create', [prefixes.data, prefixes.mutex])
  const second = await creator.next()
  const states = async () => JSON.parse((await command(t, ['ls', '--json', ...flags])).stdout)
  const infos = await states()
  t.deepEqual(
    infos.map(({ id, stale }) => [id, stale]),
    [
      ['first', false],
      [second, false],
    ],
  )
  t.deepEqual(
    infos,
    JSON.parse(JSON.stringify(list({ prefixes }).sort((a, b) => a.createdAt - b.createdAt))),
  )
  await creator.kill()
  if (process.platform === 'win32') {
    // The handles of a killed process are gone at once.
    await prints(t, ['ls', '-q', ...flags], 'first\n')
    await prints(t, ['sweep', '--json', ...flags], '[]\n')
    return
  }
  t.deepEqual(
    (await states()).map(({ stale }) => stale),
    [false, true],
  )
  const { stdout } = await command(t, ['ls', ...flags])
  const [head, one, two] = stdout.split('\n')
  t.regex(head, /^ID +KIND +LENGTH +USED +CAPACITY +LIFETIME +CREATOR +CREATED +STATE$/)
  t.regex(
    one,
    new RegExp(`^first +file +2 +12 +4096 +creator +${process.pid} +\\S+Z +in use, sealed$`),
  )
  t.regex(two, new RegExp(`^${second} .* stale$`))
  await prints(t, ['ls', '-q', ...flags], `first\n${second}\n`)
  const swept = await command(t, ['sweep', ...flags])
  t.regex(swept.stdout, new RegExp(`^ID .*\n${second} +file .* stale\n$`))
  await prints(t, ['sweep', '--json', ...flags], '[]\n')
  t.deepEqual(left(second), [])
  t.is(first.read(1), 'b')
})

test('ls, rm and sweep know files and mutexes apart', async (t) => {
  const { prefixes, flags } = own()
  const prefix = `${prefixes.mutex}n-`
  const place = [...flags, '--prefix', prefix]
  const file = create(t, 100, { prefixes, id: 'both' })
  const mutex = closing(t, NamedMutex.open('both', { prefix }))
  closing(t, NamedMutex.open('lone', { prefix }))
  const shown = async (...args) => {
    const { stdout } = await command(t, ['ls', '--json', ...place, ...args])
    return JSON.parse(stdout)
      .map(({ id, kind }) => `${kind} ${id}`)
      .sort()
  }
  t.deepEqual(await shown(), ['file both', 'mutex both', 'mutex lone'])
  t.deepEqual(await shown('--kind', 'mutex'), ['mutex both', 'mutex lone'])
  await prints(t, ['ls', '--quiet', ...flags], 'both\n')
  const refused = await command(t, ['rm', 'both', ...place])
  t.is(refused.status, 2)
  t.regex(refused.stderr, /'both' is a file and a mutex: say --kind/)
  await prints(t, ['rm', 'both', '--kind', 'mutex', ...place], '')
  await prints(t, ['rm', 'lone', ...place], '')
  t.deepEqual(await shown(), ['file both'])
  await prints(t, ['rm', 'both', ...place], '')
  t.deepEqual(await shown(), [])
  t.deepEqual([file.append('goes on'), mutex.closed], [0, false])
})

test('peers shows which processes have a file open', async (t) => {
  const file = create(t, 100)
  open(t, file, { access: 'read' })
  const guard = file.tryLock()
  const { stdout } = await command(t, ['peers', file.id])
  const [head, one, two, rest] = stdout.split('\n')
  t.regex(head, /^ *PID +ACCESS +SINCE +CREATOR +LOCK$/)
  t.regex(one, new RegExp(`^ *${process.pid} +read-write +\\S+Z +creator +holds the lock$`))
  t.regex(two, new RegExp(`^ *${process.pid} +read +\\S+Z$`))
  t.is(rest, '')
  guard.release()
  const { stdout: json } = await command(t, ['peers', file.id, '--json'])
  t.deepEqual(
    JSON.parse(json),
    JSON.parse(JSON.stringify(file.peers())).map((peer) => ({ ...peer, self: false })),
  )
})

test('peers shows which processes have a mutex open, and which one holds it', async (t) => {
  const mutex = closing(t, NamedMutex.open(uniqueId()))
  const line = (lock) => new RegExp(`^ *${process.pid} +read-write +\\S+Z +creator${lock}$`, 'm')
  t.regex((await command(t, ['peers', mutex.name])).stdout, line(''))
  const guard = mutex.lockSync()
  const of = ['peers', mutex.name, '--kind', 'mutex']
  t.regex((await command(t, of)).stdout, line(' +holds the lock'))
  const [row, ...others] = JSON.parse((await command(t, [...of, '--json'])).stdout)
  t.like(row, { pid: process.pid, isCreator: true, holdsLock: true, self: false })
  t.deepEqual(others, [])
  guard.release()
  const { status, stderr } = await command(t, ['peers', uniqueId(), '--kind', 'mutex'])
  t.is(status, 1)
  t.regex(stderr, /ERR_MMFILE_NOT_FOUND/)
})

onLinux('--directory is where files are, for every command', async (t) => {
  const directory = realpathSync.native(mkdtempSync(join(tmpdir(), 'mmfile-cli-')))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const place = ['--directory', directory]
  const file = create(t, 4096, { directory, id: 'here' })
  await prints(t, ['append', 'here', 'text', ...place], '0\n')
  await prints(t, ['cat', 'here', ...place], 'text\n')
  await prints(t, ['ls', '--quiet', ...place], 'here\n')
  await prints(t, ['ls', '--quiet'], 'here\n', { env: { MMFILE_DIRECTORY: directory } })
  t.like(JSON.parse((await command(t, ['inspect', 'here', '--json', ...place])).stdout), {
    id: 'here',
    creatorPid: process.pid,
  })
  const follower = startCommand(t, ['follow', 'here', ...place])
  await follower.shown('text\n')
  file.seal()
  t.is((await follower.ended).status, 0)
  t.regex((await command(t, ['peers', 'here', ...place])).stdout, / creator$/m)
  await prints(t, ['sweep', '--quiet', ...place], '')
  await prints(t, ['rm', 'here', ...place], '')
  t.deepEqual(readdirSync(directory), [])
})

test('rm removes ids, and does not disturb processes that have the file open', async (t) => {
  const files = [1, 2].map(() => create(t, 4096))
  const ids = files.map(({ id }) => id)
  const none = uniqueId()
  const { status, stderr } = await command(t, ['rm', ids[0], none, ids[1]])
  t.is(status, 1)
  t.regex(stderr, new RegExp(`^mmfile: ERR_MMFILE_NOT_FOUND: [^\n]*${none}[^\n]*\n$`))
  for (const file of files) {
    t.false(isThere(file.id))
    t.deepEqual(left(file.id), [])
    file.append('goes on')
    t.is(file.read(0), 'goes on')
  }
  const early = process.platform !== 'win32' // there an id is in use until the last one leaves
  if (!early) files[0].close()
  const again = closing(t, MmFile.createNew(100, { id: ids[0] }))
  files[0].close()
  t.true(isThere(again.id), 'earlier processes of that id do not affect the new one')
})

test('a file on disk is named by its path', async (t) => {
  const made = mkdtempSync(join(tmpdir(), 'mmfile-cli-'))
  t.teardown(() => rmSync(made, { recursive: true, maxRetries: 5 }))
  // The folder for temporary files is behind a link on macOS, and may have a short name on Windows.
  const path = join(realpathSync.native(made), 'file')
  MmFile.createFile(path, 4096).close()
  await prints(t, ['append', path, 'kept'], '0\n')
  await prints(t, ['cat', path], 'kept\n')
  const { stdout } = await command(t, ['inspect', path, '--json'])
  t.like(JSON.parse(stdout), {
    path,
    length: 1,
    segments: [{ index: 0, bytes: 8, preview: 'kept' }],
  })
  await prints(t, ['rm', path], '')
  t.regex((await command(t, ['rm', path])).stderr, /ERR_MMFILE_NOT_FOUND: /)
  const other = join(realpathSync.native(made), 'other')
  writeFileSync(other, 'not ours')
  t.is((await command(t, ['rm', other])).status, 1)
  t.is(readFileSync(other, 'utf8'), 'not ours')
})
