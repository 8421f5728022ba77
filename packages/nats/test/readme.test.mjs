// The README's example, on two "machines" that share nothing but the server.

import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { start } from './support/leash.mjs'
import { folder, serverPath, test } from './support/nats.mjs'
import { startServer } from './support/server.mjs'

const own = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(own, 'README.md'), 'utf8').replaceAll('\r\n', '\n')
const programs = new Map(
  [...readme.matchAll(/^`([\w.]+)`.*:\n\n```js\n([\s\S]*?)^```$/gm)].map(([, name, code]) => [
    name,
    code,
  ]),
)
const [, promised] = /`node source\.mjs` prints `([^`]+)`/.exec(readme)

/** A folder with the packages installed and the programs of the README. */
function machine(t) {
  const path = folder(t)
  mkdirSync(join(path, 'node_modules', '@mmfile'), { recursive: true })
  mkdirSync(join(path, 'memory'))
  const link = (to, name) => symlinkSync(to, join(path, 'node_modules', name), 'junction')
  link(own, '@mmfile/nats')
  link(join(own, 'node_modules', '@nats-io'), '@nats-io')
  link(join(own, '..', '..'), 'mmfile')
  for (const [name, code] of programs) writeFileSync(join(path, name), code)
  return path
}

function run(t, path, name, server) {
  const child = start(process.execPath, [name], {
    cwd: path,
    env: { ...process.env, MMFILE_DIRECTORY: join(path, 'memory'), NATS_URL: server.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  return once(child, 'close').then(([status]) => ({ status, output }))
}

for (const order of [
  ['source.mjs', 'destination.mjs'],
  ['destination.mjs', 'source.mjs'],
]) {
  test(`the first example, ${order[0]} first`, async (t) => {
    t.deepEqual([...programs.keys()], ['source.mjs', 'destination.mjs'])
    const server = await startServer(t, serverPath)
    const first = run(t, machine(t), order[0], server)
    await new Promise((resolve) => setTimeout(resolve, 500))
    const results = { [order[0]]: first, [order[1]]: run(t, machine(t), order[1], server) }
    t.deepEqual(await results['source.mjs'], { status: 0, output: `${promised}\n` })
    t.deepEqual(await results['destination.mjs'], { status: 0, output: '' })
  })
}
