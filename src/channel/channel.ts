import type { Writable } from 'node:stream'
import { inspect } from 'node:util'
import type { NativeChannel } from '../../binding.js'
import {
  checkBoolean,
  checkFunction,
  checkOneOf,
  checkOptions,
  checkWhole,
} from '../shared/arguments.js'
import { doNotClone } from '../shared/clone.js'
import { closed, fail, invalidType, invalidValue } from '../shared/errors.js'
import { Flushes } from '../shared/flush.js'
import { defaults, native, operations } from '../shared/native.js'
import { manage } from '../shared/open-files.js'
import { participantOf, toPeer } from '../shared/rows.js'
import { throwIfAborted } from '../shared/signals.js'
import type {
  Access,
  FlushOptions,
  Peer,
  WaitOptions,
  WriteStreamOptions,
} from '../shared/types.js'
import { ViewWindow } from '../shared/view-window.js'
import { checkWait, WAIT_OPTIONS } from '../shared/waits.js'
import type { Coder } from './codec.js'
import { Line } from './line.js'
import { Member } from './member.js'
import type { Job, Message } from './messages.js'
import { channels } from './native.js'
import {
  checkGroup,
  createFile,
  createNew,
  createOrOpen,
  createOrOpenFile,
  type OpenedChannel,
  openExisting,
  openFile,
  type Place,
} from './opening.js'
import { copyOf, type Origin } from './payload.js'
import { Reader } from './reader.js'
import { checkFrom, checkReceiving, RECEIVE_OPTIONS } from './receive-options.js'
import type { Factory } from './request-channels.js'
import { Requests } from './requests.js'
import { type RingMemory, RingWriter, ringMemory } from './ring.js'
import { Sender, Sends } from './sending.js'
import type { Serving } from './serving.js'
import { writeStream } from './streams.js'
import type {
  CreateChannelFileOptions,
  CreateChannelOptions,
  CreateOrOpenChannelOptions,
  Encoded,
  ExpectedEncoding,
  GroupOptions,
  MemberOptions,
  MessageForm,
  MessageForms,
  OnFull,
  OpenChannelFileOptions,
  OpenChannelOptions,
  Participant,
  PlainEncoding,
  PlainValue,
  ReaderOptions,
  RequestContext,
  RequestOptions,
  Sendable,
  ServeOptions,
  ValueEncoding,
  WorkOptions,
} from './types.js'
import { checkWork, workOn } from './work.js'
import { ExclusiveWriter } from './writer.js'

const token = Symbol('Channel')

const READER_OPTIONS = [...RECEIVE_OPTIONS, 'from', 'lossy'] as const
const MEMBER_OPTIONS = [...RECEIVE_OPTIONS, 'prefetch'] as const
const REQUEST_OPTIONS = [...WAIT_OPTIONS, 'spin', 'requireServer'] as const
const SERVE_OPTIONS = ['concurrency', 'signal', 'spin', 'onError'] as const

/** Jobs that a member may reserve; the claim table's entries are shared by all. */
const MOST_PREFETCH = 65_535

/**
 * A bounded log between processes: many writers, many readers, and memory that never grows, since it forgets what all
 * have read. Messages have indices from 0, without gaps.
 *
 * @example
 * using channel = Channel.createOrOpen('news', { encoding: 'json' })
 * using reader = channel.reader()
 * await channel.send({ text: 'hello' })
 * for await (const { index, value } of reader) console.log(index, value)
 */
export class Channel<T = Buffer> extends Sender<T> {
  readonly #channel: NativeChannel
  readonly #coder: Coder
  readonly #access: Access
  readonly #place: Place
  readonly #sends: Sends
  readonly #window: ViewWindow
  readonly #turns: Line
  /** Its memory, once it was asked for; `null` if it cannot be used. */
  #memory: RingMemory | null | undefined
  readonly #children = new Set<WeakRef<{ close(): void }>>()
  readonly #flushes: Flushes
  #requests: Requests | undefined
  #writer: WeakRef<ExclusiveWriter<T>> | undefined
  #closed = false

  /**
   * Creates a channel in memory whose values are JSON, structured clones, or a codec's: of type `T`, which is not
   * checked. All of its memory is reserved: it takes about 0.1 ms a MiB.
   *
   * Throws `ERR_MMFILE_EXISTS` if the id is in use, `ERR_MMFILE_NO_SPACE`, `ERR_MMFILE_ACCESS`.
   *
   * @param options `encoding`; `capacity` in bytes, `id`, `onFull` and the like
   * @example
   * using channel = Channel.createNew<Task>({ encoding: 'json', groups: ['workers'] })
   */
  static createNew<T = unknown>(
    options: CreateChannelOptions & Encoded<ValueEncoding<T>>,
  ): Channel<T>
  /**
   * Creates a channel of bytes or strings in memory, with all of its memory reserved: it takes about 0.1 ms a MiB.
   *
   * Throws `ERR_MMFILE_EXISTS` if the id is in use, `ERR_MMFILE_NO_SPACE`, `ERR_MMFILE_ACCESS`.
   *
   * @param options `capacity` in bytes, `id`, `encoding`, `onFull` and the like
   * @example
   * using channel = Channel.createNew({ capacity: 1 << 20, encoding: 'utf8' })
   */
  static createNew<E extends PlainEncoding = 'bytes'>(
    options?: CreateChannelOptions & Partial<Encoded<E | undefined>>,
  ): Channel<PlainValue<E>>
  static createNew(options?: object): Channel<never> {
    return new Channel<never>(token, createNew(options))
  }

  /**
   * Opens the channel of that id with the encoding that it has, or that the options name: its values are of type `T`,
   * which is not checked.
   *
   * Throws `ERR_MMFILE_NOT_FOUND`; `ERR_MMFILE_INCOMPATIBLE` if its encoding or `onFull` is another one, or a codec that
   * the options do not have; `ERR_MMFILE_ACCESS`.
   *
   * @param id the creator's `channel.id`; a UUID may be in any case, with or without braces
   * @param options the same `directory` and `prefixes` as the creator's; `encoding`, `access`, `groups`
   * @example
   * using channel = Channel.openExisting<Task>('jobs')
   */
  static openExisting<T = unknown>(
    id: string,
    options?: OpenChannelOptions & Partial<ExpectedEncoding<ValueEncoding<T> | undefined>>,
  ): Channel<T>
  /**
   * Opens the channel of that id, whose values are bytes or strings.
   *
   * Throws `ERR_MMFILE_NOT_FOUND`; `ERR_MMFILE_INCOMPATIBLE` if its encoding or `onFull` is another one;
   * `ERR_MMFILE_ACCESS`.
   *
   * @param id the creator's `channel.id`; a UUID may be in any case, with or without braces
   * @param options `encoding`; the same `directory` and `prefixes` as the creator's; `access`, `groups`
   * @example
   * using channel = Channel.openExisting('news', { encoding: 'utf8' })
   */
  static openExisting<E extends PlainEncoding>(
    id: string,
    options: OpenChannelOptions & ExpectedEncoding<E>,
  ): Channel<PlainValue<E>>
  static openExisting(id: string, options?: object): Channel<never> {
    return new Channel<never>(token, openExisting(id, options))
  }

  /**
   * Opens the channel of that id, or creates it: in one atomic step. `isCreator` tells which it was. Its values are
   * of type `T`, which is not checked; its lifetime is `'last-process'`. An existing channel keeps its capacity.
   *
   * Throws what `createNew` and `openExisting` throw, except `ERR_MMFILE_EXISTS` and `ERR_MMFILE_NOT_FOUND`.
   *
   * @param id a UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`
   * @param options `encoding`, and the rest as for `createNew`, without `id` and `lifetime`
   * @example
   * using channel = Channel.createOrOpen<Task>('jobs', { encoding: 'json', groups: ['workers'] })
   */
  static createOrOpen<T = unknown>(
    id: string,
    options: CreateOrOpenChannelOptions & Encoded<ValueEncoding<T>>,
  ): Channel<T>
  /**
   * Opens the channel of that id, or creates it: in one atomic step. `isCreator` tells which it was. Its values are
   * bytes or strings, its lifetime is `'last-process'`. An existing channel keeps its capacity.
   *
   * Throws what `createNew` and `openExisting` throw, except `ERR_MMFILE_EXISTS` and `ERR_MMFILE_NOT_FOUND`.
   *
   * @param id a UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`
   * @param options as for `createNew`, without `id` and `lifetime`
   * @example
   * using channel = Channel.createOrOpen('frames', { capacity: 64 << 20 })
   */
  static createOrOpen<E extends PlainEncoding = 'bytes'>(
    id: string,
    options?: CreateOrOpenChannelOptions & Partial<Encoded<E | undefined>>,
  ): Channel<PlainValue<E>>
  static createOrOpen(id: string, options?: object): Channel<never> {
    return new Channel<never>(token, createOrOpen(id, options))
  }

  /**
   * Creates a channel on disk whose values are of type `T`, which is not checked. Messages, positions and groups
   * survive every process; after a machine's crash, messages that were flushed and not yet released are there.
   *
   * Throws `ERR_MMFILE_EXISTS`, `ERR_MMFILE_NOT_FOUND` without its folder, `ERR_MMFILE_NO_SPACE`, `ERR_MMFILE_ACCESS`.
   *
   * @param path a path or a `file:` URL
   * @param options `encoding`; `capacity` in bytes, `onFull` and the like
   * @example
   * using jobs = Channel.createFile<Task>('jobs.mmf', { encoding: 'json', groups: ['workers'] })
   */
  static createFile<T = unknown>(
    path: string | URL,
    options: CreateChannelFileOptions & Encoded<ValueEncoding<T>>,
  ): Channel<T>
  /**
   * Creates a channel of bytes or strings in a file on disk. Messages, positions and groups survive every
   * process; after a machine's crash, messages that were flushed and not yet released are there.
   *
   * Throws `ERR_MMFILE_EXISTS`, `ERR_MMFILE_NOT_FOUND` without its folder, `ERR_MMFILE_NO_SPACE`, `ERR_MMFILE_ACCESS`.
   *
   * @param path a path or a `file:` URL
   * @param options `capacity` in bytes, `encoding`, `onFull` and the like
   * @example
   * using channel = Channel.createFile('frames.mmf', { capacity: 64 << 20 })
   */
  static createFile<E extends PlainEncoding = 'bytes'>(
    path: string | URL,
    options?: CreateChannelFileOptions & Partial<Encoded<E | undefined>>,
  ): Channel<PlainValue<E>>
  static createFile(path: string | URL, options?: object): Channel<never> {
    return new Channel<never>(token, createFile(path, options))
  }

  /**
   * Opens a channel on disk with the encoding that it has, or that the options name: its values are of type `T`, which
   * is not checked. Throws what `openExisting` throws, and `ERR_MMFILE_CORRUPT` if it was cut.
   *
   * @param path a path or a `file:` URL
   * @param options `encoding`, `access`, `groups`
   * @example
   * using jobs = Channel.openFile<Task>('jobs.mmf')
   */
  static openFile<T = unknown>(
    path: string | URL,
    options?: OpenChannelFileOptions & Partial<ExpectedEncoding<ValueEncoding<T> | undefined>>,
  ): Channel<T>
  /**
   * Opens a channel on disk, whose values are bytes or strings. Throws what `openExisting` throws, and
   * `ERR_MMFILE_CORRUPT` if it was cut.
   *
   * @param path a path or a `file:` URL
   * @param options `encoding`, `access`, `groups`
   * @example
   * using channel = Channel.openFile('frames.mmf', { encoding: 'bytes', access: 'read' })
   */
  static openFile<E extends PlainEncoding>(
    path: string | URL,
    options: OpenChannelFileOptions & ExpectedEncoding<E>,
  ): Channel<PlainValue<E>>
  static openFile(path: string | URL, options?: object): Channel<never> {
    return new Channel<never>(token, openFile(path, options))
  }

  /**
   * Opens a channel on disk, or creates it: in one atomic step. Its values are of type `T`, which is not checked.
   *
   * Throws what `createFile` and `openFile` throw; `ERR_MMFILE_NOT_FOUND` only if the folder does not exist.
   *
   * @param path a path or a `file:` URL
   * @param options `encoding`, and the rest as for `createFile`
   * @example
   * using jobs = Channel.createOrOpenFile<Task>('jobs.mmf', { encoding: 'json' })
   */
  static createOrOpenFile<T = unknown>(
    path: string | URL,
    options: CreateChannelFileOptions & Encoded<ValueEncoding<T>>,
  ): Channel<T>
  /**
   * Opens a channel on disk, or creates it: in one atomic step. Its values are bytes or strings.
   *
   * Throws what `createFile` and `openFile` throw; `ERR_MMFILE_NOT_FOUND` only if the folder does not exist.
   *
   * @param path a path or a `file:` URL
   * @param options as for `createFile`
   * @example
   * using channel = Channel.createOrOpenFile('frames.mmf')
   */
  static createOrOpenFile<E extends PlainEncoding = 'bytes'>(
    path: string | URL,
    options?: CreateChannelFileOptions & Partial<Encoded<E | undefined>>,
  ): Channel<PlainValue<E>>
  static createOrOpenFile(path: string | URL, options?: object): Channel<never> {
    return new Channel<never>(token, createOrOpenFile(path, options))
  }

  private constructor(made: symbol, opened: OpenedChannel) {
    if (made !== token) {
      throw new TypeError('use Channel.createNew, openExisting, createFile or the like')
    }
    const { channel, coder, access, place } = opened
    let own: Sends | undefined
    super((owner) => {
      own = new Sends(owner, channel.handle, coder, `channel '${channel.id}'`)
      return own
    })
    this.#sends = own as unknown as Sends
    this.#channel = channel
    this.#coder = coder
    this.#access = access
    this.#place = place
    this.#window = new ViewWindow(channel.capacity, (start, length) =>
      channels.memory(channel.handle, start, length),
    )
    this.#turns = new Line(this, {
      watch: (_size, keepsAlive, wake) => channels.watchWriter(channel.handle, keepsAlive, wake),
      unwatch: () => channels.unwatchWriter(channel.handle),
    })
    this.#flushes = new Flushes(
      (ref, done) => native.flushChannel(this.#native(), ref, done),
      this.#name(),
    )
    doNotClone(this, 'Channel')
    manage(this, channel.handle)
  }

  /** The id by which other processes open it; the path of one on disk. */
  get id(): string {
    return this.#channel.id
  }

  /** Where a channel on disk is, without links; `undefined` for one in memory. */
  get path(): string | undefined {
    return this.#channel.path
  }

  /** Bytes for messages and their headers. */
  get capacity(): number {
    return this.#channel.capacity
  }

  /** The most bytes that one message may have: a quarter of the capacity. */
  get maxByteLength(): number {
    return this.#channel.maxByteLength
  }

  /** How values become bytes: the name of an encoding or of a codec. */
  get encoding(): string {
    return this.#channel.encoding
  }

  /** What happens to a send when the slowest reader leaves no room. */
  get onFull(): OnFull {
    return this.#channel.dropsOldest ? 'drop-oldest' : 'wait'
  }

  /** Whether this handle may write. */
  get access(): Access {
    return this.#access
  }

  /** Whether this handle created it. */
  get isCreator(): boolean {
    return this.#channel.isCreator
  }

  /** The index of the next message. Always current. */
  get nextIndex(): number {
    return channels.nextIndex(this.#native())
  }

  /** The index of the oldest message that is left; `nextIndex` if there is none. */
  get oldestIndex(): number {
    return channels.oldestIndex(this.#native())
  }

  /** Whether it takes no more messages. */
  get sealed(): boolean {
    return channels.sealed(this.#native())
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed
  }

  /** How often this handle found that a process had died: it took over a lock, or freed the other's messages. */
  get recovered(): number {
    return native.channelRecovered(this.#native())
  }

  /**
   * Becomes the only writer, as soon as there is no other: it sends without a lock, and can reserve room. Until it is
   * closed or its process ends, every other send fails with `ERR_MMFILE_LOCK_HELD`, also one of this handle.
   *
   * Rejects with `ERR_MMFILE_LOCK_HELD` when the time is over, or at once if this handle has one;
   * `ERR_MMFILE_NO_SPACE` without a slot; `ERR_MMFILE_READ_ONLY`.
   *
   * @param options `timeout` in milliseconds, `signal`, `ref`
   * @example
   * using writer = await channel.exclusiveWriter({ timeout: 1000 })
   * writer.trySend(frame)
   */
  exclusiveWriter(options?: WaitOptions): Promise<ExclusiveWriter<T>> {
    try {
      const wait = checkWait(checkOptions<WaitOptions>(options, WAIT_OPTIONS))
      throwIfAborted(wait.signal)
      this.#check()
      const handle = this.#native()
      const one = this.#writer?.deref()
      if (one !== undefined && !one.closed) {
        throw fail(
          'ERR_MMFILE_LOCK_HELD',
          this.#name(),
          'this handle is its exclusive writer already',
          {
            pid: process.pid,
          },
        )
      }
      const attempt = (): ExclusiveWriter<T> | undefined => {
        const writer = native.openWriter(handle)
        return writer === null ? undefined : this.#made(writer)
      }
      const made = attempt()
      if (made !== undefined) return Promise.resolve(made)
      if (wait.timeout === 0) return Promise.resolve(this.#made(native.openWriterNow(handle)))
      return this.#turns.wait(attempt, wait, () => {
        try {
          // The error names the writer that there is now.
          operations.close(native.openWriterNow(handle))
        } catch (error) {
          return error as Error
        }
        return fail('ERR_MMFILE_LOCK_HELD', this.#name(), 'it had an exclusive writer: try again')
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #made(handle: number): ExclusiveWriter<T> {
    const memory = this.#coder.name === 'bytes' ? this.#ringMemory() : undefined
    const ring =
      memory === undefined ? undefined : new RingWriter(handle, memory, this.maxByteLength)
    const adopt = (child: { close(): void }) => this.#adopt(child)
    const writer = new ExclusiveWriter<T>(handle, this.#coder, this.#name(), this, adopt, ring)
    this.#writer = new WeakRef(writer)
    return writer
  }

  /**
   * Reads every message from `from` on. A reader holds writers back: messages that it has not received, and views that
   * it has not released, are not overwritten. A `lossy` reader does not.
   *
   * Throws `ERR_MMFILE_NO_SPACE` without a slot, `ERR_MMFILE_LOST` for an index that is gone (its `oldest` is what is
   * left), `ERR_MMFILE_READ_ONLY` for a handle of access `'read'` unless it is lossy.
   *
   * @param options where it begins (`from`), whether it is `lossy`, what messages are received `as`, and how it waits
   * @example
   * using reader = channel.reader({ from: 'oldest' })
   * for await (const { index, value } of reader) console.log(index, value)
   */
  reader<F extends MessageForm = 'value'>(options?: ReaderOptions<F>): Reader<MessageForms<T>[F]> {
    const given = checkOptions<ReaderOptions<F>>(options, READER_OPTIONS)
    const how = checkReceiving(given)
    const from = checkFrom(given.from, 'new')
    const lossy = checkLossy(given.lossy)
    this.#check()
    const { handle, dropsOldest } = this.#channel
    if (lossy === false && !dropsOldest) {
      if (this.#access === 'read') {
        const message =
          "a reader that holds writers back writes to the channel: read with `lossy: true`, or open it with access 'read-write'"
        throw fail('ERR_MMFILE_READ_ONLY', this.#name(), message)
      }
      const reader = native.openReader(handle, from, how.requirePeer)
      return new Reader<MessageForms<T>[F]>(reader, this.#origin(), how, false)
    }
    const reader = native.openLossyReader(handle, from, lossy === 'newest', how.requirePeer)
    return new Reader<MessageForms<T>[F]>(reader, this.#origin(), how, true)
  }

  /**
   * Creates a group, unless one of that name exists: a position in the channel, from which each message goes to one
   * member. It holds writers back, with or without members, until `removeGroup`. It begins with the oldest message that
   * writers have not overwritten, which other groups may have acknowledged: `from: 'new'` leaves those out.
   *
   * Throws `ERR_MMFILE_NO_SPACE` without a slot, `ERR_MMFILE_UNSUPPORTED` with `onFull: 'drop-oldest'`,
   * `ERR_MMFILE_LOST`, `ERR_MMFILE_READ_ONLY`.
   *
   * @param name 1 to 64 bytes
   * @param options `from`: where a new group begins. Default: the oldest message
   * @example
   * channel.createGroup('workers')
   */
  createGroup(name: string, options?: GroupOptions): void {
    checkGroup(name)
    const given = checkOptions<GroupOptions>(options, ['from'])
    native.createGroup(this.#native(), name, checkFrom(given.from, 'oldest'))
  }

  /**
   * Removes a group. Its members are evicted. Throws `ERR_MMFILE_NOT_FOUND`, `ERR_MMFILE_READ_ONLY`.
   *
   * @param name the group's
   * @example
   * channel.removeGroup('workers')
   */
  removeGroup(name: string): void {
    native.removeGroup(this.#native(), checkGroup(name))
  }

  /**
   * Joins a group: each of its messages goes to one member, which acknowledges it with `ack()`. Messages that a
   * member has not acknowledged when it closes or dies go to another.
   *
   * Throws `ERR_MMFILE_NOT_FOUND` for a group that no process created (a typing error must not hold writers back),
   * `ERR_MMFILE_NO_SPACE`, `ERR_MMFILE_READ_ONLY`.
   *
   * @param group its name
   * @param options `prefetch`, what messages are received `as`, and how it waits
   * @example
   * using member = channel.member('workers')
   * for await (const job of member) {
   *   await run(job.value)
   *   job.ack()
   * }
   */
  member<F extends MessageForm = 'value'>(
    group: string,
    options?: MemberOptions<F>,
  ): Member<MessageForms<T>[F]> {
    checkGroup(group, 'group')
    const given = checkOptions<MemberOptions<F>>(options, MEMBER_OPTIONS)
    const how = checkReceiving(given)
    const prefetch = Math.min(checkWhole('options.prefetch', given.prefetch ?? 1, 1), MOST_PREFETCH)
    this.#check()
    const member = native.openMember(this.#native(), group, prefetch, how.requirePeer)
    return new Member<MessageForms<T>[F]>(member, this.#origin(), how, group)
  }

  /**
   * Runs a handler for a group's jobs: acknowledges each job when the handler's promise fulfils, and gives it back
   * when it rejects. At `signal` it takes no more, waits for the handlers that run, and fulfils. It also fulfils when
   * the channel is sealed and the group has acknowledged everything.
   *
   * Rejects as `member`, and with `ERR_MMFILE_EVICTED`, `ERR_MMFILE_CLOSED`, or what `onError` throws.
   *
   * @param group its name
   * @param handler does one job; a promise that it returns is waited for
   * @param options `concurrency`, `signal`, `onError`, and `spin` and `retryDelay` in milliseconds
   * @example
   * await channel.work('workers', async ({ value }) => run(value), { concurrency: 4, signal })
   */
  async work(
    group: string,
    handler: (job: Job<T>) => unknown,
    options?: WorkOptions,
  ): Promise<void> {
    checkFunction('handler', handler)
    const working = checkWork(options)
    const { concurrency: prefetch, spin } = working
    const member = this.member(group, { prefetch, spin }) as unknown as Member<T>
    try {
      await workOn(member, working, (job) => handler(job))
    } finally {
      member.close()
    }
  }

  /**
   * Asks one of the processes that `serve`, and returns its reply. Ordinary readers do not see requests. If a server
   * dies with it, another gets it.
   *
   * Rejects with `ERR_MMFILE_REMOTE` if the handler failed (its error with `code` and other properties is the `cause`);
   * `ERR_MMFILE_PEER_GONE` if three servers died with it, or no process serves and `requireServer` is set;
   * `ERR_MMFILE_TIMEOUT`, whose message says whether any process serves; `ERR_MMFILE_FULL`, `ERR_MMFILE_SEALED`,
   * `ERR_MMFILE_CAPACITY`, an `AbortError`. The request may have been handled nevertheless.
   *
   * @param value the request, encoded by the channel's `encoding`
   * @param options `timeout` and `spin` in milliseconds, `signal`, `ref`, `requireServer`
   * @returns the reply, whose type is not checked
   * @example
   * const sum = await channel.request<number>({ a: 1, b: 2 }, { timeout: 1000, requireServer: true })
   */
  request<Reply = unknown>(value: Sendable<T>, options?: RequestOptions): Promise<Reply> {
    try {
      const given = checkOptions<RequestOptions>(options, REQUEST_OPTIONS)
      const wait = checkWait(given)
      const requireServer = checkBoolean('options.requireServer', given.requireServer, false)
      throwIfAborted(wait.signal)
      this.#checkWritable()
      if (this.sealed) {
        throw fail('ERR_MMFILE_SEALED', this.#name(), 'sealed, and takes no more requests')
      }
      return this.#ofRequests().request(value, wait, requireServer) as Promise<Reply>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Handles requests until `signal`: it takes no more then, waits for the handlers that run, and fulfils. Any number of
   * processes may serve. A request is handled again if a server died with it.
   *
   * Rejects with `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_NO_SPACE` without a slot, `ERR_MMFILE_CLOSED`, or what `onError`
   * throws.
   *
   * @param handler returns the reply or a promise of it; if it throws, the caller's `request` rejects with
   * that error
   * @param options `concurrency`: how many are handled at a time; `signal`; `spin` in milliseconds; `onError`: called
   * when the handler failed
   * @example
   * await channel.serve(({ a, b }) => a + b, { concurrency: 8, signal, onError: console.error })
   */
  async serve<Reply = unknown>(
    handler: (value: T, context: RequestContext) => Reply | PromiseLike<Reply>,
    options?: ServeOptions,
  ): Promise<void> {
    checkFunction('handler', handler)
    const { onError, ...others } = checkOptions<ServeOptions>(options, SERVE_OPTIONS)
    if (onError !== undefined) checkFunction('options.onError', onError)
    const working = checkWork({ ...others, retryDelay: () => 0 })
    this.#checkWritable()
    const serving = { handler, onError } as Serving
    await this.#ofRequests().serve(serving, working, this.sealed)
  }

  /**
   * A copy of the newest message, which is there as long as the channel is, whether it was read or not. Throws
   * `ERR_MMFILE_CORRUPT`.
   *
   * @returns the message, or `undefined` if none was sent yet
   * @example
   * const config = channel.newest()?.value
   */
  newest(): Message<T> | undefined {
    const bytes = channels.newest(this.#native(), index)
    if (bytes === undefined) return undefined
    return copyOf(bytes, index[0] as number, 'value', this.#origin()) as Message<T>
  }

  /**
   * The participants: reliable readers, members, the exclusive writer and groups, never one of a process that is gone.
   * It costs a system call for each.
   *
   * @example
   * const [slowest] = channel.participants().sort((a, b) => b.lag - a.lag)
   */
  participants(): Participant[] {
    return native.participants(this.#native()).map(participantOf)
  }

  /**
   * Detaches a reader or a member, which no longer holds anything back: its next call fails with `ERR_MMFILE_EVICTED`,
   * and views that it has may be overwritten. If it is gone already, nothing happens.
   *
   * Throws `ERR_INVALID_ARG_VALUE` for the exclusive writer or a group, `ERR_MMFILE_READ_ONLY`.
   *
   * @param participant a row of `participants()`, or an error's `slowest`
   * @example
   * for (const one of channel.participants()) if (one.role === 'reader' && one.lag > 1000) channel.evict(one)
   */
  evict(participant: Participant): void {
    const { id, role } = (participant ?? {}) as Partial<Participant>
    const number = Number(id)
    if (
      typeof id !== 'string' ||
      !Number.isSafeInteger(number) ||
      number < 0 ||
      number >= 2 ** 32
    ) {
      throw invalidType('participant', 'a row of participants()', participant)
    }
    if (role === 'writer' || role === 'group') {
      const rule =
        role === 'writer'
          ? 'must not be the exclusive writer: end its process'
          : 'must not be a group: remove it'
      throw invalidValue('participant', rule, participant)
    }
    native.evict(this.#native(), number)
  }

  /**
   * Which handles are open, in any process: a row for each, this one included, never one of a process that is gone. It
   * costs a system call for each row.
   *
   * @example
   * const others = channel.peers().filter(({ self }) => !self)
   */
  peers(): Peer[] {
    return native.peers(this.#native()).map(toPeer)
  }

  /**
   * No more messages and requests. Doing it again changes nothing. Throws `ERR_MMFILE_LOCK_HELD` while there is an
   * exclusive writer, `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_TIMEOUT` (for the lock).
   *
   * @example
   * channel.seal()
   */
  seal(): void {
    channels.seal(this.#native(), defaults.lockTimeout)
    this.#ofRequests().seal()
  }

  /**
   * Resolves once everything that was sent is on the disk. A separate thread waits for the disk, which takes
   * milliseconds; that cannot be cancelled.
   *
   * Rejects with `ERR_MMFILE_UNSUPPORTED` for a channel in memory, `ERR_MMFILE_NO_SPACE` if the disk refuses,
   * `ERR_MMFILE_CLOSED`, or an `AbortError`.
   *
   * @param options `signal`, `ref`
   * @example
   * await channel.send({ n: 1 })
   * await channel.flush()
   */
  flush(options?: FlushOptions): Promise<void> {
    return this.#flushes.flush(options)
  }

  /**
   * Like `flush`, but blocks this thread. Throws the errors that `flush` rejects with.
   *
   * @example
   * channel.flushSync()
   */
  flushSync(): void {
    native.flushChannelSync(this.#native())
  }

  /**
   * A Node.js stream in object mode that sends every chunk as a message, and waits while the channel is full. An error
   * of `send` destroys it.
   *
   * @param options `seal: true` seals the channel when the stream finishes; `highWaterMark`, `signal`
   * @example
   * await pipeline(createReadStream('camera.raw'), channel.createWriteStream({ seal: true }))
   */
  createWriteStream(options?: WriteStreamOptions): Writable {
    return writeStream(this as unknown as Parameters<typeof writeStream>[0], options)
  }

  /**
   * Closes this handle, and its readers, members and exclusive writer. Pending calls reject and loops end with
   * `ERR_MMFILE_CLOSED`; views become empty. Doing it again changes nothing.
   *
   * @example
   * channel.close()
   */
  close(): void {
    if (this.#closed) return
    this.#writer?.deref()?.close()
    operations.close(this.#channel.handle)
    this.#closed = true
    for (const child of [...this.#children]) child.deref()?.close()
    this.#requests?.close()
    this.#window.close()
    this.#sends.close()
    this.#turns.close(() => closed(this.#name()))
    this.#flushes.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * using channel = Channel.createNew()
   */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Closes it at the end of a block.
   *
   * @example
   * await using channel = Channel.createNew()
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** The text that `console.log` prints. @internal */
  [inspect.custom](_depth: number, options: object): string {
    const { id, encoding, capacity, onFull, access, isCreator } = this
    return `Channel ${inspect({ id, encoding, capacity, onFull, access, isCreator, ...this.#state() }, options)}`
  }

  /** Its state, or the reason why that cannot be read: printing a channel never throws. */
  #state(): object {
    if (this.#closed) return { closed: true }
    try {
      const { oldestIndex, nextIndex, sealed } = this
      return { oldestIndex, nextIndex, sealed }
    } catch (error) {
      return { error }
    }
  }

  #name(): string {
    return this.#sends.subject
  }

  #origin(): Origin {
    return {
      channel: this,
      subject: this.#name(),
      coder: this.#coder,
      window: this.#window,
      memory: () => this.#ringMemory(),
      adopt: (child) => this.#adopt(child),
    }
  }

  #ringMemory(): RingMemory | undefined {
    if (this.#memory === undefined) this.#memory = ringMemory(this.#channel) ?? null
    return this.#memory ?? undefined
  }

  /** Closes a reader, member or writer with the channel. Returns what ends that. */
  #adopt(child: { close(): void }): () => void {
    const reference = new WeakRef(child)
    this.#children.add(reference)
    return () => this.#children.delete(reference)
  }

  #ofRequests(): Requests {
    this.#requests ??= new Requests(factory, {
      id: this.id,
      path: this.path,
      capacity: this.capacity,
      maxByteLength: this.maxByteLength,
      subject: this.#name(),
      coder: this.#coder,
      directory: this.#place.directory,
      prefix: this.#place.prefix,
    })
    return this.#requests
  }

  /** The number that the native code has for it. */
  #native(): number {
    this.#check()
    return this.#channel.handle
  }

  #check(): void {
    if (this.#closed) throw closed(this.#name())
  }

  #checkWritable(): void {
    this.#check()
    if (this.#access === 'read') {
      const message = "opened for reading only: open it with access 'read-write' to write"
      throw fail('ERR_MMFILE_READ_ONLY', this.#name(), message)
    }
  }
}

const index = new Float64Array(1)

const factory: Factory = {
  create: (options) => Channel.createNew(options),
  open: (id, options) => Channel.openExisting(id, { ...options, encoding: 'bytes' }),
  createOrOpen: (id, options) => Channel.createOrOpen(id, options),
}

const NEWEST = ['newest'] as const

function checkLossy(value: unknown): boolean | 'newest' {
  if (value === 'newest') return value
  if (typeof value === 'string') return checkOneOf('options.lossy', value, NEWEST, 'newest')
  return checkBoolean('options.lossy', value, false)
}
