// The README's first example, as someone would paste it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { installed, page, root, runCode } from '../support/markdown.mjs'

const readme = page('README.md')

/** The code blocks that follow a line naming a file. */
function examples() {
  return [...readme.matchAll(/^`([\w.]+)`:\n\n```js\n([\s\S]*?)^```$/gm)].map(([, name, code]) => ({
    name,
    code,
  }))
}

test('the first example prints what the README says', (t) => {
  const path = installed(t)
  const found = examples()
  t.deepEqual(
    found.map(({ name }) => name),
    ['source.mjs', 'destination.mjs'],
  )
  for (const { name, code } of found) writeFileSync(join(path, name), code)
  const [, promised] = readme.match(/`node source\.mjs` prints `([^`]+)`/)
  t.deepEqual(runCode(t, path, 'source.mjs', found[0].code), [promised])
})

test('the second example does every job once', async (t) => {
  const path = installed(t)
  const [, code] = readme.match(/```js\n\/\/ jobs\.mjs\n([\s\S]*?)```/)
  writeFileSync(join(path, 'jobs.mjs'), code)
  runCode(t, path, 'jobs.mjs', code, { args: ['submit'] })
  const workers = [0, 1].map(() =>
    spawn(process.execPath, ['jobs.mjs', 'work'], {
      cwd: path,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  let said = ''
  for (const worker of workers) {
    t.teardown(() => worker.kill('SIGKILL'))
    worker.stdout.setEncoding('utf8').on('data', (text) => {
      said += text
    })
  }
  while (said.split('\n').length < 4) await new Promise((resolve) => setTimeout(resolve, 20))
  t.deepEqual(said.split('\n').sort(), ['', 'job 1 is done', 'job 2 is done', 'job 3 is done'])
})

test('it works by require, too', (t) => {
  const path = installed(t)
  const code = `
    const { MmFile, MmFileError, NamedMutex, list, sweep } = require('mmfile')
    const file = MmFile.createNew(100)
    file.append('required')
    console.log(file.read(0), [MmFileError, NamedMutex, list, sweep].every((one) => typeof one === 'function'))
    file.close()`
  t.deepEqual(runCode(t, path, 'program.cjs', code), ['required true'])
})

test('both commands of the README are scripts of the package', (t) => {
  const { scripts } = JSON.parse(page('package.json'))
  t.regex(readme, /^npm ci && npm start/m)
  t.regex(readme, /^npm ci && npm test/m)
  t.truthy(scripts.start && scripts.test)
})

// On Windows a signal ends only npm, and not the processes that it started.
const withSignals = process.platform === 'win32' ? test.skip : test

withSignals('npm start prints the address of a page, and it ends when npm does', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'mmfile-readme-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true, maxRetries: 5 }))
  const npm = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, XDG_DATA_HOME: data },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => npm.kill('SIGKILL'))
  let said = ''
  let address
  for await (const text of npm.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += text
    address = /http:\S+/.exec(said)?.[0]
    if (address) break
  }
  npm.stdout.resume()
  t.regex(await (await fetch(address)).text(), /<title>MmfSource<\/title>/)
  npm.kill('SIGTERM')
  // The last process that has the pipe open has ended then.
  await once(npm, 'close')
  await t.throwsAsync(fetch(address))
})
