import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { MmFile } from 'mmfile'
import { stopwatch } from '../../__test__/support/time.mjs'
import { watchRun } from '../mmf-source/dist/watch-run.js'
import { deserializeTasks, serializeTasks } from '../task-info/dist/index.js'
import { Program, run } from './support/program.mjs'
import { aTask, fileWith, isRunning, leavesNothing, row, temporaryFolder } from './support/runs.mjs'

const source = fileURLToPath(new URL('../mmf-source/dist/main.js', import.meta.url))
const destination = fileURLToPath(new URL('../mmf-destination/dist/main.js', import.meta.url))
const twoRuns = fileURLToPath(new URL('support/two-runs.mjs', import.meta.url))
const fixture = (name) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

// There a process that is ended by a signal looks like one that exits with status 1, and no process
// can be stopped.
const windows = process.platform === 'win32'
const withSignals = windows ? test.serial.skip : test.serial

// Tests that depend on passing time come first, one at a time.

test.serial('a destination killed half-way is reported within a second', async (t) => {
  const program = new Program(t, source, ['--headless', '--duration', '4'])
  const id = await program.fileId()
  const pid = await program.destinationPid()
  await program.says(/25 %/)
  const elapsed = stopwatch()
  process.kill(pid, 'SIGKILL')
  const end = windows ? /exited with status 1 without a result/ : /was killed by SIGKILL/
  await program.says(end, 'stderr')
  t.deepEqual(await program.ended, { status: 1, signal: null })
  t.true(elapsed() < 1000)
  t.notRegex(program.stdout, /result that came back/)
  leavesNothing(t, id)
})

withSignals(
  'a destination that takes too long is reported, and stopped even if it does not listen',
  async (t) => {
    const program = new Program(t, source, ['--duration', '60', '--timeout', '0.5'])
    const pid = await program.destinationPid()
    process.kill(pid, 'SIGSTOP') // wherever it is
    t.deepEqual(await program.ended, { status: 1, signal: null })
    t.regex(program.stderr, /no result within 0\.5 s/)
    t.false(isRunning(pid))
    leavesNothing(t, await program.fileId())
  },
)

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  withSignals(`${signal} ends the source, and its destination`, async (t) => {
    const program = new Program(t, source, ['--duration', '60'])
    const pid = await program.destinationPid()
    await program.says(/ 0 %/)
    program.child.kill(signal)
    t.deepEqual(await program.ended, { status, signal: null })
    t.false(isRunning(pid))
    leavesNothing(t, await program.fileId())
  })
}

test.serial(
  'runs the first task in another process, shows its progress, and shows the result',
  async (t) => {
    const { status, stdout, stderr } = await run(t, source, '--headless', '--duration', '1')
    t.is(stderr, '')
    t.is(status, 0)
    t.regex(stdout, /wrote 3 tasks to file/)
    const progress = [...stdout.matchAll(/(\d+) %/g)].map((match) => Number(match[1]))
    t.deepEqual(progress, [0, 25, 50, 75, 100])
    const [, name] = /running "(.+)", 1 s/.exec(stdout)
    const result = stdout.slice(stdout.indexOf('the result that came back'))
    t.regex(result, row('Name', name))
    t.regex(result, row('Status', 'Completed'))
    t.regex(result, row('Duration', '1 s'))
    t.regex(result, row('Completed', '\\d{4}-.*Z'))
    leavesNothing(t, /file ([0-9a-f-]{36})/.exec(stdout)[1])
  },
)

test('runs the requested task with the requested settings', async (t) => {
  const { status, stdout } = await run(
    t,
    source,
    '--task',
    '3',
    '--duration',
    '0',
    '--priority',
    'High',
    '--fail',
  )
  t.is(status, 0)
  t.regex(stdout, row('Status', 'Failed'))
  t.regex(stdout, row('Priority', 'High'))
  const [, name] = /│ 3 │ (.*?) +│/.exec(stdout)
  t.regex(stdout, row('Name', name))
})

for (const [name, task] of [
  ['tasks.json', '16fd2706-8baf-433b-82eb-8c7fada847da'],
  ['tasks.xml', '6ba7b810-9dad-41d1-80b4-00c04fd430c8'],
]) {
  test(`takes the tasks from ${name}`, async (t) => {
    const { status, stdout, stderr } = await run(t, source, '--headless', '--tasks', fixture(name))
    t.is(stderr, '')
    t.is(status, 0)
    t.regex(stdout, row('Id', task))
    t.regex(stdout, row('Status', 'Completed'))
    leavesNothing(t, /file ([0-9a-f-]{36})/.exec(stdout)[1])
  })
}

test('takes an XML file in UTF-16, as .NET writes it', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'tasks')
  const task = aTask({ name: 'Ünïcödé' })
  writeFileSync(path, `\ufeff${serializeTasks([task])}`, 'utf16le')
  const { status, stdout } = await run(t, source, '--tasks', path, '--task', task.id.toUpperCase())
  t.is(status, 0)
  t.regex(stdout, row('Name', 'Ünïcödé'))
})

test('explains the errors of a tasks file', async (t) => {
  const folder = temporaryFolder(t)
  const cases = [
    ['absent.json', undefined, /absent\.json: ENOENT/],
    [
      'enum.json',
      '[{"name": "a", "duration": 1, "priority": "high"}]',
      /task 1, priority is not one of Low/,
    ],
    ['missing.json', '[{"name": "a"}]', /task 1, duration is missing/],
    [
      'time.json',
      '[{"name": "a", "duration": 1, "created": "noon"}]',
      /task 1, created is not a valid Date/,
    ],
    ['object.json', '{}', /not an array/],
    ['broken.json', '[{]', /JSON/],
    ['empty.json', '[]', /no tasks/],
    [
      'wrong.xml',
      serializeTasks([aTask()]).replace('Normal', 'normal'),
      /TaskInfo\[1\]\/Priority .*\(line 8, column 5\)/,
    ],
    ['latin1.xml', Buffer.from([0x3c, 0xe9, 0x3e]), /not UTF-8/],
  ]
  for (const [name, contents, message] of cases) {
    const path = join(folder, name)
    if (contents !== undefined) writeFileSync(path, contents)
    const { status, stdout, stderr } = await run(t, source, '--tasks', path)
    t.is(status, 1, name)
    t.regex(stderr, message)
    t.is(stdout, '')
  }
})

test('a destination that exits without a result is reported', async (t) => {
  const { status, stdout, stderr } = await run(t, source, '--task', '9')
  t.is(status, 1)
  t.regex(stderr, /MmfDestination: there is no task 9/)
  t.regex(stderr, /MmfSource: MmfDestination exited with status 1 without a result/)
  leavesNothing(t, /file ([0-9a-f-]{36})/.exec(stdout)[1])
})

test('a result from any program is shown, though the destination dies right after', async (t) => {
  const folder = temporaryFolder(t)
  const task = aTask({ duration: 60 })
  const path = join(folder, 'tasks.xml')
  writeFileSync(path, serializeTasks([task]))
  const program = new Program(t, source, ['--tasks', path])
  const pid = await program.destinationPid()
  await program.says(/ 0 %/)
  const file = MmFile.openExisting(await program.fileId())
  file.append(
    serializeTasks([
      { ...task, status: 'Completed', completed: new Date(), result: 'by the test' },
    ]),
  )
  process.kill(pid, 'SIGKILL')
  file.close()
  t.deepEqual(await program.ended, { status: 0, signal: null })
  t.regex(program.stdout, row('Result', 'by the test'))
  leavesNothing(t, await program.fileId())
})

for (const [what, text, message] of [
  ['is not XML', 'garbage', /cannot be used: not well-formed/],
  ['has no task', serializeTasks([]), /cannot be used: it has 0 tasks/],
  ['has two tasks', serializeTasks([aTask(), aTask()]), /cannot be used: it has 2 tasks/],
  ['has an unknown task', serializeTasks([aTask()]), /cannot be used: it is about a task/],
]) {
  test(`a result that ${what} is refused`, async (t) => {
    const program = new Program(t, source, ['--duration', '60'])
    await program.says(/ 0 %/)
    const file = MmFile.openExisting(await program.fileId())
    file.append(text)
    file.close()
    t.deepEqual(await program.ended, { status: 1, signal: null })
    t.regex(program.stderr, message)
    t.false(isRunning(await program.destinationPid()))
  })
}

test('a result that is there is shown, though the end of the destination is noticed first', async (t) => {
  const task = aTask({ status: 'Completed' })
  // Which of the two reaches a program first is chance, so both are tested here.
  const file = {
    waitFor: () => new Promise(() => {}),
    length: 2,
    read: () => serializeTasks([task]),
  }
  const child = Object.assign(new EventEmitter(), { pid: 1, exitCode: null, signalCode: null })
  const settings = { timeout: 60_000, signal: new AbortController().signal }
  const outcome = watchRun(file, child, [task], settings)
  child.emit('exit', null, 'SIGKILL')
  t.deepEqual(await outcome, { kind: 'result', task })
  file.length = 1
  const withoutResult = watchRun(file, child, [task], settings)
  child.emit('exit', null, 'SIGKILL')
  t.deepEqual(await withoutResult, { kind: 'exited', status: null, signal: 'SIGKILL' })
})

test('two runs at once have a file each, and close it', async (t) => {
  const { status, stdout, stderr } = await run(t, twoRuns)
  t.is(stderr, '')
  t.is(status, 0)
  const runs = JSON.parse(stdout.slice(stdout.lastIndexOf('\n[')))
  t.deepEqual(
    runs.map(({ kind, status, reopened }) => [kind, status, reopened]),
    [
      ['result', 'Completed', 'ERR_MMFILE_NOT_FOUND'],
      ['result', 'Failed', 'ERR_MMFILE_NOT_FOUND'],
    ],
  )
  t.not(runs[0].fileId, runs[1].fileId)
  for (const { fileId } of runs) leavesNothing(t, fileId)
})

test('a destination started by hand appends the one task that ran', async (t) => {
  const tasks = [aTask({ name: 'first' }), aTask({ name: 'second', description: '<&>\r\n' })]
  const file = fileWith(t, serializeTasks(tasks))
  const { status, stdout, stderr } = await run(t, destination, file.id, '--headless', '--task', '2')
  t.is(stderr, '')
  t.is(status, 0)
  t.regex(stdout, /segment 1/)
  t.is(file.length, 2)
  const [done, ...others] = deserializeTasks(file.read(1))
  t.deepEqual(others, [])
  t.true(done.completed.getTime() >= tasks[1].created.getTime())
  t.deepEqual(done, {
    ...tasks[1],
    status: 'Completed',
    completed: done.completed,
    result: done.result,
  })
  t.truthy(done.result)
})

test('a destination that finds no tasks explains itself', async (t) => {
  const empty = MmFile.createNew(100)
  t.teardown(() => empty.close())
  const done = fileWith(t, serializeTasks([aTask({ status: 'Completed' })]))
  for (const [args, message] of [
    [[], /no file was named[\s\S]*Usage/],
    [[randomUUID()], /there is no file/],
    [['../etc/passwd'], /not the id of a file/],
    [[''], /not the id of a file/],
    [[empty.id], /no tasks in it yet/],
    [[fileWith(t, '<TaskInfoCollection>\n<').id], /not well-formed.*line 2/],
    [[done.id, '--headless'], /none is pending/],
  ]) {
    const { status, stderr } = await run(t, destination, ...args)
    t.is(status, 1, args.join(' '))
    t.regex(stderr, message)
  }
  t.is(done.length, 1)
})

test('wrong usage is exit status 2, and help is 0', async (t) => {
  const id = randomUUID()
  for (const [main, ...args] of [
    [source, '--bogus'],
    [source, 'positional'],
    [source, '--task', '0'],
    [source, '--task', 'x'],
    [source, '--duration', '1.5'],
    [source, '--duration=-1'],
    [source, '--priority', 'urgent'],
    [source, '--timeout', '0'],
    [source, '--timeout', 'soon'],
    [source, '--tasks'],
    [source, '--port', '0'],
    [source, '--port', '65536'],
    [source, '--headless', '--open'],
    [source, '--headless', '--store', 'tasks.mmf'],
    [source, '--destination'],
    [destination, id, '--bogus'],
    [destination, id, id],
    [destination, id, '--headless', '--port', '8080'],
    [destination, id, '--duration', ''],
  ]) {
    const { status, stdout, stderr } = await run(t, main, ...args)
    t.is(status, 2, args.join(' '))
    t.regex(stderr, /Usage: mmf-/)
    t.is(stdout, '')
  }
  for (const main of [source, destination]) {
    const { status, stdout, stderr } = await run(t, main, '--help')
    t.is(status, 0)
    t.regex(stdout, /^Usage: mmf-[\s\S]*--headless/)
    t.is(stderr, '')
  }
})
