// The command mmfile-nats, as a shell or a service manager runs it.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { nkeys } from '@nats-io/nats-core'
import { Channel, MmFile } from 'mmfile'
import { operatorMode } from './support/jwt.mjs'
import { start as leashed } from './support/leash.mjs'
import {
  connected,
  faults,
  folder,
  messageOf,
  segmentsOf,
  serverPath,
  test,
  until,
} from './support/nats.mjs'
import { COMMAND } from './support/programs.mjs'
import { startProxy } from './support/proxy.mjs'
import { freePort, Server, startServer } from './support/server.mjs'

const { version } = createRequire(import.meta.url)('../package.json')

/** A command that runs, with an environment without a user's own settings. */
function start(t, args, env = {}) {
  const child = leashed(process.execPath, [COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_CONFIG_HOME: '/nowhere', ...env },
  })
  t.teardown(() => child.kill('SIGKILL'))
  const command = { child, stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'])
    child[name].on('data', (chunk) => {
      command[name] += chunk
    })
  command.exited = once(child, 'close').then(([code, signal]) => code ?? signal)
  command.lines = () =>
    command.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  return command
}

function filled(t, path, count, seal = true) {
  const file = MmFile.createFile(path, 1 << 20)
  t.teardown(() => file.close())
  for (let n = 0; n < count; n += 1) file.append(messageOf(n))
  if (seal) file.seal()
  return file
}

test('help, version and wrong usage', (t) => {
  const run = (...args) => spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' })
  t.like(run('--version'), { status: 0, stdout: `${version}\n` })
  for (const args of [['--help'], ['push', '--help'], ['pull', '-h']]) {
    const { status, stdout } = run(...args)
    t.is(status, 0)
    t.regex(stdout, /^Usage: mmfile-nats /)
    for (const line of stdout.split('\n')) t.true(line.length <= 120, line)
  }
  const wrong = [
    [[], /Usage/],
    [['copy'], /there is no command 'copy'/],
    [['push'], /'push' needs ID/],
    [['pull', 's'], /'pull' needs ID/],
    [['pull', 's', 'x', 'y'], /has no use for 'y'/],
    [['push', 'x', 's', '--password', 'p'], /Unknown option '--password'/],
    [['push', 'x', 's', '--kind', 'mutex'], /--kind is 'file' or 'channel'/],
    [['pull', 's', 'x', '--capacity', 'much'], /--capacity is no whole number/],
    [['pull', 's', 'x', '--capacity', '1000'], /say --kind/],
    [
      ['push', 'x', 's', '--server', 'nats://me:secret@host'],
      /--server takes no user and no password/,
    ],
    [['push', 'x', 's', '--server', 'me:secret@host'], /--server takes no user and no password/],
    [['push', 'x', 's', '--context', 'none'], /there is no context 'none'/],
    [['push', './x', 'a b'], /is no name of a stream|NOT_FOUND/],
  ]
  for (const [args, message] of wrong) {
    const { status, stderr } = run(...args)
    t.is(status, args.includes('a b') ? 1 : 2, stderr)
    t.regex(stderr, message)
    t.notRegex(stderr, /secret/)
  }
  const { status, stderr } = run('push', 'nothing-of-that-name', 's')
  t.is(status, 1)
  t.regex(stderr, /^mmfile-nats: ERR_MMFILE_NOT_FOUND: /)
})

test('push and pull a file, with progress as JSON; the pull makes its target', async (t) => {
  const server = await startServer(t, serverPath)
  const path = folder(t)
  filled(t, join(path, 'a'), 1000)
  const common = ['--server', server.url, '--json']
  const pull = start(t, [
    'pull',
    'log',
    join(path, 'b'),
    '--kind',
    'file',
    '--capacity',
    '1048576',
    ...common,
  ])
  const push = start(t, ['push', join(path, 'a'), 'log', ...common])
  t.deepEqual([await push.exited, await pull.exited], [0, 0], push.stderr + pull.stderr)
  const end = { event: 'end', nextIndex: 1000, messages: 1000, lag: 0, sealed: true }
  t.like(push.lines().at(-1), end)
  t.like(pull.lines().at(-1), end)
  const target = MmFile.openFile(join(path, 'b'))
  t.deepEqual(faults(segmentsOf(target), 1000), [])
  target.close()
})

test('a channel in memory, in a folder; signals end the command in an orderly way, and a new one continues', async (t) => {
  const server = await startServer(t, serverPath)
  const { jsm } = await connected(t, server)
  const directory = folder(t)
  const source = Channel.createNew({ id: 'source', directory, encoding: 'json' })
  const target = Channel.createNew({ id: 'target', directory, encoding: 'json' })
  t.teardown(() => [source, target].map((one) => one.close()))
  const reader = target.reader({ from: 'oldest' })
  const args = ['--server', server.url, '--directory', directory, '--quiet']
  for (const [round, [signal, status]] of Object.entries({ SIGINT: 130, SIGTERM: 143 }).entries()) {
    const push = start(t, ['push', 'source', 'log', ...args])
    const pull = start(t, ['pull', 'log', 'target', ...args])
    await source.send({ round })
    t.deepEqual((await reader.receive()).value, { round })
    for (const { child } of [push, pull]) child.kill(signal)
    t.deepEqual([await push.exited, await pull.exited], [status, status], push.stderr)
    t.is(push.stdout + push.stderr, '')
  }
  t.is((await jsm.streams.info('log')).state.messages, 2)
})

test('it waits for a server that is not there yet, and for one that comes again', async (t) => {
  const path = folder(t)
  const port = await freePort()
  const server = new Server(serverPath, join(path, 'server'), port, '')
  t.teardown(() => server.kill())
  const source = filled(t, join(path, 'a'), 10, false)
  const target = filled(t, join(path, 'b'), 0, false)
  const push = start(t, ['push', join(path, 'a'), 'log', '--server', server.url])
  const pull = start(t, ['pull', 'log', join(path, 'b'), '--server', server.url])
  const told = (what) => until(() => [push, pull].every(({ stderr }) => what.test(stderr)))
  await told(/: trying again: connect ECONNREFUSED /)
  await server.start()
  await until(() => target.length === 10)
  await server.kill()
  for (let n = 10; n < 20; n += 1) source.append(messageOf(n))
  source.seal()
  await told(/: trying again: the connection to NATS is down\n/)
  await server.start()
  t.deepEqual([await push.exited, await pull.exited], [0, 0], push.stderr + pull.stderr)
  t.deepEqual(faults(segmentsOf(target), 20), [])
  t.regex(push.stderr, /push log: 20 messages, \d+ bytes, 0 behind, sealed\n/)
})

test('a connection that falls silent is given up for another one', async (t) => {
  const server = await startServer(t, serverPath)
  const proxy = await startProxy(t, server)
  const path = folder(t)
  const source = filled(t, join(path, 'a'), 10, false)
  const target = filled(t, join(path, 'b'), 0, false)
  const push = start(t, ['push', join(path, 'a'), 'log', '--server', proxy.url])
  const pull = start(t, ['pull', 'log', join(path, 'b'), '--server', proxy.url])
  await until(() => target.length === 10)
  proxy.hush()
  for (let n = 10; n < 20; n += 1) source.append(messageOf(n))
  source.seal()
  t.deepEqual([await push.exited, await pull.exited], [0, 0], push.stderr + pull.stderr)
  t.deepEqual(faults(segmentsOf(target), 20), [])
})

test('a failure names its code, and ends it with 1', async (t) => {
  const server = await startServer(t, serverPath)
  const path = folder(t)
  filled(t, join(path, 'a'), 10)
  filled(t, join(path, 'b'), 5)
  const args = ['--server', server.url]
  t.is(await start(t, ['push', join(path, 'a'), 'log', ...args]).exited, 0)
  const other = start(t, ['push', join(path, 'b'), 'log', ...args])
  t.is(await other.exited, 1)
  t.regex(other.stderr, /^mmfile-nats: ERR_MMFILE_INCOMPATIBLE: .* has 5 and stream 'log' 11/)
})

/** Pushes one segment to a server that wants to know who it is. */
async function pushes(t, server, env, args = []) {
  const path = folder(t)
  filled(t, join(path, 'a'), 1)
  const stream = `s${Math.random()}`.replace('.', '')
  const push = start(t, ['push', join(path, 'a'), stream, ...args], {
    NATS_URL: server.url,
    ...env,
  })
  const status = await push.exited
  return { status, stderr: push.stderr, stream }
}

/** Writes a context of the `nats` command. */
function contextOf(home, name, context) {
  mkdirSync(join(home, 'nats', 'context'), { recursive: true })
  const text = typeof context === 'string' ? context : JSON.stringify(context)
  writeFileSync(join(home, 'nats', 'context', `${name}.json`), text)
}

test('users, tokens and nkeys from the environment, files and contexts', async (t) => {
  const user = await startServer(t, serverPath, 'authorization { user: me, password: secret }')
  t.like(await pushes(t, user, { NATS_USER: 'me', NATS_PASSWORD: 'secret' }), { status: 0 })
  const wrong = await pushes(t, user, { NATS_USER: 'me', NATS_PASSWORD: 'other' })
  t.is(wrong.status, 1)
  t.regex(wrong.stderr, /Authorization Violation/i)
  const within = { NATS_URL: user.url.replace('//', '//me:s%65cret@') }
  t.like(await pushes(t, user, within), { status: 0 })
  const home = folder(t)
  contextOf(home, 'work', {
    url: user.url,
    user: 'me',
    password: 'secret',
    description: '',
    nkey: '',
  })
  const env = { XDG_CONFIG_HOME: home, NATS_URL: '' }
  t.like(await pushes(t, user, env, ['--context', 'work']), { status: 0 })
  t.like(await pushes(t, user, { ...env, NATS_CONTEXT: 'work' }), { status: 0 })
  writeFileSync(join(home, 'nats', 'context.txt'), 'work\n')
  t.like(await pushes(t, user, env), { status: 0 })

  const token = await startServer(t, serverPath, 'authorization { token: secret }')
  t.like(await pushes(t, token, { NATS_TOKEN: 'secret' }), { status: 0 })
  t.like(await pushes(t, token, { NATS_USER: 'secret' }), { status: 0 })
  t.like(await pushes(t, token, { NATS_URL: token.url.replace('//', '//secret@') }), { status: 0 })

  const pair = nkeys.createUser()
  const key = `authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }`
  const nkey = await startServer(t, serverPath, key)
  const file = join(home, 'user.nk')
  writeFileSync(file, `${new TextDecoder().decode(pair.getSeed())}\n`)
  t.like(await pushes(t, nkey, {}, ['--nkey', file]), { status: 0 })
  t.like(await pushes(t, nkey, { NATS_NKEY: file }), { status: 0 })
})

test('TLS, with a certificate of the client', async (t) => {
  const path = folder(t)
  const openssl = (...args) => spawnSync('openssl', args, { cwd: path, encoding: 'utf8' })
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    'key.pem',
    '-out',
    'cert.pem',
  )
  if (made.status !== 0) {
    t.log(`not run, there is no openssl: ${made.error ?? made.stderr}`)
    t.pass()
    return
  }
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(path, name))
  const tls = `tls { cert_file: "${cert}", key_file: "${key}", ca_file: "${cert}", verify: true }`
  const server = await startServer(t, serverPath, tls)
  const files = ['--tlscert', cert, '--tlskey', key, '--tlsca', cert]
  t.like(await pushes(t, server, {}, files), { status: 0 })
  t.like(await pushes(t, server, { NATS_CERT: cert, NATS_KEY: key, NATS_CA: cert }), { status: 0 })
})

test('credentials of a user, of an account, of an operator', async (t) => {
  const { config, known, unknown } = operatorMode()
  const server = await startServer(t, serverPath, config)
  const home = folder(t)
  const [own, other] = ['own.creds', 'other.creds'].map((name) => join(home, name))
  writeFileSync(own, known.creds)
  writeFileSync(other, unknown.creds)
  t.like(await pushes(t, server, {}, ['--creds', own]), { status: 0 })
  t.like(await pushes(t, server, { NATS_CREDS: own }), { status: 0 })
  const env = { XDG_CONFIG_HOME: home, HOME: home }
  contextOf(home, 'file', { url: server.url, creds: '~/own.creds' })
  t.like(await pushes(t, server, env, ['--context', 'file']), { status: 0 })
  contextOf(home, 'token', { url: server.url, user_jwt: known.jwt, user_seed: known.seed })
  t.like(await pushes(t, server, env, ['--context', 'token']), { status: 0 })
  for (const args of [[], ['--creds', other]]) {
    const { status, stderr } = await pushes(t, server, {}, args)
    t.is(status, 1)
    t.regex(stderr, /Authorization Violation/)
  }
})

test('errors of a file or a context are reported at once', async (t) => {
  const home = folder(t)
  const env = { XDG_CONFIG_HOME: home }
  const rubbish = join(home, 'rubbish')
  writeFileSync(rubbish, 'rubbish')
  const server = { url: 'nats://127.0.0.1:1' }
  for (const option of ['creds', 'nkey', 'tlscert', 'tlskey', 'tlsca']) {
    const [missing, wrong] = await Promise.all(
      [join(home, 'none'), rubbish].map((path) => pushes(t, server, env, [`--${option}`, path])),
    )
    t.is(missing.status, 1)
    t.regex(missing.stderr, /^mmfile-nats: ENOENT: no such file .*none'\n$/)
    t.is(wrong.status, 2)
    t.regex(wrong.stderr, /rubbish cannot be used: /)
  }
  for (const [context, message] of [
    ['{', /wrong\.json is no context/],
    ['null', /wrong\.json is no context/],
    [{ nsc: 'nsc://a/b/c' }, /wrong\.json has 'nsc', which is not supported/],
    [{ user_jwt: 'a', user_seed: 'b' }, /user_jwt cannot be used/],
  ]) {
    contextOf(home, 'wrong', context)
    const { status, stderr } = await pushes(t, server, env, ['--context', 'wrong'])
    t.is(status, 2)
    t.regex(stderr, message)
  }
})

test('a user who is no longer known ends a copy, with the reason', async (t) => {
  const server = await startServer(t, serverPath, 'authorization { user: me, password: secret }')
  const path = folder(t)
  filled(t, join(path, 'a'), 3, false)
  const env = { NATS_URL: server.url, NATS_USER: 'me', NATS_PASSWORD: 'secret' }
  const push = start(t, ['push', join(path, 'a'), 'log', '--json'], env)
  await until(() => push.lines().length > 0)
  server.extra = 'authorization { user: me, password: other }'
  await server.kill()
  await server.start()
  t.is(await push.exited, 1)
  t.regex(push.stderr, /ERR_MMFILE_CLOSED: .* is closed \(Authorization Violation\)/)
})

test('a domain of JetStream on the other side of a leaf node', async (t) => {
  const port = await freePort()
  const listens = `leafnodes { host: 127.0.0.1, port: ${port} }`
  const hub = await startServer(t, serverPath, listens, ', domain: hub')
  const remote = `leafnodes { remotes: [ { url: "nats-leaf://127.0.0.1:${port}" } ] }`
  const leaf = await startServer(t, serverPath, remote, ', domain: leaf')
  const [there, here] = [await connected(t, hub), await connected(t, leaf)]
  const home = folder(t)
  contextOf(home, 'hub', { url: leaf.url, jetstream_domain: 'hub' })
  contextOf(home, 'prefix', { url: leaf.url, jetstream_api_prefix: '$JS.hub.API' })
  const env = { XDG_CONFIG_HOME: home }
  for (const args of [
    ['--js-domain', 'hub'],
    ['--context', 'hub'],
    ['--context', 'prefix'],
  ]) {
    const { status, stderr, stream } = await pushes(t, leaf, env, args)
    t.is(status, 0, stderr)
    t.is((await there.jsm.streams.info(stream)).state.last_seq, 2)
    await t.throwsAsync(here.jsm.streams.info(stream), { name: 'StreamNotFoundError' })
    const target = join(folder(t), 'b')
    const options = ['--kind', 'file', '--capacity', '1000', '--server', leaf.url]
    const pull = start(t, ['pull', stream, target, ...options, ...args], env)
    t.is(await pull.exited, 0, pull.stderr)
  }
})

test('a closed output pipe ends it as the signal does', async (t) => {
  const server = await startServer(t, serverPath)
  const path = folder(t)
  const file = filled(t, join(path, 'a'), 3, false)
  const push = start(t, ['push', join(path, 'a'), 'log', '--json', '--server', server.url])
  await until(() => push.lines().length > 0)
  push.child.stdout.destroy()
  const ended = push.exited.then(() => true)
  while (!(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 200))])))
    file.append('more')
  t.is(await push.exited, 141)
})
