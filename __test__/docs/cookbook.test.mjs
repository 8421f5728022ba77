// docs/cookbook: the files of each page, and its commands in a shell, print what the page says.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'
import { parse } from 'yaml'
import { runAsync } from '../../scripts/lib/async.mjs'
import { others, tools } from '../../scripts/runtime-versions.mjs'
import { blocks, files, installed, page, root, session } from '../support/markdown.mjs'

// One page after the other: each starts processes.
const onUnix = process.platform === 'win32' ? test.skip : test.serial
const onLinux = process.platform === 'linux' ? test.serial : test.skip
const cookbook = (name) => page(`docs/cookbook/${name}`)

/** A folder with the package and the files of a page, and a way to run a script there. */
function place(t, name) {
  const path = installed(t)
  const objects = join(path, '.objects')
  mkdirSync(objects)
  for (const { name: file, code } of files(cookbook(name))) {
    mkdirSync(dirname(join(path, file)), { recursive: true })
    writeFileSync(join(path, file), code)
  }
  const bin = join(path, 'node_modules', '.bin')
  const PATH = [bin, dirname(process.execPath), process.env.PATH].join(':')
  const run = (script, env = { MMFILE_DIRECTORY: objects }) =>
    runAsync('bash', ['-c', script], {
      cwd: path,
      env: { ...process.env, NO_COLOR: '1', PATH, ...env },
    })
  return { path, bin, run }
}

/** Runs all sessions of a page, one after the other. */
async function follow(t, name, { run }) {
  const sessions = blocks(cookbook(name), 'console').map(({ code }) => session(code))
  t.true(sessions.length > 0)
  for (const { script, output } of sessions) {
    const { stdout, stderr, status } = await run(script)
    if (output.length === 0) {
      t.is(status, 0, `${script}\n${stdout}${stderr}`)
      continue
    }
    // Processes that run beside each other may print in any order.
    const inOrder = (lines) => (/&(?!&)/.test(script) ? lines.sort() : lines)
    t.deepEqual(inOrder(stdout.split('\n').slice(0, -1)), inOrder(output), `${script}\n${stderr}`)
    const isShells = (line) => /^bash: line \d+: +\d+ (Killed|Terminated)/.test(line)
    t.deepEqual(
      stderr.split('\n').filter((line) => line !== '' && !isShells(line)),
      [],
      script,
    )
  }
}

for (const name of ['buffers', 'locks', 'logs', 'queues', 'pub-sub', 'rpc', 'containers']) {
  onUnix(`${name}.md does what it says`, (t) => follow(t, `${name}.md`, place(t, `${name}.md`)))
}

for (const name of ['testing', 'bundling']) {
  const withTools = process.arch === 'x64' ? onLinux : test.skip
  withTools(`${name}.md does what it says`, async (t) => {
    t.timeout(600_000)
    const { path, bin, run } = place(t, `${name}.md`)
    for (const [tool, folder] of tools()) {
      symlinkSync(folder, join(path, 'node_modules', tool))
      const { bin: commands = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const named = typeof commands === 'string' ? { [tool]: commands } : commands
      for (const [command, file] of Object.entries(named))
        symlinkSync(join(folder, file), join(bin, command))
    }
    for (const { name: runtime, command } of others())
      symlinkSync(command, join(bin, runtime.toLowerCase()))
    await follow(t, `${name}.md`, { run })
  })
}

onUnix('typescript.md does what it says, with every setting that it names', async (t) => {
  t.timeout(300_000)
  const { path, bin, run } = place(t, 'typescript.md')
  mkdirSync(join(path, 'node_modules', '@types'))
  for (const name of ['typescript', '@types/node'])
    symlinkSync(join(root, 'node_modules', name), join(path, 'node_modules', name))
  symlinkSync('../typescript/bin/tsc', join(bin, 'tsc'))
  await follow(t, 'typescript.md', { run })
  for (const settings of [
    '--module node16',
    '--module esnext --moduleResolution bundler',
    '--module preserve --moduleResolution bundler --exactOptionalPropertyTypes',
    '--lib ESNext --target ESNext --skipLibCheck false --strict false',
  ]) {
    const { stdout, status } = await run(`npx tsc --noEmit ${settings}`)
    t.is(status, 0, `${settings}\n${stdout}`)
  }
})

const has = (command) => spawnSync(command, ['--version']).status === 0
const foreign = has('python3') && has('cc') ? onLinux : test.skip
foreign('languages.md does what it says', (t) =>
  follow(t, 'languages.md', place(t, 'languages.md')),
)

const yaml = (name) => parse(files(cookbook('containers.md')).find((one) => one.name === name).code)

test('the containers of compose.yaml share memory, processes and user', (t) => {
  const { first, second } = yaml('compose.yaml').services
  t.deepEqual([first.ipc, second.ipc, second.pid], ['shareable', 'service:first', 'service:first'])
  t.is(first.user, second.user)
  t.deepEqual(second.depends_on, ['first'])
  const image = files(cookbook('containers.md')).find(({ name }) => name === 'Dockerfile').code
  t.notRegex(image, /omit=optional|alpine/)
  t.true(image.includes(`USER ${first.user}`))
})

test('the containers of pod.yaml share memory, processes and user', (t) => {
  const { spec } = yaml('pod.yaml')
  t.true(spec.shareProcessNamespace)
  t.is(typeof spec.securityContext.runAsUser, 'number')
  t.is(spec.volumes[0].emptyDir.medium, 'Memory')
  t.is(spec.containers.length, 2)
  for (const { volumeMounts } of spec.containers)
    t.deepEqual(volumeMounts, [{ name: spec.volumes[0].name, mountPath: '/dev/shm' }])
})

test('the programs of snapcraft.yaml have the private shared memory', (t) => {
  const { plugs, apps } = yaml('snap/snapcraft.yaml')
  t.true(plugs['shared-memory'].private)
  for (const app of Object.values(apps)) t.deepEqual(app.plugs, ['shared-memory'])
})

onUnix('every name in the folder begins with the prefix, from the creation on', async (t) => {
  const { path, run } = place(t, 'containers.md')
  const watched = `
    const { watch, mkdirSync } = require('node:fs')
    const { MmFile } = require('mmfile')
    mkdirSync('watched')
    const names = new Set()
    // The kernel shows a file without a name as a number.
    const watcher = watch('watched', (_, name) => name.startsWith('#') || names.add(name))
    setTimeout(() => {
      const options = { id: 'a', directory: 'watched', prefixes: { data: 'snap.greeting.data-' } }
      MmFile.createNew(1000, options).close()
      MmFile.createNew(10_000_000, options).close()
      setTimeout(() => {
        watcher.close()
        console.log([...names].filter((name) => !name.startsWith('snap.greeting.')).length, names.size > 0)
      }, 200)
    }, 200)`
  writeFileSync(join(path, 'watched.cjs'), watched)
  const { stdout, stderr } = await run('node watched.cjs')
  t.is(stdout, '0 true\n', stderr)
})

const unshares =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-m', '--pid', '--fork', 'true']).status === 0
const withNamespaces = unshares ? test.serial : test.skip

withNamespaces('two mount namespaces share /dev/shm; two PID namespaces do not', async (t) => {
  const { run } = place(t, 'containers.md')
  const both = (second) =>
    run(
      `unshare -m bash -c 'mount -t tmpfs none /dev/shm
         unshare -m timeout 20 node first.mjs & FIRST=$!
         until ls /dev/shm/mmfile-* > /dev/null 2>&1; do sleep 0.05; done
         ${second} || kill $FIRST
         wait'`,
      { MMFILE_DIRECTORY: '' },
    )
  const shared = await both('unshare -m node second.mjs')
  t.deepEqual(
    shared.stdout.split('\n').sort(),
    ['', 'hello from the first', 'hello from the second'],
    shared.stderr,
  )
  const apart = await both('unshare -m --pid --fork --mount-proc node second.mjs')
  t.true(apart.stderr.includes('ERR_MMFILE_INCOMPATIBLE'), apart.stderr)
})

withNamespaces('the handler for Lambda runs where there is no /dev/shm', async (t) => {
  const { path, run } = place(t, 'containers.md')
  const program = `import { handler } from './handler.mjs'
    import { existsSync } from 'node:fs'
    console.log(existsSync('/dev/shm'), await handler({ text: 'hello' }))`
  writeFileSync(join(path, 'invoke.mjs'), program)
  mkdirSync(join(path, 'dev'))
  // A /dev with only the devices that Node.js opens.
  const { stdout, stderr } = await run(
    `unshare -m bash -c 'mount -t tmpfs none dev
       cp -a /dev/null /dev/zero /dev/random /dev/urandom dev
       mount --move dev /dev && node invoke.mjs'`,
    { MMFILE_DIRECTORY: '' },
  )
  t.is(stdout, `false { statusCode: 200, body: 'HELLO' }\n`, stderr)
})

test('the index leads to every page', (t) => {
  const index = cookbook('README.md')
  for (const { name } of readdirSync(new URL('../../docs/cookbook', import.meta.url), {
    withFileTypes: true,
  }))
    if (name !== 'README.md') t.true(index.includes(`(${name})`), name)
})
