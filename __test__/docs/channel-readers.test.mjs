// examples/channel_reader.py and .c: readers of a channel that know docs/memory-layout.md and nothing else.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'ava'
import { Channel } from 'mmfile'
import { folder } from '../support/channels.mjs'
import { rounds } from '../support/files.mjs'
import { root } from '../support/markdown.mjs'

const source = (extension) => join(root, 'examples', `channel_reader.${extension}`)

/** Each reader: how to start it in a folder. `undefined` where this machine cannot. */
const readers = {
  Python: () => {
    if (spawnSync('python3', ['--version']).status === 0) return ['python3', source('py')]
  },
  C: (path) => {
    const program = join(path, 'channel_reader')
    const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-std=c11']
    const args = [...flags, '-o', program, source('c')]
    const { error, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
    if (error?.code === 'ENOENT') return undefined
    if (stderr !== '') throw new Error(stderr)
    return [program]
  },
}

/** A reader of a channel: the lines that it has printed, and a promise of how many messages it missed. */
function observe(t, [command, ...args], channel, directory) {
  const child = spawn(command, [...args, channel], {
    env: { ...process.env, MMFILE_DIRECTORY: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  const missed = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(said)
    return Number(/^missed (\d+)$/m.exec(said)[1])
  })
  return { lines, missed }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
/** The text of a message: of all lengths that go into a ring of 4 KiB. */
const text = (n) => `${n}:${'x'.repeat((n * 131) % 1000)}`

/** Sends no more than the reader has read. */
async function sendPaced(channel, reader, from, to) {
  for (let n = from; n < to; n += 1) {
    channel.sendSync(text(n))
    if (n % 3 === 0) while (reader.lines.length <= n - from) await pause(1)
  }
}

for (const [language, find] of Object.entries(readers)) {
  const onLinux = process.platform === 'linux' ? test : test.skip
  const title = (what) => `the reader in ${language} ${what}`
  const withReader = (what, act) =>
    onLinux(title(what), async (t) => {
      const path = folder(t)
      const command = find(path)
      if (command === undefined) return t.pass(`no ${language} here`)
      await act(t, path, (id) => observe(t, command, id, path))
    })

  withReader(
    'gets every message, in memory, with padding at each end of the ring',
    async (t, directory, start) => {
      const options = { encoding: 'utf8', capacity: 4096, directory }
      const channel = Channel.createNew(options)
      const reader = start(channel.id)
      await sendPaced(channel, reader, 0, rounds(300))
      channel.seal()
      t.is(await reader.missed, 0)
      t.deepEqual(
        reader.lines,
        Array.from({ length: rounds(300) }, (_, n) => `${n} ${text(n)}`),
      )
      channel.close()
    },
  )

  withReader('gets every message of a channel on disk', async (t, directory, start) => {
    const path = join(directory, 'channel.mmf')
    const channel = Channel.createFile(path, { encoding: 'utf8', capacity: 4096 })
    const reader = start(path)
    await sendPaced(channel, reader, 0, 60)
    channel.seal()
    t.is(await reader.missed, 0)
    t.is(reader.lines.at(-1), `59 ${text(59)}`)
    t.is(reader.lines.length, 60)
    channel.close()
  })

  withReader('continues when positions wrap', async (t, directory, start) => {
    const options = { encoding: 'utf8', capacity: 4096, directory }
    const first = Channel.createOrOpen('round', options)
    first.sendSync(text(0))
    move(join(directory, 'mmfile-channel-round'), 2 ** 32 - 3 * 256)
    const channel = Channel.openExisting('round', { directory })
    first.close()
    const reader = start('round')
    await sendPaced(channel, reader, 1, 80)
    channel.seal()
    t.is(await reader.missed, 0)
    t.deepEqual(
      reader.lines,
      Array.from({ length: 80 }, (_, n) => `${n} ${text(n)}`),
    )
    channel.close()
  })

  withReader(
    'counts what was overwritten, and shows nothing that was',
    async (t, directory, start) => {
      const options = { encoding: 'utf8', capacity: 4096, directory, onFull: 'drop-oldest' }
      const channel = Channel.createNew(options)
      const reader = start(channel.id)
      const total = rounds(60_000)
      for (let n = 0; n < total; n += 1) {
        channel.sendSync(text(n))
        if (n % 200 === 0) await pause(0)
      }
      channel.seal()
      const missed = await reader.missed
      let next = 0
      for (const line of reader.lines) {
        const index = Number.parseInt(line, 10)
        t.true(index >= next)
        if (line !== `${index} ${text(index)}`) t.fail(line)
        next = index + 1
      }
      t.is(next, total)
      t.is(reader.lines.length + missed, total)
      t.true(reader.lines.length > 0)
      t.log(`${reader.lines.length} of ${total} read`)
      channel.close()
    },
  )

  withReader('ends when no process has the channel open any more', async (t, directory, start) => {
    const channel = Channel.createNew({ encoding: 'utf8', capacity: 4096, directory })
    const reader = start(channel.id)
    channel.sendSync(text(5))
    while (reader.lines.length < 1) await pause(1)
    channel.close()
    t.is(await reader.missed, 0)
  })
}

/** Adds to all positions of a channel of one message: a multiple of the ring's units. */
function move(path, units) {
  const file = openSync(path, 'r+')
  const control = fstatSync(file).size - 4096
  for (const offset of [0x0c0, 0x0c4, 0x0c8, 0x1c0]) {
    const word = Buffer.alloc(4)
    readSync(file, word, 0, 4, control + offset)
    word.writeUInt32LE((word.readUInt32LE() + units) % 2 ** 32)
    writeSync(file, word, 0, 4, control + offset)
  }
  closeSync(file)
}
