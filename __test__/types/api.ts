// The promises of the declarations. Compiled, never run: tsc -p __test__/types

import {
  type Access,
  type CreateOptions,
  type CreateOrOpenOptions,
  type Kind,
  type Lifetime,
  type ListOptions,
  type LockGuard,
  list,
  MmFile,
  MmFileError,
  type MmFileErrorCode,
  type MutexOptions,
  NamedMutex,
  type ObjectInfo,
  type OpenOptions,
  type Peer,
  type Prefixes,
  type RemoveOptions,
  type RequirePeer,
  remove,
  type SegmentWaitOptions,
  type SegmentWaitSyncOptions,
  type SyncWaitOptions,
  sweep,
  type TextEncodingName,
  type Value,
  type WaitOptions,
} from 'mmfile'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}

// The first example of the contract.
async function source(): Promise<string> {
  const file = MmFile.createNew(1 << 20)
  file.write(0, '<TaskInfoCollection>…')
  await file.waitFor(1, { timeout: 30_000 })
  const result = file.read(1)
  file.close()
  return result
}

function destination(id: string): number {
  using file = MmFile.openExisting(id)
  const tasks: string = file.read(0)
  return file.append(tasks)
}

async function asyncDispose(id: string): Promise<void> {
  await using file = MmFile.openExisting(id)
  using guard = file.tryLock()
  guard?.release()
}

// Ways to have a file.
const prefixes: Prefixes = { data: 'a-', mutex: 'b-' }
const create: CreateOptions = {
  id: 'name',
  synchronized: false,
  lifetime: 'last-process',
  lockTimeout: 5,
  prefixes: { data: 'a-' },
}
const file = MmFile.createNew(100, create)
MmFile.createNew(100, { id: undefined, lifetime: undefined, prefixes: undefined })
const open: OpenOptions = { access: 'read', synchronized: true, lockTimeout: Infinity, prefixes }
const other = MmFile.openExisting('id', open)
const either: CreateOrOpenOptions = { synchronized: true, lockTimeout: 0, prefixes: {} }
MmFile.createOrOpen('id', 100, either)
same<typeof file, MmFile>(true)
same<typeof other, MmFile>(true)
same<ReturnType<typeof MmFile.createOrOpen>, MmFile>(true)
same<Lifetime, 'creator' | 'last-process'>(true)
same<Access, 'read-write' | 'read'>(true)

// @ts-expect-error the capacity is needed
MmFile.createNew()
// @ts-expect-error and is a number
MmFile.createNew('100')
// @ts-expect-error the id is needed
MmFile.openExisting()
// @ts-expect-error not null
MmFile.openExisting(null)
// @ts-expect-error the capacity is needed here, too
MmFile.createOrOpen('id')
// @ts-expect-error no such lifetime
MmFile.createNew(100, { lifetime: 'forever' })
// @ts-expect-error an access is for those who open
MmFile.createNew(100, { access: 'read' })
// @ts-expect-error no such access
MmFile.openExisting('id', { access: 'write' })
// @ts-expect-error the id is the first argument
MmFile.openExisting('id', { id: 'id' })
// @ts-expect-error a misspelt option
MmFile.createNew(100, { syncronized: true })
// @ts-expect-error no constructor
new MmFile()

// Where they are.
MmFile.createNew(100, { directory: '/tmp' })
MmFile.openExisting('id', { directory: undefined, access: 'read' })
// @ts-expect-error a folder is a string
MmFile.createNew(100, { directory: new URL('file:///tmp') })
// @ts-expect-error a file on disk has a path
MmFile.createFile('path', 100, { directory: '/tmp' })
const mutexOptions: MutexOptions = { directory: '/tmp', prefix: 'p-', lockTimeout: 5 }
same<ReturnType<typeof NamedMutex.open>, NamedMutex>(true)
const mutex = NamedMutex.openExisting('name', mutexOptions)
same<typeof mutex.isCreator, boolean>(true)
const listOptions: ListOptions = { directory: '/tmp', prefixes, prefix: 'p-' }
const rows: ObjectInfo[] = [...list(), ...list(listOptions), ...sweep(listOptions)]
for (const row of rows) {
  same<typeof row.kind, Kind>(true)
  same<typeof row.createdAt, Date>(true)
  same<typeof row.creatorPid, number>(true)
}
same<Kind, 'file' | 'channel' | 'mutex'>(true)
const removeOptions: RemoveOptions = { kind: 'mutex', ...listOptions }
same<ReturnType<typeof remove>, void>(true)
remove('id', removeOptions)
// @ts-expect-error no such kind
remove('id', { kind: 'segment' })
// @ts-expect-error functions of the package
MmFile.list()

// The processes that have it open.
same<ReturnType<typeof file.peers>, Peer[]>(true)
for (const peer of file.peers()) {
  same<typeof peer.pid, number>(true)
  same<typeof peer.access, Access>(true)
  same<typeof peer.since, Date>(true)
  same<typeof peer.self, boolean>(true)
}
same<RequirePeer, boolean | 'creator'>(true)
file.waitFor(0, { requirePeer: 'creator' })
file.waitForSync(0, { requirePeer: true })
// @ts-expect-error no such peer
file.waitFor(0, { requirePeer: 'reader' })

// Properties, which are read-only.
same<typeof file.id, string>(true)
same<typeof file.capacity, number>(true)
same<typeof file.length, number>(true)
same<typeof file.size, number>(true)
same<typeof file.isCreator, boolean>(true)
same<typeof file.synchronized, boolean>(true)
same<typeof file.access, Access>(true)
same<typeof file.sealed, boolean>(true)
same<typeof file.closed, boolean>(true)
same<typeof file.recovered, number>(true)
// @ts-expect-error read only
file.length = 0
// @ts-expect-error read only
file.id = 'x'

// Values.
const values: Value[] = [
  'text',
  new Uint8Array(1),
  Buffer.from('x'),
  new Float64Array(1),
  new BigInt64Array(1),
  new DataView(new ArrayBuffer(1)),
  new ArrayBuffer(1),
  new SharedArrayBuffer(1),
  new Int32Array(new SharedArrayBuffer(4)),
]
for (const value of values) {
  same<ReturnType<typeof file.write>, void>(true)
  file.write(0, value)
  const index: number = file.append(value)
}
const first: number = file.appendAll(values)
file.appendAll(new Set(['a', 'b']))
file.appendAll(new Map([['a', 'b']]).values())
// @ts-expect-error no value
file.append(5)
// @ts-expect-error no value
file.append(['x'])
// @ts-expect-error no value
file.append(undefined)
// @ts-expect-error no value
file.append({ any: 'thing' })
// @ts-expect-error the index comes first
file.write('x', 0)
// @ts-expect-error a list
file.appendAll('a', 'b')
// @ts-expect-error values
file.appendAll([1, 2])
same<ReturnType<typeof file.appendWith>, number>(true)
file.appendWith(8, (target) => target.fill(1).length)
file.appendWith(8, (target) => {
  target.fill(1)
})
// @ts-expect-error it is over when it returns
file.appendWith(8, async () => {})

// Reading.
same<ReturnType<typeof file.read>, string>(true)
same<ReturnType<typeof file.readInto>, number>(true)
same<ReturnType<typeof file.byteLength>, number>(true)
const bytes: Buffer = file.readBytes(0)
const view: Uint8Array = file.view(0)
file.readInto(0, new Uint8Array(4))
file.readInto(0, new ArrayBuffer(4), 2)
file.readInto(0, new DataView(new ArrayBuffer(4)), 2)
// @ts-expect-error a bigint is no index
file.read(0n)
// @ts-expect-error the index is needed
file.read()
// @ts-expect-error the target is needed
file.readInto(0)
const texts: string[] = [...file]
for (const text of file) same<typeof text, string>(true)

// Text.
MmFile.createNew(100, { encoding: 'utf8' })
MmFile.openFile('path', { encoding: 'latin1' })
same<typeof file.encoding, TextEncodingName>(true)
// @ts-expect-error no such encoding
MmFile.createNew(100, { encoding: 'ascii' })

// Iterating.
async function iterate(): Promise<void> {
  for await (const text of file) same<typeof text, string>(true)
  for await (const text of file.segments({ ref: false })) same<typeof text, string>(true)
  for await (const one of file.segments({ as: 'bytes', timeout: 5 })) same<typeof one, Buffer>(true)
  for await (const one of file.segments({ as: 'view', requirePeer: 'creator', spin: 0.05 })) {
    same<typeof one, Uint8Array>(true)
  }
}
// @ts-expect-error it is called value, as with channels
file.segments({ as: 'string' })

// The disk.
same<ReturnType<typeof file.flush>, Promise<void>>(true)
same<ReturnType<typeof file.flushSync>, void>(true)
same<ReturnType<typeof MmFile.createOrOpenFile>, MmFile>(true)
MmFile.createOrOpenFile(new URL('file:///x'), 100, { encoding: 'utf8' })
// @ts-expect-error a flush cannot be given up
file.flush({ timeout: 5 })

// Waiting.
const { signal } = new AbortController()
const wait: SegmentWaitOptions = { timeout: 5, signal, ref: false, spin: 0.05, requirePeer: true }
same<ReturnType<typeof file.waitFor>, Promise<void>>(true)
file.waitFor(0)
file.waitFor(0, wait)
file.waitFor(0, { timeout: undefined, signal: undefined })
const waitSync: SegmentWaitSyncOptions = { timeout: 5, spin: 0.1 }
same<ReturnType<typeof file.waitForSync>, void>(true)
file.waitForSync(0, waitSync)
// @ts-expect-error nothing can be aborted while the thread is blocked
file.waitForSync(0, { signal })
// @ts-expect-error milliseconds
file.waitFor(0, { timeout: '5s' })

// The lock.
const lock: WaitOptions = { timeout: 5, signal, ref: false }
const lockSync: SyncWaitOptions = { timeout: 5 }
for (const lockable of [file, mutex]) {
  const number: number = lockable.withLockSync(() => 5, lockSync)
  const numberLater: Promise<number> = lockable.withLock(() => 5)
  const promise: Promise<string> = lockable.withLock(async () => 'x', lock)
  const nothing: void = lockable.withLockSync((guard) => {
    same<typeof guard.abandoned, boolean>(true)
    guard.release()
  })
  same<ReturnType<typeof lockable.lock>, Promise<LockGuard>>(true)
  same<ReturnType<typeof lockable.lockSync>, LockGuard>(true)
  // @ts-expect-error a promise is for withLock
  lockable.withLockSync(async () => 'x')
  // @ts-expect-error nothing can be aborted while the thread is blocked
  lockable.lockSync({ signal })
}
const guard: LockGuard | undefined = file.tryLock()
guard?.release()
guard?.[Symbol.dispose]()
// @ts-expect-error it may be undefined
file.tryLock().release()
// @ts-expect-error read only
if (guard) guard.abandoned = true
// @ts-expect-error work is needed
file.withLock()

// The end.
same<ReturnType<typeof file.seal>, void>(true)
same<ReturnType<typeof file.close>, void>(true)
const disposable: Disposable = file
const asyncDisposable: AsyncDisposable = file

// Errors.
try {
  file.append('x')
} catch (error) {
  if (error instanceof MmFileError) {
    same<typeof error.code, MmFileErrorCode>(true)
    const asError: Error = error
    if (error.code === 'ERR_MMFILE_CAPACITY') {
      same<typeof error.needed, number | undefined>(true)
      same<typeof error.available, number | undefined>(true)
    }
    same<typeof error.offset, number | undefined>(true)
    same<typeof error.pid, number | undefined>(true)
    same<typeof error.errno, number | undefined>(true)
    same<typeof error.syscall, string | undefined>(true)
    const cause: unknown = error.cause
    // @ts-expect-error no such code
    if (error.code === 'ERR_MMFILE_NO_SUCH_CODE') throw error
    // @ts-expect-error read only
    error.code = 'ERR_MMFILE_CLOSED'
  }
}
// @ts-expect-error only the package makes them
new MmFileError('ERR_MMFILE_CLOSED', 'x')
function isOurs(error: unknown): number | undefined {
  return MmFileError.is(error, 'ERR_MMFILE_LOCK_HELD') ? error.pid : undefined
}
const codes: Record<MmFileErrorCode, true> = {
  ERR_MMFILE_NOT_FOUND: true,
  ERR_MMFILE_EXISTS: true,
  ERR_MMFILE_CLOSED: true,
  ERR_MMFILE_READ_ONLY: true,
  ERR_MMFILE_SEALED: true,
  ERR_MMFILE_CAPACITY: true,
  ERR_MMFILE_FULL: true,
  ERR_MMFILE_LOST: true,
  ERR_MMFILE_EVICTED: true,
  ERR_MMFILE_REMOTE: true,
  ERR_MMFILE_SEGMENT_ORDER: true,
  ERR_MMFILE_SEGMENT_RANGE: true,
  ERR_MMFILE_NOT_TEXT: true,
  ERR_MMFILE_CORRUPT: true,
  ERR_MMFILE_TIMEOUT: true,
  ERR_MMFILE_LOCK_HELD: true,
  ERR_MMFILE_PEER_GONE: true,
  ERR_MMFILE_NO_SPACE: true,
  ERR_MMFILE_ACCESS: true,
  ERR_MMFILE_INCOMPATIBLE: true,
  ERR_MMFILE_UNSUPPORTED: true,
  ERR_MMFILE_LOAD: true,
}

export { asyncDispose, codes, destination, isOurs, iterate, source }
