// The promises of the channels' declarations. Compiled, never run: tsc -p __test__/types

import {
  Channel,
  type Codec,
  type ExclusiveWriter,
  type Job,
  type Member,
  type Message,
  MmFileError,
  type Participant,
  type Reader,
  type Sendable,
} from 'mmfile'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}

interface Task {
  n: number
}
const codec: Codec<Date> = {
  name: 'date',
  encode: (date) => Buffer.from(date.toISOString()),
  decode: (bytes) => new Date(Buffer.from(bytes).toString()),
}

// Ways to have a channel, and what it carries then.
const bytes = Channel.createNew()
const text = Channel.createNew({ encoding: 'utf8', id: 'x', lifetime: 'last-process' })
const json = Channel.createOrOpen<Task>('jobs', { encoding: 'json', groups: ['workers'] })
const unknown = Channel.createOrOpen('jobs', { encoding: 'v8' })
const dates = Channel.createFile('c.mmf', { encoding: codec, onFull: 'drop-oldest' })
const anything = Channel.openExisting('jobs')
const typed = Channel.openFile<Task>(new URL('file:///c.mmf'), { encoding: 'json', access: 'read' })
same<typeof bytes, Channel<Buffer>>(true)
same<typeof text, Channel<string>>(true)
same<typeof json, Channel<Task>>(true)
same<typeof unknown, Channel<unknown>>(true)
same<typeof dates, Channel<Date>>(true)
same<typeof anything, Channel<unknown>>(true)
same<typeof typed, Channel<Task>>(true)
// @ts-expect-error only the functions make one
new Channel()
// @ts-expect-error an encoding that does not exist
Channel.createNew({ encoding: 'utf-8' })
// @ts-expect-error opening creates nothing
Channel.openExisting('x', { capacity: 5 })
// @ts-expect-error one that is created can be written to
Channel.createNew({ access: 'read' })

// Sending.
same<Sendable<string>, string>(true)
bytes.trySend(new Uint8Array(1))
bytes.trySend(new ArrayBuffer(1))
// @ts-expect-error bytes are no text
bytes.trySend('text')
// @ts-expect-error a channel's type counts
json.trySend({ m: 1 })
async function sends(): Promise<void> {
  const one: number = await json.send({ n: 1 }, { timeout: 1, expectedIndex: 0, ref: false })
  const now: number | undefined = json.trySend({ n: one })
  const first: number = await json.sendAll(new Set([{ n: now ?? 0 }]))
  await json.sendWith(first, (target) => target.length)
  await json.sendWith(first, (target) => void target.fill(0))
  // @ts-expect-error a promise is no number of bytes
  await json.sendWith(first, async () => 5)
  using writer: ExclusiveWriter<Task> = await json.exclusiveWriter({ timeout: 1 })
  using room = await writer.reserve(5)
  const index: number = room.commit(room.bytes.length)
  const maybe = writer.tryReserve(index)
  maybe?.commit()
  // @ts-expect-error only the exclusive writer reserves
  json.reserve(5)
}

// Receiving.
async function receives(): Promise<void> {
  using reader = json.reader({ from: 'oldest', lossy: 'newest', requirePeer: 'writer', spin: 0.05 })
  same<typeof reader, Reader<Task>>(true)
  const view = json.reader({ as: 'view' })
  same<typeof view, Reader<Uint8Array>>(true)
  same<ReturnType<typeof view.tryReceive>, Message<Uint8Array> | undefined>(true)
  for await (const { index, value } of reader) {
    const n: number = index + value.n
    if (n > 5) break
  }
  using message = await reader.receive({ timeout: 1 })
  message.release()
  // @ts-expect-error only jobs are acknowledged
  message.ack()
  await using member = json.member('workers', { prefetch: 5, as: 'bytes' })
  same<typeof member, Member<Buffer>>(true)
  const jobs: Job<Buffer>[] = member.tryReceiveAll(5)
  for (const job of jobs) {
    if (job.attempt > 3) job.nak({ delay: 5 })
    else job.ack()
  }
  const newest: Message<Task> | undefined = json.newest()
  json.trySend(newest?.value ?? { n: 0 })
}

// Groups, requests, participants.
async function works(signal: AbortSignal): Promise<void> {
  await json.work('workers', async ({ value, attempt }) => value.n + attempt, {
    concurrency: 4,
    signal,
    onError: (_error, { index, attempt }) => console.error(index, attempt),
    retryDelay: (attempt) => attempt * 100,
    spin: 0.05,
  })
  await json.serve<number>(({ n }, { index, attempt }) => n + index + attempt, {
    signal,
    spin: 0.05,
  })
  const reply: number = await json.request<number>({ n: 1 }, { requireServer: true, spin: 0.05 })
  const same = await json.request<Task>({ n: reply })
  console.log(same)
}

function full(error: unknown): Participant | undefined {
  if (MmFileError.is(error, 'ERR_MMFILE_REMOTE')) {
    error.cause.message satisfies string
    error.cause.code satisfies string | number | undefined
    error.cause.path satisfies unknown
  }
  if (MmFileError.is(error, 'ERR_MMFILE_LOST')) error.oldest satisfies number
  if (MmFileError.is(error, 'ERR_MMFILE_CAPACITY', 'ERR_MMFILE_LOST')) {
    if (error.code === 'ERR_MMFILE_CAPACITY') (error.needed - error.available) satisfies number
  }
  if (!MmFileError.is(error, 'ERR_MMFILE_FULL')) return undefined
  const slowest: Participant | undefined = error.slowest
  if (slowest?.role === 'reader') json.evict(slowest)
  return slowest
}

export { full, receives, sends, works }

/** A program's own function around a channel of any type. */
export function passOn<T>(channel: Channel<T>, value: T): number {
  void channel.sendAllSync([value])
  return channel.sendSync(value)
}
