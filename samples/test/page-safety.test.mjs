// Access to the pages, what they may do, and whether they are accessible.

import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import {
  fits,
  hostile,
  isAccessible,
  resultOf,
  rowOf,
  startBrowser,
  startDestination,
  startRun,
  startSource,
  test,
} from './support/pages.mjs'
import { aTask } from './support/runs.mjs'

const open = startBrowser()

/** A request as any program can make it, with headers that a browser would not let a page set. */
function ask(address, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    // Events that should have been refused would never end.
    const signal = AbortSignal.timeout(10_000)
    const asked = request(address, { method, headers, agent: false, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => {
        text += part
      })
      response.on('error', reject)
      response.on('end', () => {
        asked.destroy()
        resolve({ status: response.statusCode, headers: response.headers, text })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Both programs, and a request of each that would change something. */
const programs = [
  [
    'MmfSource',
    (t) => startSource(t),
    ['api/tasks', { name: 'Ours', description: '', duration: '1', priority: 'Low' }],
  ],
  ['MmfDestination', (t) => startDestination(t, [aTask()]), ['api/close', {}]],
]

for (const [name, start, [path, fields]] of programs) {
  test.serial(`${name} responds only to its own page`, async (t) => {
    const { program, address } = await start(t)
    const { origin, host, port, pathname } = new URL(address)
    const [, token] = pathname.split('/')
    t.regex(token, /^[\w-]{32,}$/)
    const body = JSON.stringify(fields)
    const post = (headers, to = address) =>
      ask(to + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body,
      })

    t.is((await ask(address)).status, 200)
    t.is((await ask(address, { headers: { Origin: origin } })).status, 200)
    for (const [what, { status, text }] of [
      ['another host', await ask(address, { headers: { Host: `evil.example:${port}` } })],
      ['localhost', await ask(address, { headers: { Host: `localhost:${port}` } })],
      ['no port', await ask(address, { headers: { Host: '127.0.0.1' } })],
      [
        'another host, posting',
        await post({ Host: 'evil.example', Origin: 'http://evil.example' }),
      ],
    ]) {
      t.is(status, 421, what)
      t.notRegex(text, new RegExp(token))
    }
    for (const [what, { status, text }] of [
      ['another origin', await post({ Origin: 'http://evil.example' })],
      ['a page on another port', await post({ Origin: 'http://127.0.0.1:1' })],
      ['the wrong scheme', await post({ Origin: `https://${host}` })],
      ['a page without an origin', await post({ Origin: 'null' })],
      ['no origin', await post({})],
      [
        'another origin, reading',
        await ask(`${address}api/events`, { headers: { Origin: 'http://a' } }),
      ],
      ['no token', await ask(`${origin}/`)],
      ['no token, posting', await post({ Origin: origin }, `${origin}/`)],
      ['half a token', await ask(`${origin}/${token.slice(0, 16)}/`)],
      ['a longer token', await ask(`${origin}/${token}x/`)],
      ['another token', await ask(`${origin}/${token.replace(/./g, 'A')}/api/events`)],
    ]) {
      t.is(status, 403, what)
      t.notRegex(text, new RegExp(token))
    }
    for (const file of [
      '../package.json',
      'web-kit/page/../../package.json',
      '%2e%2e/package.json',
      'web-kit/page/dom.ts',
    ]) {
      const { status } = await ask(address + file)
      t.true([403, 404].includes(status), file)
    }
    // A body that is too large is refused as soon as it is announced.
    const headers = { Origin: origin, 'Content-Length': 5 << 20 }
    t.is((await ask(`${address}api/tasks`, { method: 'POST', headers })).status, 413)
    // None of this has done anything; the real thing does.
    t.is(program.child.exitCode, null)
    t.true([201, 204].includes((await post({ Origin: origin })).status))
  })

  test.serial(
    `${name} tells browsers to be strict, and listens to this machine only`,
    async (t) => {
      const { address } = await start(t)
      const { port, origin } = new URL(address)
      for (const each of [
        address,
        `${address}web-kit/page/dom.js`,
        `${address}nothing`,
        `${origin}/`,
      ]) {
        const { headers } = await ask(each)
        const policy = headers['content-security-policy'].split('; ')
        for (const rule of [
          "default-src 'none'",
          "script-src 'self'",
          "style-src 'self'",
          "frame-ancestors 'none'",
          "require-trusted-types-for 'script'",
        ]) {
          t.true(policy.includes(rule), `${each}: ${rule}`)
        }
        t.notRegex(headers['content-security-policy'], /unsafe/)
        t.is(headers['referrer-policy'], 'no-referrer')
        t.is(headers['x-content-type-options'], 'nosniff')
        t.is(headers['cache-control'], 'no-store')
        t.is(headers['access-control-allow-origin'], undefined)
      }
      const page = await ask(address)
      t.notRegex(page.text, /<script(?![^>]* src=)|<style|style=| on\w+=/)
      const outside = Object.values(networkInterfaces())
        .flat()
        .filter(({ internal }) => !internal)
      for (const { address: ip } of outside) t.false(await isReachable(ip, Number(port)), ip)
    },
  )
}

function isReachable(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 }, () => finish(true))
    const finish = (reached) => {
      socket.destroy()
      resolve(reached)
    }
    socket.on('error', () => finish(false)).on('timeout', () => finish(false))
  })
}

test.serial(
  'a page of another origin can read nothing, change nothing, and frame nothing',
  async (t) => {
    const { address } = await startSource(t)
    const foreign = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Foreign</title>')
    })
    foreign.listen(0, '127.0.0.1')
    await once(foreign, 'listening')
    t.teardown(() => foreign.close())
    const page = await open(t, `http://127.0.0.1:${foreign.address().port}/`, { foreign: true })
    // Even though it knows the address, which it has no way to learn.
    const outcome = await page.evaluate(async (url) => {
      const attempt = (options) =>
        fetch(`${url}api/tasks`, options).then(
          ({ type }) => type,
          () => 'refused',
        )
      const body = JSON.stringify({
        name: 'Theirs',
        description: '',
        duration: '1',
        priority: 'Low',
      })
      const frame = document.createElement('iframe')
      frame.src = url
      document.body.append(frame)
      await new Promise((resolve) => frame.addEventListener('load', resolve))
      return [
        await attempt({ method: 'POST', body, mode: 'no-cors' }),
        await attempt({ method: 'POST', body }),
        await attempt({}),
        frame.contentDocument === null,
      ]
    }, address)
    // The browser sends the first one, and hides the response: the program has to refuse it, too.
    t.deepEqual(outcome, ['refused', 'refused', 'refused', true])
    t.true(page.frames().every((frame) => !frame.url().startsWith(address)))
    const own = await open(t, address)
    await rowOf(own, 'Tasks', 'Tidy the archive').waitFor()
    t.is(await rowOf(own, 'Tasks', 'Theirs').count(), 0)
  },
)

/** Every state of MmfSource's page, one after the other. */
async function throughSource(page, program, look) {
  await rowOf(page, 'Tasks', 'Resize the photos').waitFor()
  await look('MmfSource, at first')
  await page.getByRole('button', { name: 'New task' }).click()
  await look('a new task')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Give the task a name.').waitFor()
  await look('a new task with a problem')
  for (const text of [hostile.long, hostile.rightToLeft, hostile.markup]) {
    const dialog = page.getByRole('dialog')
    if (!(await dialog.isVisible())) await page.getByRole('button', { name: 'New task' }).click()
    await dialog.getByLabel('Name').fill(text)
    await dialog.getByLabel('Description').fill(text)
    await dialog.getByLabel('Duration').fill('0')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'hidden' })
  }
  await page.getByRole('button', { name: /^Delete aaa/ }).click()
  await look('a task that may be deleted')
  await page.keyboard.press('Escape')
  const stopped = await startRun(page, program)
  const run = await startRun(page, program)
  await look('two runs')
  await page.getByRole('button', { name: `Stop run ${stopped.number}` }).click()
  await resultOf(page).getByText('was stopped').waitFor()
  return run
}

/** Every state of MmfDestination's page. */
async function throughDestination(page, look) {
  await page.getByRole('radio', { name: /^Select aaa/ }).check()
  await look('MmfDestination, at first')
  await page.getByLabel('Duration').fill('')
  await page.getByRole('button', { name: 'Run task' }).click()
  await page.getByText('Give a whole number').waitFor()
  await look('a configuration with a problem')
  await page.getByLabel('Duration').fill('60')
  await page.getByRole('button', { name: 'Run task' }).click()
  await page.getByRole('progressbar').waitFor()
  await look('a task that runs')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('The task was cancelled.').waitFor()
  await look('a task that is done')
}

for (const [what, options, check] of [
  ['every state of both pages is accessible', {}, isAccessible],
  ['nothing is cut off at 400 pixels', { viewport: { width: 400, height: 800 } }, fits],
]) {
  test.serial(what, async (t) => {
    const { program, address } = await startSource(t)
    const page = await open(t, address, options)
    const run = await throughSource(page, program, (state) => check(t, page, state))
    const destination = await open(t, run.address, options)
    await throughDestination(destination, (state) => check(t, destination, state))
    await resultOf(page).getByText('Cancelled after').waitFor()
    await check(t, page, 'a result')
  })
}
