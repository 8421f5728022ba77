// Run by Node.js on Linux: a .NET program has a file by its path, in memory and on disk, reads what we write, adds
// segments as the only writer, and has the tasks of the samples by XmlSerializer.
// `node paths.mjs DOTNET PEER REPORT`.

import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MmFile } from 'mmfile'
import { deserializeTasks, serializeTasks } from '../../samples/task-info/dist/index.js'
import { objectOf } from '../support/files.mjs'
import { Peer } from './peer.mjs'

const [dotnet, program, report] = process.argv.slice(2)
const CAPACITY = 1 << 20
const COUNT = 1000
const folder = mkdtempSync(join(tmpdir(), 'mmfile-dotnet-'))
const note = (text) => appendFileSync(report, `${text}\n`)

const text = (line) => Buffer.from(line.replace(/^text /, ''), 'base64').toString('utf16le')

/** A .NET program that has the file open. */
async function opened(path) {
  const peer = new Peer(dotnet, [program])
  assert.equal(await peer.hear(), 'ready')
  assert.equal(await peer.ask(`path ${path}`), 'opened')
  return peer
}

/** A reader sees the segments that the program adds one by one. */
async function frames(file, path) {
  const values = ['text', '', 'Grüße 💾', 'a\r\nb']
  file.appendAll(values)
  const peer = await opened(path)
  for (const [index, value] of values.entries()) {
    assert.equal(text(await peer.ask(`read ${index}`)), value)
  }
  const seen = []
  const reading = (async () => {
    for await (const value of file.segments({ from: values.length, timeout: 30_000 })) {
      seen.push(value)
      if (seen.length === COUNT) return
    }
  })()
  peer.tell(`many net ${COUNT}`)
  for (let number = 0; number < COUNT; number += 1) {
    assert.equal(await peer.hear(), `did ${number} ${values.length + number}`)
  }
  assert.equal(await peer.hear(), 'done')
  await reading
  assert.deepEqual(
    seen,
    seen.map((_, number) => `net-${number}`),
  )
  assert.equal(file.length, values.length + COUNT)
  // We write behind it, and it behind us.
  assert.equal(file.append('ours'), values.length + COUNT)
  assert.equal(await peer.ask('append theirs'), `at ${values.length + COUNT + 1}`)
  assert.equal(file.read(values.length + COUNT + 1), 'theirs')
  file.seal()
  assert.match(await peer.ask('append more'), /^error .*sealed/)
  await peer.end()
}

const tasks = [
  {
    id: '0f8fad5b-d9cb-469f-a165-70867728950e',
    name: ' Rows < 1,000 & "quotes" ',
    description: 'one\r\ntwo\rthree\nfour\t]]> Grüße 💾',
    duration: 2 ** 31 - 1,
    priority: 'High',
    status: 'Completed',
    created: new Date('2024-02-29T23:59:59.123Z'),
    completed: new Date('2024-03-01T02:01:29.500Z'),
    result: '',
  },
  {
    id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    name: '',
    description: '',
    duration: 0,
    priority: 'Low',
    status: 'Pending',
    created: new Date('2024-03-01T08:00:00Z'),
    completed: null,
    result: null,
  },
]

/** .NET's values of the fields, as the program prints them. */
const fields = (list) =>
  list
    .map((task) => {
      const time = (date) => date?.toISOString().slice(0, 23) ?? 'null'
      const quoted = (value) => (value === null ? 'null' : `'${value}'`)
      return [
        ...[task.id, quoted(task.name), quoted(task.description), task.duration, task.priority],
        ...[task.status, time(task.created), time(task.completed), quoted(task.result)],
      ].join('|')
    })
    .map((line) => `${line}\0`)
    .join('')

async function xml(file, path) {
  file.append(serializeTasks(tasks))
  file.append(serializeTasks([]))
  // Strings that are not there at all are what the class begins with.
  const bare = serializeTasks(tasks).replaceAll(/ *<(?:Name|Description) \/>\n/g, '')
  assert.doesNotMatch(bare, /<Name \/>/)
  file.append(bare)
  const peer = await opened(path)
  assert.equal(text(await peer.ask('fields 0')), fields(tasks))
  assert.equal(text(await peer.ask('fields 1')), '')
  assert.equal(text(await peer.ask('fields 2')), fields(tasks))
  // Written into a TextWriter, line ends are bare, and every reader takes them for line feeds, .NET's, too.
  const bareLines = (text) => text?.replace(/\r\n?/g, '\n')
  const lineFeeds = tasks.map((task) => ({ ...task, description: bareLines(task.description) }))
  const written = [
    ['absent', /<Completed xsi:nil="true" \/>\s*<\/TaskInfo>/, lineFeeds],
    ['nil', /<Name xsi:nil="true"[\s\S]*<Result xsi:nil="true"/, tasks],
  ]
  for (const [how, form, expected] of written) {
    const index = Number((await peer.ask(`tasks 0 ${how}`)).replace('at ', ''))
    const theirs = file.read(index)
    assert.match(theirs, form)
    // A nil or absent name or description becomes empty, as in .NET's own reader.
    assert.deepEqual(deserializeTasks(theirs), expected, how)
    // And our reader returns the values that .NET had.
    const again = file.append(serializeTasks(deserializeTasks(theirs)))
    assert.equal(text(await peer.ask(`fields ${again}`)), fields(expected))
  }
  const none = Number((await peer.ask('tasks 1 absent')).replace('at ', ''))
  assert.deepEqual(deserializeTasks(file.read(none)), [])
  await peer.end()
}

try {
  const kinds = {
    'in memory': () => {
      const file = MmFile.createNew(CAPACITY)
      return [file, objectOf(file)]
    },
    'on disk': () => {
      const path = join(folder, `file-${Math.random()}`)
      return [MmFile.createFile(path, CAPACITY), path]
    },
  }
  for (const [kind, make] of Object.entries(kinds)) {
    for (const [name, check] of Object.entries({ frames, xml })) {
      const [file, path] = make()
      await check(file, path)
      file.close()
      note(`${name}, ${kind}: as promised`)
    }
  }
  note('done')
} finally {
  rmSync(folder, { recursive: true })
}
