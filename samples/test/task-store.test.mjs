// Where MmfSource keeps its tasks: a mapped file on disk that outlives programs, kills and damage.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { MmFile } from 'mmfile'
import { defaultStore } from '../mmf-source/dist/store-place.js'
import { TaskStore } from '../mmf-source/dist/task-store.js'
import { serializeTasks } from '../task-info/dist/index.js'
import { run } from './support/program.mjs'
import { aTask, temporaryFolder } from './support/runs.mjs'

const source = fileURLToPath(new URL('../mmf-source/dist/main.js', import.meta.url))
const saver = fileURLToPath(new URL('support/save-tasks.mjs', import.meta.url))

const place = (t) => join(temporaryFolder(t), 'folder', 'tasks.mmf')
const names = (store) => store.tasks.map(({ name }) => name)

/** Opens, reads and closes. */
function look(path) {
  const store = TaskStore.open(path)
  try {
    return { tasks: store.tasks, notice: store.notice }
  } finally {
    store.close()
  }
}

test('has some tasks to begin with, and afterwards those that were saved', (t) => {
  const path = place(t)
  const store = TaskStore.open(path)
  t.is(store.tasks.length, 3)
  t.is(store.notice, null)
  const tasks = [aTask({ name: 'kept', result: 'a\r\nb', completed: new Date() })]
  store.save(tasks)
  store.close()
  t.deepEqual(look(path), { tasks, notice: null })
  TaskStore.open(path).close()
  const emptied = TaskStore.open(path)
  emptied.save([])
  emptied.close()
  t.deepEqual(look(path), { tasks: [], notice: null })
  t.deepEqual(readdirSync(join(path, '..')), ['tasks.mmf'])
})

test('a change appends the whole list; a file that is full is replaced by one with the latest', (t) => {
  const path = place(t)
  const store = TaskStore.open(path)
  const sizes = new Set()
  let replaced = 0
  for (let count = 0; count < 60; count += 1) {
    const { ino } = statSync(path)
    store.save([aTask({ name: `${count}`, description: 'x'.repeat(40_000) })])
    sizes.add(statSync(path).size)
    if (statSync(path).ino !== ino) replaced += 1
  }
  t.true(replaced > 3 && replaced < 20, `replaced ${replaced} times`)
  // The size depends on the list, not on how often it was changed.
  t.true(sizes.size <= 2)
  t.deepEqual(names(store), ['59'])
  store.close()
  t.deepEqual(names(look(path)), ['59'])
  t.deepEqual(readdirSync(join(path, '..')), ['tasks.mmf'])
})

test('a list that cannot be saved changes nothing', (t) => {
  const path = place(t)
  const store = TaskStore.open(path)
  const before = store.tasks
  t.throws(() => store.save([aTask({ name: '\0' })]), { code: 'ERR_TASKINFO_CHARACTER' })
  t.throws(() => store.save([aTask({ name: 'x'.repeat(2 ** 24) })]), {
    code: 'ERR_TASKINFO_TOO_LARGE',
  })
  t.is(store.tasks, before)
  store.close()
  t.deepEqual(look(path).tasks, before)
})

test('two programs do not have the same tasks open', async (t) => {
  const path = place(t)
  const store = TaskStore.open(path)
  const { status, stdout, stderr } = await run(t, source, '--store', path)
  t.is(status, 1)
  t.is(stdout, '')
  t.regex(stderr, /another program has the tasks in .*tasks\.mmf open; .*--store/)
  store.close()
  t.is(look(path).tasks.length, 3)
})

test('a place that cannot be used is named', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), '')
  const { status, stderr } = await run(t, source, '--store', join(folder, 'file', 'tasks.mmf'))
  t.is(status, 1)
  t.regex(stderr, /^MmfSource: the tasks cannot be kept in .*(ENOTDIR|EEXIST).*--store/)
})

test('a file that is damaged is kept, and the tasks in it as far as they can be read', (t) => {
  const path = place(t)
  const folder = join(path, '..')
  TaskStore.open(path).close()
  const file = MmFile.openFile(path)
  file.append('<TaskInfoCollection><')
  file.close()
  const { tasks, notice } = look(path)
  t.is(tasks.length, 3)
  t.regex(notice, /could not be read \(.*not well-formed.*\)\. That file was kept as .*damaged-/)
  t.regex(notice, /The tasks from before are here\.$/)
  t.is(readdirSync(folder).length, 2)
  t.is(look(path).notice, null)

  writeFileSync(path, 'something else entirely')
  const second = look(path)
  t.deepEqual(second.tasks, [])
  t.regex(second.notice, /kept as .*damaged-.* The list is empty now\.$/)
  t.is(readdirSync(folder).length, 3)
  const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'))
  t.true(kept.includes('something else entirely'))
})

test('a program that was killed before the first tasks were in the file is made up for', (t) => {
  const path = place(t)
  TaskStore.open(path).close()
  const empty = join(path, '..', 'empty.mmf')
  MmFile.createFile(empty, 1 << 20).close()
  t.is(look(empty).tasks.length, 3)
  t.is(look(empty).notice, null)
  // And one that was killed while it made a new file.
  writeFileSync(`${path}.new`, 'half a file')
  const store = TaskStore.open(path)
  const tasks = [aTask({ description: 'x'.repeat(300_000) })]
  store.save(tasks)
  store.close()
  t.deepEqual(look(path).tasks, tasks)
  t.false(existsSync(`${path}.new`))
})

test('a program that is killed while it saves leaves the list before or after', async (t) => {
  const path = place(t)
  const rounds = 10 * Number(process.env.MMFILE_TEST_ROUNDS ?? 1)
  let last = -1
  for (let round = 0; round < rounds; round += 1) {
    const child = spawn(process.execPath, [saver, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const gone = once(child, 'exit')
    let said = -1
    for await (const line of createInterface({ input: child.stdout })) {
      said = Number(line)
      // Some changes later each time, so that every step of saving has its turn.
      if (said >= last + 3 + (round % 5)) child.kill('SIGKILL')
    }
    await gone
    const { tasks, notice } = look(path)
    t.is(notice, null)
    const found = Number(tasks[0].name)
    t.true(found === said || found === said + 1, `said ${said}, found ${found}`)
    t.is(serializeTasks(tasks).length > 60_000, true)
    last = found
  }
})

test("the tasks are kept in the user's own folder if no other is named", (t) => {
  if (process.platform !== 'linux') return t.pass()
  t.is(defaultStore({ XDG_DATA_HOME: '/data' }), '/data/mmf-source/tasks.mmf')
  t.regex(defaultStore({}), /\/\.local\/share\/mmf-source\/tasks\.mmf$/)
})
