// Error messages: each names its subject and the next step, and none gives a cause that fits only other objects.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { Channel, MmFile, MmFileError, NamedMutex, remove } from 'mmfile'
import { channel } from '../support/channels.mjs'
import { closing, create, folder, open, refuses, rejects, uniqueId } from '../support/files.mjs'

const ofProcesses = /process|creator|closed/
const windows = process.platform === 'win32'

const onDisk = {
  file: [MmFile, (open, path, options) => open(path, 100, options)],
  channel: [Channel, (open, path, options) => open(path, options)],
}

for (const [kind, [Kind, make]] of Object.entries(onDisk)) {
  test(`${kind}s on disk are not spoken of as if processes kept them`, (t) => {
    const place = folder(t)
    const missing = (path, expected) => {
      const { message } = refuses(t, () => Kind.openFile(path), 'ERR_MMFILE_NOT_FOUND')
      t.true(message.includes(`${kind} '${path}'`), message)
      t.regex(message, expected)
      t.notRegex(message.replaceAll(path, ''), ofProcesses)
    }
    missing(join(place, 'none'), /no file is at that path: .*create/)
    missing(join(place, 'none', 'file'), /folder does not exist: create/)
    const created = () => make(Kind.createFile, join(place, 'none', 'file'))
    t.regex(refuses(t, created, 'ERR_MMFILE_NOT_FOUND').message, /folder does not exist/)
    if (windows) return
    const directory = refuses(t, () => Kind.openFile(place), 'ERR_MMFILE_ACCESS')
    t.regex(directory.message, /it is a folder/)
    t.deepEqual([directory.syscall, directory.cause.code], ['open', 'EISDIR'])
    const link = join(place, 'link')
    symlinkSync(join(place, 'none'), link)
    missing(link, /the link .* leads to nothing/)
    const either = refuses(
      t,
      () => make(Kind.createOrOpenFile, link, { lockTimeout: 5000 }),
      'ERR_MMFILE_NOT_FOUND',
    )
    t.regex(either.message, /the link .* leads to nothing/)
    for (const [name, content] of Object.entries({
      empty: '',
      short: 'hello',
      long: 'hello\n'.repeat(2000),
    })) {
      const path = join(place, name)
      writeFileSync(path, content)
      const { message } = refuses(t, () => Kind.openFile(path), 'ERR_MMFILE_INCOMPATIBLE')
      t.true(message.includes(`${kind} '${path}'`), message)
      t.regex(message, /createFile made/)
      t.notRegex(message, /build|version/)
    }
  })
}

test('opening an object of the other kind by its path says how to open it', (t) => {
  const place = folder(t)
  MmFile.createFile(join(place, 'file'), 100).close()
  Channel.createFile(join(place, 'channel')).close()
  const asChannel = refuses(t, () => Channel.openFile(join(place, 'file')), 'ERR_MMFILE_ACCESS')
  t.regex(asChannel.message, /a file on disk stands there: open it with MmFile\.openFile/)
  const asFile = refuses(t, () => MmFile.openFile(join(place, 'channel')), 'ERR_MMFILE_ACCESS')
  t.regex(asFile.message, /a channel on disk stands there: open it with Channel\.openFile/)
})

test('a missing file, a missing mutex', (t) => {
  const id = uniqueId('none')
  const file = refuses(t, () => MmFile.openExisting(id), 'ERR_MMFILE_NOT_FOUND').message
  t.regex(file, new RegExp(`no file '${id}': no process has it open`))
  const mutex = refuses(t, () => NamedMutex.openExisting(id), 'ERR_MMFILE_NOT_FOUND').message
  t.regex(mutex, new RegExp(`no mutex '${id}': no process .*open.* creates one`))
  t.notRegex(mutex, /file|creator/)
  t.regex(refuses(t, () => remove(id), 'ERR_MMFILE_NOT_FOUND').message, new RegExp(`file '${id}'`))
  const gone = () => remove(id, { kind: 'mutex' })
  t.regex(refuses(t, gone, 'ERR_MMFILE_NOT_FOUND').message, new RegExp(`mutex '${id}'`))
  const taken = create(t, 100)
  const again = () => MmFile.createNew(100, { id: taken.id })
  t.regex(refuses(t, again, 'ERR_MMFILE_EXISTS').message, new RegExp(`file '${taken.id}' exists`))
})

test('NO_SPACE says where room can be made', (t) => {
  const system = process.platform === 'linux' ? { directory: '/dev/shm' } : {}
  const huge = () => MmFile.createNew(2 ** 50, system)
  const memory = refuses(t, huge, 'ERR_MMFILE_NO_SPACE').message
  if (process.platform === 'linux') t.regex(memory, /\/dev\/shm .*--shm-size.*`directory`/)
  const path = join(folder(t), 'huge')
  const disk = refuses(t, () => MmFile.createFile(path, 2 ** 50), 'ERR_MMFILE_NO_SPACE').message
  t.true(disk.includes(path), disk)
  if (process.platform === 'linux') {
    const directory = join(folder(t), 'folder')
    mkdirSync(directory)
    const there = () => MmFile.createNew(2 ** 50, { directory })
    t.true(refuses(t, there, 'ERR_MMFILE_NO_SPACE').message.includes(directory))
  }
})

test('a file that has no id yet is spoken of as a new one', (t) => {
  const { message } = refuses(t, () => MmFile.createNew(2 ** 50), 'ERR_MMFILE_NO_SPACE')
  t.regex(message, /^a new file: the system cannot provide /)
  if (windows) return
  const elsewhere = () => MmFile.createNew(100, { directory: join(folder(t), 'none') })
  const nowhere = refuses(t, elsewhere, 'ERR_MMFILE_UNSUPPORTED').message
  t.regex(nowhere, /^a new file: not supported here: /)
})

test('every error of a handle names the file or the mutex', async (t) => {
  const file = create(t, 64)
  const reader = open(t, file, { access: 'read' })
  const mutex = closing(t, NamedMutex.open(uniqueId('mutex')))
  const guard = mutex.lockSync()
  file.append(new Uint8Array(3))
  const calls = {
    READ_ONLY: () => reader.append('x'),
    CAPACITY: () => file.append('x'.repeat(100)),
    SEGMENT_ORDER: () => file.write(5, 'x'),
    SEGMENT_RANGE: () => file.read(5),
    NOT_TEXT: () => file.read(0),
    TIMEOUT: () => file.waitForSync(5, { timeout: 1 }),
    UNSUPPORTED: () => file.flushSync(),
    SEALED: () => file.seal() ?? file.append('x'),
    CLOSED: () => file.close() ?? file.append('x'),
  }
  for (const [code, call] of Object.entries(calls)) {
    const { message } = refuses(t, call, `ERR_MMFILE_${code}`)
    t.true(message.startsWith(`file '${file.id}'`), message)
    t.regex(message, /: .+[:,] ?\S/, 'and says what to do')
  }
  for (const act of [() => mutex.lockSync(), () => mutex.tryLock()]) {
    t.true(refuses(t, act, 'ERR_MMFILE_LOCK_HELD').message.startsWith(`mutex '${mutex.name}'`))
  }
  guard.release()
  mutex.close()
  t.regex((await rejects(t, mutex.lock(), 'ERR_MMFILE_CLOSED')).message, /^mutex '/)
})

test('every error of a channel, its receivers and its writer names the channel', async (t) => {
  const one = closing(t, Channel.createNew({ capacity: 4096, groups: ['g'] }))
  const reading = closing(t, Channel.openExisting(one.id, { access: 'read' }))
  const [reader, member] = [one.reader(), one.member('g')]
  const writer = await one.exclusiveWriter()
  const room = writer.tryReserve(10)
  const bytes = Buffer.alloc(2000)
  const calls = [
    ['CAPACITY', () => one.trySend(bytes), 'which may have 1024'],
    ['LOCK_HELD', () => writer.trySend(Buffer.alloc(1)), 'commit()'],
    ['LOCK_HELD', () => writer.tryReserve(1), 'commit()'],
    ['LOCK_HELD', () => one.trySend(Buffer.alloc(1)), 'exclusive writer in process'],
    ['READ_ONLY', () => reading.trySend(Buffer.alloc(1)), 'read-write'],
    ['READ_ONLY', () => reading.reader(), 'lossy: true'],
    ['TIMEOUT', () => reader.receiveSync({ timeout: 1 }), 'more time'],
    ['TIMEOUT', () => member.receiveSync({ timeout: 1 }), 'more time'],
    ['NOT_FOUND', () => one.member('h'), "'g'"],
    ['UNSUPPORTED', () => one.flushSync(), 'flush'],
    ['CLOSED', () => [room.commit(), room.commit()], 'reserve again'],
    ['CLOSED', () => writer.close() ?? writer.trySend(Buffer.alloc(1)), 'open it again'],
    ['CLOSED', () => writer.seal(), 'open it again'],
    ['CLOSED', () => reader.close() ?? reader.tryReceive(), 'open it again'],
    ['CLOSED', () => reader.lag, 'open it again'],
    ['CLOSED', () => reader.receiveSync(), 'open it again'],
    ['CLOSED', () => member.close() ?? member.tryReceiveAll(1), 'open it again'],
    ['CLOSED', () => one.close() ?? one.trySend(Buffer.alloc(1)), 'open it again'],
    ['CLOSED', () => one.nextIndex, 'open it again'],
    ['CLOSED', () => one.participants(), 'open it again'],
    ['CLOSED', () => one.seal(), 'open it again'],
  ]
  for (const [code, call, says] of calls) {
    const { message } = refuses(t, call, `ERR_MMFILE_${code}`)
    t.true(message.startsWith(`channel '${one.id}'`), message)
    t.true(message.includes(says), message)
  }
  for (const call of [() => one.send(Buffer.alloc(1)), () => reader.receive(), () => one.flush()])
    t.regex((await rejects(t, call(), 'ERR_MMFILE_CLOSED')).message, /^channel '/)
})

test('a misspelt option names the one that was meant; others that do not exist are ignored', async (t) => {
  const id = uniqueId('options')
  const file = create(t)
  file.append('x')
  const calls = [
    [(options) => MmFile.createNew(100, options), { lockTimout: 5 }, 'lockTimeout'],
    [(options) => MmFile.createNew(100, options), { LIFETIME: 'creator' }, 'lifetime'],
    [(options) => MmFile.createNew(100, options), { encodng: 'utf8' }, 'encoding'],
    [(options) => MmFile.openExisting(id, options), { acess: 'read' }, 'access'],
    [(options) => MmFile.createOrOpen(id, 100, options), { prefix: {} }, 'prefixes'],
    [(options) => MmFile.createNew(100, options), { prefixes: { dta: 'x' } }, 'data'],
    [(options) => NamedMutex.open(id, options), { prefixes: {} }, 'prefix'],
    [(options) => file.waitFor(0, options), { timeOut: 5 }, 'timeout'],
    [(options) => file.waitFor(0, options), { singal: undefined }, 'signal'],
    [(options) => file.waitForSync(0, options), { requirePeers: true }, 'requirePeer'],
    [(options) => file.segments(options), { form: 5 }, 'from'],
    [(options) => file.createReadStream(options), { highwatermark: 5 }, 'highWaterMark'],
    [(options) => file.createWriteStream(options), { seals: true }, 'seal'],
    [(options) => file.lock(options), { timeouts: 5 }, 'timeout'],
    [(options) => file.withLockSync(t.fail, options), { tiemout: 5 }, 'timeout'],
    [(options) => remove(id, options), { knd: 'file' }, 'kind'],
  ]
  for (const [call, options, meant] of calls) {
    const error = await t.throwsAsync(async () => call(options), { code: 'ERR_INVALID_ARG_VALUE' })
    t.regex(error.message, new RegExp(`^The property 'options\\..*: use '${meant}'\\. Received `))
    t.false(error instanceof MmFileError)
  }
  const others = { name: 'x', encodingOfPaths: 1, timeouts: undefined, timeout: undefined }
  file.waitForSync(0, { name: 'x', verbose: true, timeout: 5, timeuot: 5 })
  await file.waitFor(0, others)
  closing(t, MmFile.createNew(100, { label: 'mine' }))
})

test('an option of waits that a call does not have is refused, unless it is undefined', async (t) => {
  const file = create(t)
  const one = channel(t, { groups: ['workers'] })
  const reader = one.reader()
  const stop = new AbortController()
  const { signal } = stop
  const calls = [
    [(options) => MmFile.createNew(100, options), { timeout: 5 }, "'lockTimeout'"],
    [(options) => file.waitForSync(0, { timeout: 0, ...options }), { signal }, "'requirePeer'"],
    [(options) => file.withLockSync(() => {}, options), { signal }, "'timeout'"],
    [(options) => reader.receive({ timeout: 0, ...options }), { spin: 5 }, "'signal'"],
    [(options) => reader.createReadStream(options), { timeout: 5 }, "'highWaterMark'"],
    [(options) => one.send('x', options), { spin: 5 }, "'timeout'"],
    [(options) => one.sendSync('x', options), { signal }, "'timeout'"],
    [(options) => one.request('x', options), { requirePeer: true }, "'requireServer'"],
    [(options) => one.serve(() => {}, { signal, ...options }), { timeout: 5 }, "'concurrency'"],
    [(options) => one.work('workers', () => {}, { signal, ...options }), { ref: true }, "'signal'"],
  ]
  stop.abort()
  for (const [call, options, has] of calls) {
    const [[name, value]] = Object.entries(options)
    const error = await t.throwsAsync(async () => call(options), { code: 'ERR_INVALID_ARG_VALUE' })
    t.true(error.message.includes(`'options.${name}' is not an option of this call`), error.message)
    t.true(error.message.includes(has), error.message)
    t.truthy(value)
  }
  one.sendSync(Buffer.from('x'), { signal: undefined, timeout: 5 })
})

test('ids and prefixes are shown as they were received', (t) => {
  const wrong = { code: 'ERR_INVALID_ARG_VALUE', instanceOf: TypeError }
  t.regex(
    t.throws(() => MmFile.openExisting('a b'), wrong).message,
    /'id' must be .* Received 'a b'$/,
  )
  const long = t.throws(() => MmFile.openExisting('x'.repeat(1000)), wrong).message
  t.regex(long, /Received 'x+\.\.\.$/)
  t.true(long.length < 300)
  const prefix = () => MmFile.createNew(100, { prefixes: { data: 'a/b' } })
  t.regex(t.throws(prefix, wrong).message, /'options\.prefixes\.data' must be .* Received 'a\/b'$/)
  t.regex(t.throws(() => NamedMutex.open(''), wrong).message, /'name' must be .* Received ''$/)
})

test('a value that does not fit: the message has the capacity, the used bytes, and what to do', (t) => {
  const file = create(t, 100, { encoding: 'utf8' })
  file.append('x'.repeat(46))
  const message = (value) => refuses(t, () => file.append(value), 'ERR_MMFILE_CAPACITY').message
  t.regex(
    message('x'.repeat(50)),
    /54 bytes are needed and 50 are left \(50 of 100 are used\): seal/,
  )
  t.regex(message('x'.repeat(97)), /create one with a capacity of at least 101$/)
  const channel = closing(t, Channel.createNew({ capacity: 4096 }))
  const error = refuses(t, () => channel.trySend(Buffer.alloc(2000)), 'ERR_MMFILE_CAPACITY')
  t.regex(error.message, /2000 bytes are too many for a message, which may have \d+: .* capacity/)
  t.is(error.available, channel.maxByteLength)
})

test('the stack of an error begins at the method that was called, then comes the caller', async (t) => {
  const file = create(t, 100)
  const channel = closing(t, Channel.createNew())
  const begins = (error, method) => {
    const frames = error.stack.split('\n').filter((line) => line.startsWith('    at '))
    t.regex(frames[0], new RegExp(`^ {4}at (async )?${method} `))
    t.regex(frames[1], /error-messages\.test\.mjs/)
  }
  const caught = (act) => t.throws(act)
  begins(
    caught(() => file.append('x'.repeat(100))),
    'MmFile\\.append',
  )
  begins(
    caught(() => file.write(5, '')),
    'MmFile\\.write',
  )
  begins(
    caught(() => file.append(5)),
    'MmFile\\.append',
  )
  begins(
    caught(() => file.read(-1)),
    'MmFile\\.read',
  )
  begins(
    caught(() => MmFile.openExisting('none')),
    'MmFile\\.openExisting',
  )
  begins(
    caught(() => MmFile.createNew(1, { lockTimeout: -1 })),
    'MmFile\\.createNew',
  )
  begins(
    caught(() => Channel.createNew({ capacity: 'x' })),
    'Channel\\.createNew',
  )
  begins(
    caught(() => channel.trySend('text')),
    'Channel\\.trySend',
  )
  begins(await t.throwsAsync(() => file.waitFor(0, { timeout: -1 })), 'MmFile\\.waitFor')
  begins(
    await t.throwsAsync(() => channel.request(new Uint8Array(1), { ref: 5 })),
    'Channel\\.request',
  )
  const { stackTraceLimit } = Error
  t.is(caught(() => file.read(7)).stack.match(/^ {4}at /gm).length <= stackTraceLimit, true)
  t.is(Error.stackTraceLimit, stackTraceLimit)
  t.regex(caught(() => file.read('x')).stack, /^TypeError \[ERR_INVALID_ARG_TYPE\]: The "index"/)
})
