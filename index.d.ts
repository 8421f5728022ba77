/* Generated from src by `npm run build`. */
import type { Readable } from 'node:stream';
import type { Writable } from 'node:stream';

/** What a handle is allowed to do. */
export declare type Access = 'read-write' | 'read';

/** Binary values. They may lie in a `SharedArrayBuffer`. */
export declare type Bytes = NodeJS.ArrayBufferView | ArrayBufferLike;

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
export declare class Channel<T = Buffer> extends Sender<T> {
    #private;
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
    static createNew<T = unknown>(options: CreateChannelOptions & Encoded<ValueEncoding<T>>): Channel<T>;
    /**
     * Creates a channel of bytes or strings in memory, with all of its memory reserved: it takes about 0.1 ms a MiB.
     *
     * Throws `ERR_MMFILE_EXISTS` if the id is in use, `ERR_MMFILE_NO_SPACE`, `ERR_MMFILE_ACCESS`.
     *
     * @param options `capacity` in bytes, `id`, `encoding`, `onFull` and the like
     * @example
     * using channel = Channel.createNew({ capacity: 1 << 20, encoding: 'utf8' })
     */
    static createNew<E extends PlainEncoding = 'bytes'>(options?: CreateChannelOptions & Partial<Encoded<E | undefined>>): Channel<PlainValue<E>>;
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
    static openExisting<T = unknown>(id: string, options?: OpenChannelOptions & Partial<ExpectedEncoding<ValueEncoding<T> | undefined>>): Channel<T>;
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
    static openExisting<E extends PlainEncoding>(id: string, options: OpenChannelOptions & ExpectedEncoding<E>): Channel<PlainValue<E>>;
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
    static createOrOpen<T = unknown>(id: string, options: CreateOrOpenChannelOptions & Encoded<ValueEncoding<T>>): Channel<T>;
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
    static createOrOpen<E extends PlainEncoding = 'bytes'>(id: string, options?: CreateOrOpenChannelOptions & Partial<Encoded<E | undefined>>): Channel<PlainValue<E>>;
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
    static createFile<T = unknown>(path: string | URL, options: CreateChannelFileOptions & Encoded<ValueEncoding<T>>): Channel<T>;
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
    static createFile<E extends PlainEncoding = 'bytes'>(path: string | URL, options?: CreateChannelFileOptions & Partial<Encoded<E | undefined>>): Channel<PlainValue<E>>;
    /**
     * Opens a channel on disk with the encoding that it has, or that the options name: its values are of type `T`, which
     * is not checked. Throws what `openExisting` throws, and `ERR_MMFILE_CORRUPT` if it was cut.
     *
     * @param path a path or a `file:` URL
     * @param options `encoding`, `access`, `groups`
     * @example
     * using jobs = Channel.openFile<Task>('jobs.mmf')
     */
    static openFile<T = unknown>(path: string | URL, options?: OpenChannelFileOptions & Partial<ExpectedEncoding<ValueEncoding<T> | undefined>>): Channel<T>;
    /**
     * Opens a channel on disk, whose values are bytes or strings. Throws what `openExisting` throws, and
     * `ERR_MMFILE_CORRUPT` if it was cut.
     *
     * @param path a path or a `file:` URL
     * @param options `encoding`, `access`, `groups`
     * @example
     * using channel = Channel.openFile('frames.mmf', { encoding: 'bytes', access: 'read' })
     */
    static openFile<E extends PlainEncoding>(path: string | URL, options: OpenChannelFileOptions & ExpectedEncoding<E>): Channel<PlainValue<E>>;
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
    static createOrOpenFile<T = unknown>(path: string | URL, options: CreateChannelFileOptions & Encoded<ValueEncoding<T>>): Channel<T>;
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
    static createOrOpenFile<E extends PlainEncoding = 'bytes'>(path: string | URL, options?: CreateChannelFileOptions & Partial<Encoded<E | undefined>>): Channel<PlainValue<E>>;
    private constructor();
    /** The id by which other processes open it; the path of one on disk. */
    get id(): string;
    /** Where a channel on disk is, without links; `undefined` for one in memory. */
    get path(): string | undefined;
    /** Bytes for messages and their headers. */
    get capacity(): number;
    /** The most bytes that one message may have: a quarter of the capacity. */
    get maxByteLength(): number;
    /** How values become bytes: the name of an encoding or of a codec. */
    get encoding(): string;
    /** What happens to a send when the slowest reader leaves no room. */
    get onFull(): OnFull;
    /** Whether this handle may write. */
    get access(): Access;
    /** Whether this handle created it. */
    get isCreator(): boolean;
    /** The index of the next message. Always current. */
    get nextIndex(): number;
    /** The index of the oldest message that is left; `nextIndex` if there is none. */
    get oldestIndex(): number;
    /** Whether it takes no more messages. */
    get sealed(): boolean;
    /** Whether `close()` was called. */
    get closed(): boolean;
    /** How often this handle found that a process had died: it took over a lock, or freed the other's messages. */
    get recovered(): number;
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
    exclusiveWriter(options?: WaitOptions): Promise<ExclusiveWriter<T>>;
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
    reader<F extends MessageForm = 'value'>(options?: ReaderOptions<F>): Reader<MessageForms<T>[F]>;
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
    createGroup(name: string, options?: GroupOptions): void;
    /**
     * Removes a group. Its members are evicted. Throws `ERR_MMFILE_NOT_FOUND`, `ERR_MMFILE_READ_ONLY`.
     *
     * @param name the group's
     * @example
     * channel.removeGroup('workers')
     */
    removeGroup(name: string): void;
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
    member<F extends MessageForm = 'value'>(group: string, options?: MemberOptions<F>): Member<MessageForms<T>[F]>;
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
    work(group: string, handler: (job: Job<T>) => unknown, options?: WorkOptions): Promise<void>;
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
    request<Reply = unknown>(value: Sendable<T>, options?: RequestOptions): Promise<Reply>;
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
    serve<Reply = unknown>(handler: (value: T, context: RequestContext) => Reply | PromiseLike<Reply>, options?: ServeOptions): Promise<void>;
    /**
     * A copy of the newest message, which is there as long as the channel is, whether it was read or not. Throws
     * `ERR_MMFILE_CORRUPT`.
     *
     * @returns the message, or `undefined` if none was sent yet
     * @example
     * const config = channel.newest()?.value
     */
    newest(): Message<T> | undefined;
    /**
     * The participants: reliable readers, members, the exclusive writer and groups, never one of a process that is gone.
     * It costs a system call for each.
     *
     * @example
     * const [slowest] = channel.participants().sort((a, b) => b.lag - a.lag)
     */
    participants(): Participant[];
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
    evict(participant: Participant): void;
    /**
     * Which handles are open, in any process: a row for each, this one included, never one of a process that is gone. It
     * costs a system call for each row.
     *
     * @example
     * const others = channel.peers().filter(({ self }) => !self)
     */
    peers(): Peer[];
    /**
     * No more messages and requests. Doing it again changes nothing. Throws `ERR_MMFILE_LOCK_HELD` while there is an
     * exclusive writer, `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_TIMEOUT` (for the lock).
     *
     * @example
     * channel.seal()
     */
    seal(): void;
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
    flush(options?: FlushOptions): Promise<void>;
    /**
     * Like `flush`, but blocks this thread. Throws the errors that `flush` rejects with.
     *
     * @example
     * channel.flushSync()
     */
    flushSync(): void;
    /**
     * A Node.js stream in object mode that sends every chunk as a message, and waits while the channel is full. An error
     * of `send` destroys it.
     *
     * @param options `seal: true` seals the channel when the stream finishes; `highWaterMark`, `signal`
     * @example
     * await pipeline(createReadStream('camera.raw'), channel.createWriteStream({ seal: true }))
     */
    createWriteStream(options?: WriteStreamOptions): Writable;
    /**
     * Closes this handle, and its readers, members and exclusive writer. Pending calls reject and loops end with
     * `ERR_MMFILE_CLOSED`; views become empty. Doing it again changes nothing.
     *
     * @example
     * channel.close()
     */
    close(): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * using channel = Channel.createNew()
     */
    [Symbol.dispose](): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * await using channel = Channel.createNew()
     */
    [Symbol.asyncDispose](): Promise<void>;
}

/** Properties that an existing channel must have. */
export declare interface ChannelExpectation {
    /** If the channel has another one, opening fails with `ERR_MMFILE_INCOMPATIBLE`. Default: the channel's own. */
    onFull?: OnFull | undefined;
}

/** Options of every way to open a channel. */
export declare interface ChannelHandleOptions {
    /** Milliseconds that an operation waits for a lock before `ERR_MMFILE_TIMEOUT`. Default 10,000. */
    lockTimeout?: number | undefined;
    /** Names of groups, 1 to 64 bytes each. Missing ones are created and begin with the oldest message. */
    groups?: readonly string[] | undefined;
}

/** As for a file; `'writer'`: fails when there was an exclusive writer and there is none any more. */
export declare type ChannelPeer = RequirePeer | 'writer';

/** Where a channel in memory is. */
export declare interface ChannelPlace extends PlaceOptions {
    /** The text before the id in the object's name: only `channel` counts. Both sides need the same. */
    prefixes?: Prefixes | undefined;
}

/** Options of a reader's `createReadStream`. */
export declare interface ChannelReadStreamOptions {
    /** How many messages are read ahead. Default 16. */
    highWaterMark?: number | undefined;
    /** Destroys the stream with an `AbortError` when it fires. */
    signal?: AbortSignal | undefined;
}

/** Properties of a new channel. */
export declare interface ChannelShape {
    /**
     * Bytes for messages and their headers of 16 bytes, rounded up to a power of two: 4 KiB to 16 GiB. A message takes
     * at most a quarter. Default 4 MiB.
     */
    capacity?: number | undefined;
    /** What happens to a send when the slowest reader leaves no room. Default `'wait'`. */
    onFull?: OnFull | undefined;
    /** Slots for reliable readers, members, the exclusive writer and groups. Default 64. */
    maxParticipants?: number | undefined;
}

/** Turns values into bytes and back. The channel keeps the name, by which every program knows what is in it. */
export declare interface Codec<T> {
    /** 1 to 64 bytes, and no {@link EncodingName}. */
    readonly name: string;
    /**
     * The bytes of a value. They are copied before the next call. If this throws, the send throws the
     * same error.
     *
     * @param value what the program sends
     * @example
     * encode: (date) => Buffer.from(date.toISOString())
     */
    encode(value: T): Uint8Array;
    /**
     * Decodes a value from a private copy of the bytes. If this throws, `message.value` throws `ERR_MMFILE_NOT_TEXT`
     * with that as the cause.
     *
     * @param bytes what `encode` returned
     * @example
     * decode: (bytes) => new Date(Buffer.from(bytes).toString())
     */
    decode(bytes: Uint8Array): T;
}

/** Options of every way to open a file. */
declare interface CommonOptions extends PlaceOptions {
    /**
     * Whether operations take the lock. Default `true`; `false` is right only while one process
     * writes.
     */
    synchronized?: boolean | undefined;
    /** Milliseconds that any operation waits for the lock before `ERR_MMFILE_TIMEOUT`. Default 10,000. */
    lockTimeout?: number | undefined;
    /**
     * How strings become bytes, and bytes strings, with this handle. Default `'utf16le'`. Both sides need the
     * same; bytes are read and written as they are with any.
     */
    encoding?: TextEncodingName | undefined;
    /** The text before the id in the objects' names. */
    prefixes?: Prefixes | undefined;
}

/** Options of `Channel.createFile` and `createOrOpenFile`, besides `encoding`. */
export declare interface CreateChannelFileOptions extends ChannelHandleOptions, ChannelShape {
}

/** Options of `Channel.createNew`, besides `encoding`. */
export declare interface CreateChannelOptions extends CreateOrOpenChannelOptions {
    /** A UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`. Default: a fresh UUID. */
    id?: string | undefined;
    /** As a file's. Default `'creator'`. */
    lifetime?: Lifetime | undefined;
}

/** Options of `MmFile.createFile` and `createOrOpenFile`. */
export declare type CreateFileOptions = Omit<CommonOptions, 'directory' | 'prefixes'>;

/** Options of `MmFile.createNew`. */
export declare interface CreateOptions extends CommonOptions {
    /** A UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`. Default: a fresh UUID. */
    id?: string | undefined;
    /**
     * `'creator'` (the default): nothing can open the file once its creator has closed it or exited; a
     * process that has it open can keep using it. `'last-process'`: it can be opened as long as a process
     * has it open.
     */
    lifetime?: Lifetime | undefined;
}

/** Options of `Channel.createOrOpen`, besides `encoding`. */
export declare interface CreateOrOpenChannelOptions extends CreateChannelFileOptions, ChannelPlace {
}

/** Options of `MmFile.createOrOpen`. */
export declare type CreateOrOpenOptions = CommonOptions;

/** How the values of a channel that is created become bytes. */
export declare interface Encoded<E> {
    /** Its name is kept with the channel. Default `'bytes'`. */
    encoding: E;
}

/**
 * How values become bytes. `'bytes'`: unchanged; `'utf8'`, `'utf16le'` and `'latin1'`: strings; `'json'`: by
 * `JSON.stringify`; `'v8'`: structured clones, for Node.js only.
 */
export declare type EncodingName = 'bytes' | TextEncodingName | 'json' | 'v8';

/** The only writer of a channel, until it closes or its process dies. */
declare class ExclusiveWriter<T> extends Sender<T> {
    #private;
    /** Whether it is closed. */
    get closed(): boolean;
    /**
     * Makes room for one message, as soon as there is some. It may be filled over awaits. There is one reservation at a
     * time: until it is committed or disposed of, every send and another `reserve` fail with `ERR_MMFILE_LOCK_HELD`.
     *
     * Rejects as `send` does.
     *
     * @param byteLength the most bytes that the message may have
     * @param options `timeout` in milliseconds, `signal`, `ref`
     * @example
     * using room = await writer.reserve(2 << 20)
     * const { bytesRead } = await device.read(room.bytes)
     * room.commit(bytesRead)
     */
    reserve(byteLength: number, options?: WaitOptions): Promise<Reservation>;
    /**
     * As `reserve`, and blocks this thread while it waits. Throws what `send` rejects with.
     *
     * @param byteLength the most bytes that the message may have
     * @param options `timeout` in milliseconds
     * @example
     * using room = writer.reserveSync(1024)
     */
    reserveSync(byteLength: number, options?: SyncWaitOptions): Reservation;
    /**
     * As `reserve`, if there is room now; otherwise `undefined`. It never waits.
     *
     * @param byteLength the most bytes that the message may have
     * @example
     * using room = writer.tryReserve(1024)
     */
    tryReserve(byteLength: number): Reservation | undefined;
    /**
     * No more messages, of any writer. Doing it again changes nothing. Throws `ERR_MMFILE_TIMEOUT` (for the lock),
     * `ERR_MMFILE_CLOSED`.
     *
     * @example
     * writer.seal()
     */
    seal(): void;
    /**
     * Lets others write again. Sends that wait reject with `ERR_MMFILE_CLOSED`. Doing it again changes nothing.
     *
     * @example
     * writer.close()
     */
    close(): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * using writer = await channel.exclusiveWriter()
     */
    [Symbol.dispose](): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * await using writer = await channel.exclusiveWriter()
     */
    [Symbol.asyncDispose](): Promise<void>;
}

/** How the values of a channel that is there become bytes. */
export declare interface ExpectedEncoding<E> {
    /**
     * If the channel has another one, opening fails with `ERR_MMFILE_INCOMPATIBLE`. A codec that the channel has must be
     * given. Default: the channel's own.
     */
    encoding: E;
}

/** Which index a message must get. */
export declare interface ExpectOptions {
    /** The message is sent only as that one. Otherwise nothing is sent, and it fails with `ERR_MMFILE_SEGMENT_ORDER`. */
    expectedIndex?: number | undefined;
}

/**
 * Writes a segment in place: `target` is shared memory, has arbitrary contents at first, and is emptied when
 * the function has returned. If it returns a number, that is the length to keep; otherwise all of it is
 * kept. If it throws, the call throws the same error and nothing was written.
 */
export declare type Fill = (target: Uint8Array) => number | void;

/** How long a flush is waited for: until the disk has done it, or the signal fires. */
export declare type FlushOptions = Omit<WaitOptions, 'timeout'>;

/** Options of `createGroup`. */
export declare interface GroupOptions {
    /** Where a new group begins. Default `'oldest'`. */
    from?: Position | undefined;
}

/** A message that a member of a group has to work on. */
declare class Job<V> extends Message<V> {
    #private;
    /** How often it was handed out, from 1. */
    readonly attempt: number;
    /**
     * The job is done: no member gets it again. Nothing else acknowledges. Doing it again changes nothing.
     *
     * Throws `ERR_MMFILE_EVICTED` if the job was given back, or has gone to another member; `ERR_MMFILE_CLOSED` if the
     * member is closed.
     *
     * @example
     * await run(job.value)
     * job.ack()
     */
    ack(): void;
    /**
     * Gives the job back to the group: another member gets it, or this one again, with `attempt` + 1. Doing it again
     * changes nothing. After `ack()` it does nothing.
     *
     * @param options `delay`: milliseconds until it goes back
     * @example
     * if (job.attempt < 5) job.nak({ delay: 1000 })
     */
    nak(options?: NakOptions): void;
    /**
     * Gives the job back, if it is not acknowledged, with the process warning `MMFILE_NOT_ACKNOWLEDGED` the first time.
     * The next step of a loop does it, too. Doing it again changes nothing.
     *
     * @example
     * job.release()
     */
    release(): void;
}

/** The kind of an object. Each kind has a separate name space. */
export declare type Kind = 'file' | 'channel' | 'mutex';

/** The properties that errors of these codes always have. */
declare interface KnownFacts {
    ERR_MMFILE_CAPACITY: {
        readonly needed: number;
        readonly available: number;
    };
    ERR_MMFILE_LOST: {
        readonly oldest: number;
    };
    ERR_MMFILE_REMOTE: {
        readonly cause: RemoteError;
    };
}

/** How long a file can be opened; see {@link CreateOptions.lifetime}. */
export declare type Lifetime = 'creator' | 'last-process';

/**
 * The files, channels and mutexes of this user in one folder, in no order. It opens none of them: a process that
 * lists is no peer and prolongs no life. It frees what a process left that was killed while it created
 * something under the same prefixes. It costs a few system calls for each object and one for each name
 * in the folder.
 *
 * Throws `ERR_MMFILE_NO_SPACE` if the process has no descriptors left, `ERR_MMFILE_ACCESS` if the folder
 * cannot be read, `ERR_MMFILE_UNSUPPORTED` if it does not exist, and for a directory on Windows.
 *
 * @param options `directory`, `prefixes`, and `prefix`, the prefix of mutexes
 * @example
 * for (const { id, kind, size } of list()) console.log(id, kind, size)
 */
export declare function list(options?: ListOptions): ObjectInfo[];

/** Options of `list` and `sweep`. */
export declare interface ListOptions extends PlaceOptions {
    /** The prefixes of the files. */
    prefixes?: Prefixes | undefined;
    /**
     * The prefix of the mutexes. Default `'mmfile-mutex-'`; where `prefixes` are given, no mutexes are
     * searched for without it.
     */
    prefix?: string | undefined;
}

/**
 * A lock that is held until it is released. One that is collected without that releases the lock, with the
 * process warning `MMFILE_GUARD_LOST`.
 */
declare class LockGuard {
    #private;
    /**
     * Whether the last holder ended inside its section: it was killed, exited, its worker was terminated, its
     * `withLock` callback threw, or its guard was collected. Half-written segments have been repaired.
     */
    readonly abandoned: boolean;
    /**
     * Lets the next one in. Doing it again changes nothing.
     *
     * Throws `ERR_MMFILE_LOCK_HELD` inside of `appendWith`.
     *
     * @example
     * guard.release()
     */
    release(): void;
    /**
     * Releases it at the end of a block.
     *
     * @example
     * using guard = file.lockSync()
     */
    [Symbol.dispose](): void;
}

/** A member of a group: each message goes to one of them. */
declare class Member<V> extends Receiver<Job<V>> {
    #private;
    /** The name of the group. */
    readonly group: string;
    /**
     * Leaves the group. Jobs that it has not acknowledged go to another member; calls and loops that wait reject
     * with `ERR_MMFILE_CLOSED`. Doing it again changes nothing.
     *
     * @example
     * member.close()
     */
    close(): void;
}

/** Options of `member`. */
export declare interface MemberOptions<F extends MessageForm = MessageForm> extends ReceiveOptions<F> {
    /** How many jobs it reserves besides the one that the program has. Default 1. */
    prefetch?: number | undefined;
}

/** A message that was received. */
declare class Message<V> {
    #private;
    /** Its index: they count from 0, without gaps. */
    readonly index: number;
    /**
     * In the form that `as` asks for: a decoded value, copied bytes, or bytes in shared memory, which are valid until
     * `release()`. If it cannot be decoded, reading this throws `ERR_MMFILE_NOT_TEXT`.
     */
    readonly value: V;
    /**
     * Lets the memory of a view be used again; of a copy it is free already. The next step of a loop does it, too. Doing
     * it again changes nothing.
     *
     * @example
     * const frame = await reader.receive()
     * show(frame.value)
     * frame.release()
     */
    release(): void;
    /**
     * Releases it at the end of a block.
     *
     * @example
     * using message = await reader.receive()
     */
    [Symbol.dispose](): void;
}

/** The form in which a message is received. */
export declare type MessageForm = 'value' | 'bytes' | 'view';

/** The type of each form. */
export declare interface MessageForms<T> {
    /** Decoded. */
    value: T;
    /** A copy of the bytes. */
    bytes: Buffer;
    /** The bytes in shared memory, until the message is released. */
    view: Uint8Array;
}

/**
 * An append-only list of segments in shared memory or on disk, guarded by a lock that every process shares
 * and that survives its holder.
 *
 * A handle belongs to the thread that opened it. Every member but `close`, `closed` and what the handle was
 * opened with throws `ERR_MMFILE_CLOSED` after `close()`; a promise rejects with it.
 *
 * @example
 * using file = MmFile.createNew(1 << 20)
 * const child = fork('destination.mjs', [file.id])
 * file.append('a task')
 * await file.waitFor(1, { timeout: 30_000, requirePeer: true })
 * console.log(file.read(1))
 */
export declare class MmFile {
    #private;
    /**
     * Creates a file in memory, with all of the memory reserved: it takes about 0.1 ms a MiB.
     *
     * Throws `ERR_MMFILE_EXISTS` if the id is in use, `ERR_MMFILE_NO_SPACE`, `ERR_MMFILE_ACCESS`.
     *
     * @param capacity bytes for the segments and a size word of 4 bytes before each
     * @param options its `id`, `lifetime`, `encoding` and the like
     * @example
     * const file = MmFile.createNew(64 << 20, { encoding: 'utf8' })
     */
    static createNew(capacity: number, options?: CreateOptions): MmFile;
    /**
     * Opens a file in memory.
     *
     * Throws `ERR_MMFILE_NOT_FOUND` if there is none, `ERR_MMFILE_ACCESS` if it is another user's,
     * `ERR_MMFILE_INCOMPATIBLE` if another version, architecture or C library made it.
     *
     * @param id the creator's `file.id`; a UUID may be in any case, with or without braces
     * @param options the same `directory`, `prefixes` and `encoding` as the creator's, and `access`
     * @example
     * const file = MmFile.openExisting(process.argv[2], { access: 'read' })
     */
    static openExisting(id: string, options?: OpenOptions): MmFile;
    /**
     * Opens a file in memory, or creates it if there is none: in one atomic step. `isCreator` tells which
     * it was; the lifetime is `'last-process'`.
     *
     * Throws what `createNew` and `openExisting` throw, except `ERR_MMFILE_EXISTS` and `ERR_MMFILE_NOT_FOUND`.
     *
     * @param id a UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`
     * @param capacity bytes, if it is created
     * @param options as for `createNew`, without `id` and `lifetime`
     * @example
     * const log = MmFile.createOrOpen('log', 16 << 20)
     */
    static createOrOpen(id: string, capacity: number, options?: CreateOrOpenOptions): MmFile;
    /**
     * Creates a file on disk, readable and writable for this user, with all of its blocks reserved. It stays
     * when it is closed.
     *
     * Throws `ERR_MMFILE_EXISTS` if something stands at the path, `ERR_MMFILE_NOT_FOUND` if its folder
     * does not exist, `ERR_MMFILE_NO_SPACE` if the disk is full, `ERR_MMFILE_ACCESS`.
     *
     * @param path a path or a `file:` URL
     * @param capacity bytes for the segments and their size words
     * @param options `synchronized`, `lockTimeout`, `encoding`
     * @example
     * const log = MmFile.createFile('events.log', 64 << 20, { encoding: 'utf8' })
     */
    static createFile(path: string | URL, capacity: number, options?: CreateFileOptions): MmFile;
    /**
     * Opens a file on disk that `createFile` made. One that may not be written can be opened with
     * `access: 'read'`; it is then polled now and then instead of being waited on.
     *
     * Throws `ERR_MMFILE_NOT_FOUND`, `ERR_MMFILE_ACCESS`, `ERR_MMFILE_CORRUPT` if it is shorter than it
     * was made, `ERR_MMFILE_INCOMPATIBLE` if it is not a file of this package.
     *
     * @param path a path or a `file:` URL
     * @param options the same `encoding` as the creator's, and `access`
     * @example
     * for (const line of MmFile.openFile('events.log', { encoding: 'utf8' })) console.log(line)
     */
    static openFile(path: string | URL, options?: OpenFileOptions): MmFile;
    /**
     * Opens a file on disk, or creates it if there is none: in one atomic step. `isCreator` tells which
     * it was.
     *
     * Throws what `createFile` and `openFile` throw; `ERR_MMFILE_NOT_FOUND` only if the folder does not exist.
     *
     * @param path a path or a `file:` URL
     * @param capacity bytes, if it is created
     * @param options `synchronized`, `lockTimeout`, `encoding`
     * @example
     * const log = MmFile.createOrOpenFile('events.log', 64 << 20)
     */
    static createOrOpenFile(path: string | URL, capacity: number, options?: CreateFileOptions): MmFile;
    private constructor();
    /** The id by which other processes open the file; the path of one on disk. */
    get id(): string;
    /** The absolute path of a file on disk, without links; `undefined` for one in memory. */
    get path(): string | undefined;
    /** Bytes that the segments and their size words, 4 bytes each, may take together. */
    get capacity(): number;
    /** Whether this handle created the file. */
    get isCreator(): boolean;
    /** Whether operations take the lock. */
    get synchronized(): boolean;
    /** Whether this handle may write. */
    get access(): Access;
    /** How strings become bytes, and bytes strings, with this handle. */
    get encoding(): TextEncodingName;
    /** Whether `close()` was called. */
    get closed(): boolean;
    /** The number of segments, now, whichever process appended them. It costs 0.1 µs. */
    get length(): number;
    /** The bytes used, size words included, now. It costs 0.1 µs. */
    get size(): number;
    /** Whether the file takes no more segments. */
    get sealed(): boolean;
    /** How often this handle found the lock abandoned by a dead process and repaired the file. */
    get recovered(): number;
    /**
     * Writes the next segment, whose index must be `index`: the check and the write are one critical section.
     *
     * Throws `ERR_MMFILE_SEGMENT_ORDER` if it is not the next one, and what `append` throws. Nothing has been
     * written then.
     *
     * @param index the `length` that the file must have
     * @param value text in the handle's encoding, or bytes
     * @example
     * file.write(0, 'the tasks')
     */
    write(index: number, value: Value): void;
    /**
     * Appends one segment, atomically across processes. It costs about a microsecond, and a copy of the bytes.
     *
     * Throws `ERR_MMFILE_CAPACITY` (with `needed` and `available`), `ERR_MMFILE_SEALED`,
     * `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_LOCK_HELD` inside of `appendWith`, and `ERR_MMFILE_TIMEOUT` if the
     * lock cannot be had within `lockTimeout`. Nothing has been written then.
     *
     * @param value text in the handle's encoding, or bytes
     * @returns the index of the segment
     * @example
     * const index = file.append(JSON.stringify({ temperature: 21.5 }))
     */
    append(value: Value): number;
    /**
     * Appends all values with consecutive indices, or none of them.
     *
     * Throws what `append` throws. Nothing has been written then.
     *
     * @param values texts and bytes; taken all before the first is written
     * @returns the index of the first
     * @example
     * const first = file.appendAll(['header', new Uint8Array(1024)])
     */
    appendAll(values: Iterable<Value>): number;
    /**
     * Appends one segment that a function writes straight into the shared memory, while the lock is held: the
     * bytes are not copied. (Those of a file on disk are, once, since only a copy can report a full disk.)
     *
     * Throws what `append` and `fill` throw; `ERR_INVALID_ARG_VALUE` if `fill` returns a promise. Nothing has
     * been written then. Inside of `fill`, writing to this file, closing it, and taking or releasing its lock
     * throw `ERR_MMFILE_LOCK_HELD`.
     *
     * @param byteLength the size of the segment in bytes, or the most that it may have
     * @param fill gets a `Uint8Array` of that size, which holds anything at first and is empty afterwards;
     *   returns the length to keep, or nothing for all of it
     * @returns the index of the segment
     * @example
     * file.appendWith(1024, (target) => encoder.encodeInto(text, target).written)
     */
    appendWith(byteLength: number, fill: Fill): number;
    /**
     * Ends the file: it takes no more segments, iterations end, and waits for later segments reject. Doing it
     * again changes nothing.
     *
     * Throws `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_TIMEOUT`, `ERR_MMFILE_LOCK_HELD` inside of `appendWith`.
     *
     * @example
     * file.seal()
     */
    seal(): void;
    /**
     * A segment as a string in the handle's encoding. It takes no lock; it costs a fraction of a microsecond,
     * and a copy.
     *
     * Throws `ERR_MMFILE_SEGMENT_RANGE` if there is no such segment yet, `ERR_MMFILE_NOT_TEXT` if its bytes
     * are no text of that encoding, `ERR_MMFILE_CORRUPT`. Any even number of bytes is UTF-16 text: read UTF-8
     * text of other programs with `encoding: 'utf8'` or `readBytes`.
     *
     * @param index from 0
     * @example
     * const text = file.read(0)
     */
    read(index: number): string;
    /**
     * A copy of a segment's bytes. Throws `ERR_MMFILE_SEGMENT_RANGE`, `ERR_MMFILE_CORRUPT`.
     *
     * @param index from 0
     * @example
     * const numbers = new Float64Array(Uint8Array.from(file.readBytes(0)).buffer)
     */
    readBytes(index: number): Buffer;
    /**
     * Copies a segment's bytes into memory that is there already.
     *
     * Throws `ERR_OUT_OF_RANGE`, with nothing copied, if there is no room; `ERR_MMFILE_SEGMENT_RANGE`,
     * `ERR_MMFILE_CORRUPT`.
     *
     * @param index from 0
     * @param target where they go
     * @param targetOffset the first byte of `target` that is written. Default 0
     * @returns how many bytes there were
     * @example
     * const size = file.readInto(0, buffer)
     */
    readInto(index: number, target: Bytes, targetOffset?: number): number;
    /**
     * A segment's bytes without a copy: a window on shared memory, for reading only. It becomes empty when
     * the file is closed. Post or transfer a copy of it, never the view itself.
     *
     * Throws `ERR_MMFILE_SEGMENT_RANGE`, `ERR_MMFILE_CORRUPT`, `ERR_MMFILE_UNSUPPORTED` in a runtime without
     * external buffers.
     *
     * @param index from 0
     * @example
     * const sum = file.view(0).reduce((sum, byte) => sum + byte, 0)
     */
    view(index: number): Uint8Array;
    /**
     * The number of bytes in a segment. Throws `ERR_MMFILE_SEGMENT_RANGE`, `ERR_MMFILE_CORRUPT`.
     *
     * @param index from 0
     * @example
     * const buffer = Buffer.alloc(file.byteLength(0))
     */
    byteLength(index: number): number;
    /**
     * The strings that are there now. It throws what `read` throws.
     *
     * @example
     * const texts = [...file]
     */
    [Symbol.iterator](): Generator<string, void, undefined>;
    /**
     * The strings that are there and those that will come, until the file is sealed: `segments()` without
     * options.
     *
     * @example
     * for await (const text of file) console.log(text)
     */
    [Symbol.asyncIterator](): AsyncGenerator<string, void, undefined>;
    /**
     * The segments that are there and those that will come, in whichever process they are appended, until the
     * file is sealed. However many are there, timers and I/O run at least every 10 ms.
     *
     * It throws what `waitFor` rejects with, and what reading the segment throws.
     *
     * @param options where it begins (`from`), what segments are read `as`, and how it waits: `timeout` is the
     *   longest pause between two segments
     * @example
     * for await (const bytes of file.segments({ from: 10, as: 'bytes', timeout: 5000 })) handle(bytes)
     */
    segments<F extends SegmentForm = 'value'>(options?: SegmentsOptions<F>): AsyncGenerator<SegmentForms[F], void, undefined>;
    /**
     * The same as a Node.js stream in object mode: one segment a chunk, `as: 'bytes'` by default. It ends
     * when the file is sealed; an error of `segments` destroys it.
     *
     * @param options as for `segments`, and `highWaterMark`: the number of segments read ahead
     * @example
     * await pipeline(file.createReadStream(), createWriteStream('copy'))
     */
    createReadStream(options?: ReadStreamOptions): Readable;
    /**
     * A Node.js stream that appends every chunk as a segment. An error of `append` destroys it.
     *
     * @param options `seal: true` seals the file when the stream finishes
     * @example
     * await pipeline(createReadStream('camera.raw'), file.createWriteStream({ seal: true }))
     */
    createWriteStream(options?: WriteStreamOptions): Writable;
    /**
     * Resolves once there is a segment `index`, in whichever process it is appended. One that is there costs
     * 0.2 µs; one that comes is noticed after about 30 µs.
     *
     * Rejects with `ERR_MMFILE_TIMEOUT`, with `ERR_MMFILE_SEALED` if the segment can never come, with
     * `ERR_MMFILE_PEER_GONE` if that was asked for, with `ERR_MMFILE_CLOSED` when this handle is
     * closed, or with an `AbortError`.
     *
     * @param index from 0
     * @param options `timeout` and `spin` in milliseconds, `signal`, `ref`, `requirePeer`
     * @example
     * await file.waitFor(1, { timeout: 30_000, requirePeer: true })
     */
    waitFor(index: number, options?: SegmentWaitOptions): Promise<void>;
    /**
     * Blocks this thread until there is a segment `index`. Throws what `waitFor` rejects with.
     *
     * @param index from 0
     * @param options `timeout` and `spin` in milliseconds, `requirePeer`
     * @example
     * file.waitForSync(1, { timeout: 1000, spin: 0.05 })
     */
    waitForSync(index: number, options?: SegmentWaitSyncOptions): void;
    /**
     * Takes the file's lock for several operations of this handle, also over awaits. A separate thread waits
     * for the lock and holds it, so that this one keeps running. The lock is not re-entrant.
     *
     * Rejects with `ERR_MMFILE_TIMEOUT`, `ERR_MMFILE_LOCK_HELD` if this handle has the lock or waits for it,
     * `ERR_MMFILE_CLOSED` or an `AbortError`.
     *
     * @param options `timeout` in milliseconds, `signal`, `ref`
     * @example
     * using guard = await file.lock({ timeout: 1000 })
     */
    lock(options?: WaitOptions): Promise<LockGuard>;
    /**
     * The same, blocking this thread until it has the lock: about a microsecond, if it is free.
     *
     * Throws `ERR_MMFILE_TIMEOUT`; `ERR_MMFILE_LOCK_HELD` if this handle or thread has the lock, or `lock()`
     * waits for it.
     *
     * @param options `timeout` in milliseconds
     * @example
     * using guard = file.lockSync()
     */
    lockSync(options?: SyncWaitOptions): LockGuard;
    /**
     * The lock, or `undefined` if another handle has it now. Throws `ERR_MMFILE_LOCK_HELD` as `lockSync` does.
     *
     * @example
     * using guard = file.tryLock()
     * if (guard === undefined) return
     */
    tryLock(): LockGuard | undefined;
    /**
     * Calls `work` while the lock is held, until the promise that it returns has settled. If `work` throws
     * or rejects, the result rejects with the same error, and the next holder finds the lock abandoned.
     *
     * Rejects with the errors of `lock`.
     *
     * @param work what is done; gets the guard
     * @param options `timeout` in milliseconds for the lock, `signal`, `ref`
     * @returns what `work` returns
     * @example
     * await file.withLock(async () => file.append(await summary(file)))
     */
    withLock<T>(work: (guard: LockGuard) => T | PromiseLike<T>, options?: WaitOptions): Promise<T>;
    /**
     * The same, blocking this thread.
     *
     * Throws what `lockSync` throws; `ERR_INVALID_ARG_VALUE` if `work` returns a promise.
     *
     * @param work what is done; gets the guard
     * @param options `timeout` in milliseconds for the lock
     * @returns what `work` returns
     * @example
     * const index = file.withLockSync(() => file.append(`${file.length}`))
     */
    withLockSync<T>(work: (guard: LockGuard) => T extends PromiseLike<unknown> ? never : T, options?: SyncWaitOptions): T;
    /**
     * Resolves once everything appended so far is on the disk and survives a crash of the machine. A
     * separate thread waits for the disk, which takes milliseconds; that cannot be cancelled.
     *
     * Rejects with `ERR_MMFILE_UNSUPPORTED` for a file in memory, `ERR_MMFILE_NO_SPACE` if the disk refuses,
     * `ERR_MMFILE_CLOSED`, or an `AbortError`.
     *
     * @param options `signal`, `ref`
     * @example
     * log.append('committed')
     * await log.flush()
     */
    flush(options?: FlushOptions): Promise<void>;
    /**
     * The same, blocking this thread. Throws what `flush` rejects with.
     *
     * @example
     * log.flushSync()
     */
    flushSync(): void;
    /**
     * Which handles are open, in any process: a row for each, this one included, never one of a process
     * that is gone. When the table is full, further handles work and are not shown. It costs a system
     * call for each row.
     *
     * @example
     * const readers = file.peers().filter(({ self }) => !self)
     */
    peers(): Peer[];
    /**
     * Closes this handle. Pending calls reject with `ERR_MMFILE_CLOSED`, the lock is released, views become
     * empty. If it is the creator's, nothing new can open the file from then on. Doing it again changes
     * nothing. Throws `ERR_MMFILE_LOCK_HELD` inside of `appendWith`.
     *
     * @example
     * file.close()
     */
    close(): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * using file = MmFile.createNew(1 << 20)
     */
    [Symbol.dispose](): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * await using file = MmFile.createNew(1 << 20)
     */
    [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Everything that goes wrong, wrong arguments aside. A call that throws one has written nothing. Tell them
 * apart by `code`.
 *
 * @example
 * try {
 *   file.append('the result')
 * } catch (error) {
 *   if (!MmFileError.is(error, 'ERR_MMFILE_CAPACITY')) throw error
 *   console.log(`${error.needed} bytes are too many for ${error.available}`)
 * }
 */
export declare class MmFileError extends Error {
    /**
     * Whether a value is such an error, of one of these codes if there are any. It knows the errors of every
     * copy of the package, as `instanceof` does.
     *
     * @param error any value
     * @param codes the codes to accept; any code if there are none
     * @example
     * if (!MmFileError.is(error, 'ERR_MMFILE_TIMEOUT')) throw error
     */
    static is<Code extends MmFileErrorCode = MmFileErrorCode>(error: unknown, ...codes: Code[]): error is MmFileErrorOf<Code>;
    /** Tells programs what went wrong. */
    readonly code: MmFileErrorCode;
    /** With `ERR_MMFILE_CAPACITY`: the bytes that the segments and their size words would take. */
    readonly needed?: number;
    /** With `ERR_MMFILE_CAPACITY`: the bytes that are left; of a channel, those that one message may have. */
    readonly available?: number;
    /** With `ERR_MMFILE_CORRUPT`: where, in bytes from the start of the data. */
    readonly offset?: number;
    /** With `ERR_MMFILE_LOCK_HELD`, and `ERR_MMFILE_TIMEOUT` for a lock: the process that holds it, where that is known. */
    readonly pid?: number;
    /** With `ERR_MMFILE_FULL`: the reader, member or group that leaves no room, as in `participants()`. */
    readonly slowest?: Participant;
    /** With `ERR_MMFILE_LOST`: the oldest index that is left. */
    readonly oldest?: number;
    /** The operating system's error number, where it refused. Negative, as Node.js has it. */
    readonly errno?: number;
    /** The system call that failed. */
    readonly syscall?: string;
    private constructor();
}

/** The stable codes of {@link MmFileError}. */
export declare type MmFileErrorCode = 'ERR_MMFILE_NOT_FOUND' | 'ERR_MMFILE_EXISTS' | 'ERR_MMFILE_CLOSED' | 'ERR_MMFILE_READ_ONLY' | 'ERR_MMFILE_SEALED' | 'ERR_MMFILE_CAPACITY' | 'ERR_MMFILE_FULL' | 'ERR_MMFILE_SEGMENT_ORDER' | 'ERR_MMFILE_SEGMENT_RANGE' | 'ERR_MMFILE_NOT_TEXT' | 'ERR_MMFILE_CORRUPT' | 'ERR_MMFILE_TIMEOUT' | 'ERR_MMFILE_LOCK_HELD' | 'ERR_MMFILE_PEER_GONE' | 'ERR_MMFILE_LOST' | 'ERR_MMFILE_EVICTED' | 'ERR_MMFILE_REMOTE' | 'ERR_MMFILE_NO_SPACE' | 'ERR_MMFILE_ACCESS' | 'ERR_MMFILE_INCOMPATIBLE' | 'ERR_MMFILE_UNSUPPORTED' | 'ERR_MMFILE_LOAD';

/** An error of that code, with the properties that such an error always has. */
export declare type MmFileErrorOf<Code extends MmFileErrorCode> = Code extends unknown ? MmFileError & {
    readonly code: Code;
} & (Code extends keyof KnownFacts ? KnownFacts[Code] : unknown) : never;

/** Options of `NamedMutex.open` and `openExisting`. */
export declare interface MutexOptions extends PlaceOptions {
    /** The text before the name in the object's name. Default `'mmfile-mutex-'`. */
    prefix?: string | undefined;
    /**
     * Milliseconds that opening waits for a process that is removing the name, before
     * `ERR_MMFILE_TIMEOUT`. Default 10,000.
     */
    lockTimeout?: number | undefined;
}

/** Options of `nak`. */
export declare interface NakOptions {
    /** Milliseconds for which the job is kept before it goes back. Should this process end, it goes back at once. */
    delay?: number | undefined;
}

/**
 * A lock that processes share by its name and that survives its holder. It is there as long as
 * a process has it open. It is not re-entrant.
 *
 * Every member but `close`, `closed`, `name` and `isCreator` throws `ERR_MMFILE_CLOSED` after `close()`; a
 * promise rejects with it.
 *
 * @example
 * using mutex = NamedMutex.open('my-app.migrations')
 * await mutex.withLock(migrate)
 */
export declare class NamedMutex {
    #private;
    /**
     * Opens the mutex of that name, or creates it, in one step which never races: `isCreator` tells which it
     * was.
     *
     * Throws `ERR_MMFILE_ACCESS`, `ERR_MMFILE_INCOMPATIBLE`, `ERR_MMFILE_NO_SPACE`,
     * `ERR_MMFILE_UNSUPPORTED` if its folder cannot hold it.
     *
     * @param name 1 to 64 `[A-Za-z0-9._-]`; mutexes have a separate name space
     * @param options `directory`, `prefix`, and `lockTimeout`: how long opening waits, in milliseconds
     * @example
     * const mutex = NamedMutex.open('my-app.cache')
     */
    static open(name: string, options?: MutexOptions): NamedMutex;
    /**
     * Opens the mutex of that name. Throws `ERR_MMFILE_NOT_FOUND` if no process has one open, and what
     * `open` throws.
     *
     * @param name as for `open`
     * @param options as for `open`
     * @example
     * const mutex = NamedMutex.openExisting('my-app.cache')
     */
    static openExisting(name: string, options?: MutexOptions): NamedMutex;
    private constructor();
    /** The name by which other processes open it. */
    get name(): string;
    /** Whether this handle created it. */
    get isCreator(): boolean;
    /** Whether `close()` was called. */
    get closed(): boolean;
    /**
     * Takes the lock. A separate thread waits for it and holds it, so that this one keeps running. It may be
     * held over awaits.
     *
     * Rejects with `ERR_MMFILE_TIMEOUT`, `ERR_MMFILE_LOCK_HELD` if this handle has the lock or waits for it,
     * `ERR_MMFILE_CLOSED` or an `AbortError`.
     *
     * @param options `timeout` in milliseconds, `signal`, `ref`
     * @example
     * using guard = await mutex.lock({ timeout: 1000 })
     */
    lock(options?: WaitOptions): Promise<LockGuard>;
    /**
     * The same, blocking this thread until it has the lock: about a microsecond, if it is free.
     *
     * Throws `ERR_MMFILE_TIMEOUT`; `ERR_MMFILE_LOCK_HELD` if this handle or thread has the lock, or `lock()`
     * waits for it.
     *
     * @param options `timeout` in milliseconds
     * @example
     * using guard = mutex.lockSync()
     */
    lockSync(options?: SyncWaitOptions): LockGuard;
    /**
     * The lock, or `undefined` if another handle has it now. Throws `ERR_MMFILE_LOCK_HELD` as `lockSync` does.
     *
     * @example
     * using guard = mutex.tryLock()
     * if (guard === undefined) return
     */
    tryLock(): LockGuard | undefined;
    /**
     * Calls `work` while the lock is held, until the promise that it returns has settled. If `work` throws
     * or rejects, the result rejects with the same error, and the next holder finds the lock abandoned.
     *
     * Rejects with the errors of `lock`.
     *
     * @param work what is done; gets the guard
     * @param options `timeout` in milliseconds for the lock, `signal`, `ref`
     * @returns what `work` returns
     * @example
     * const rows = await mutex.withLock(() => readAndUpdate())
     */
    withLock<T>(work: (guard: LockGuard) => T | PromiseLike<T>, options?: WaitOptions): Promise<T>;
    /**
     * The same, blocking this thread.
     *
     * Throws what `lockSync` throws; `ERR_INVALID_ARG_VALUE` if `work` returns a promise.
     *
     * @param work what is done; gets the guard
     * @param options `timeout` in milliseconds for the lock
     * @returns what `work` returns
     * @example
     * mutex.withLockSync(() => writeFileSync('state.json', state))
     */
    withLockSync<T>(work: (guard: LockGuard) => T extends PromiseLike<unknown> ? never : T, options?: SyncWaitOptions): T;
    /**
     * The open handles of all processes: a row for each, this one included, never one of a process that is gone.
     * `holdsLock` tells which one has the lock. It costs a system call for each row.
     *
     * @example
     * const holder = mutex.peers().find(({ holdsLock }) => holdsLock)?.pid
     */
    peers(): Peer[];
    /**
     * Closes this handle and releases the lock if it has it. Pending calls reject with `ERR_MMFILE_CLOSED`.
     * Doing it again changes nothing.
     *
     * @example
     * mutex.close()
     */
    close(): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * using mutex = NamedMutex.open('my-app.cache')
     */
    [Symbol.dispose](): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * await using mutex = NamedMutex.open('my-app.cache')
     */
    [Symbol.asyncDispose](): Promise<void>;
}

/** A file or a mutex in shared memory, seen from outside. */
export declare interface ObjectInfo {
    /** The id of a file, the name of a mutex. */
    id: string;
    /** Its kind. */
    kind: Kind;
    /**
     * The bytes that its segments and their size words may take. 0 for a mutex, and for a file that another
     * version of mmfile made.
     */
    capacity: number;
    /** The bytes used. */
    size: number;
    /** The number of segments. */
    length: number;
    /** Whether it takes no more. */
    sealed: boolean;
    /** How long it can be opened. */
    lifetime: Lifetime;
    /** When it was created. */
    createdAt: Date;
    /** The id of the process that created it; it may be another's by now. */
    creatorPid: number;
    /** Whether no live process has it open: `sweep` removes it. */
    stale: boolean;
}

/**
 * What happens when the slowest reader leaves no room. `'wait'`: the send waits. `'drop-oldest'`: the oldest
 * messages are dropped, every reader is lossy, and there are no groups.
 */
export declare type OnFull = 'wait' | 'drop-oldest';

/** Options of `Channel.openFile`, besides `encoding`. */
export declare interface OpenChannelFileOptions extends ChannelHandleOptions, ChannelExpectation {
    /** `'read'` allows lossy readers, `newest()` and the properties. Default `'read-write'`. */
    access?: Access | undefined;
}

/** Options of `Channel.openExisting`, besides `encoding`. */
export declare interface OpenChannelOptions extends OpenChannelFileOptions, ChannelPlace {
}

/** Options of `MmFile.openFile`. */
export declare interface OpenFileOptions extends Omit<CommonOptions, 'directory' | 'prefixes'> {
    /** Default `'read-write'`. */
    access?: Access | undefined;
}

/** Options of `MmFile.openExisting`. */
export declare interface OpenOptions extends CommonOptions {
    /** Default `'read-write'`. */
    access?: Access | undefined;
}

/** A participant of a channel. */
export declare interface Participant {
    /** Identifies the participant, for `evict`. The channel never uses it again. */
    readonly id: string;
    /** Its process; `undefined` for a group. */
    readonly pid: number | undefined;
    /** Its role. */
    readonly role: 'reader' | 'member' | 'writer' | 'group';
    /** The name of the group, or of a member's group. */
    readonly group: string | undefined;
    /** The index of the next message that it still needs. */
    readonly nextIndex: number;
    /** How many messages there are from there on. */
    readonly lag: number;
    /** When it joined. */
    readonly since: Date;
}

/** An open handle on a file. */
export declare interface Peer {
    /** The id of its process. */
    pid: number;
    /** What it is allowed to do. */
    access: Access;
    /** When it was opened. */
    since: Date;
    /** Whether it created the file. */
    isCreator: boolean;
    /** Whether it holds the lock at this moment. */
    holdsLock: boolean;
    /** Whether it is the handle that asks. */
    self: boolean;
}

/** Where a named object is. Both sides need the same. */
export declare interface PlaceOptions {
    /**
     * The folder: a path, which is resolved against the current directory. Default: the one that the
     * environment variable `MMFILE_DIRECTORY` names, else `/dev/shm` on Linux and a folder of this user on
     * macOS. `ERR_MMFILE_UNSUPPORTED` on Windows.
     */
    directory?: string | undefined;
}

/** An encoding of bytes or strings. */
export declare type PlainEncoding = 'bytes' | TextEncodingName;

/** The values of such an encoding. */
export declare type PlainValue<E extends PlainEncoding> = E extends 'bytes' ? Buffer : string;

/** With the next message that is sent, the oldest that is left, the newest there is, or the one of that index. */
export declare type Position = 'new' | 'oldest' | 'newest' | number;

/**
 * The text before the id in the names of a file's objects: up to 64 characters of `[A-Za-z0-9._-]`
 * each. Both sides need the same.
 */
export declare interface Prefixes {
    /** Of the file. Default `'mmfile-data-'`. */
    data?: string | undefined;
    /** Of the kernel's mutex on Windows; on Unix it names nothing. Default `'mmfile-lock-'`. */
    mutex?: string | undefined;
    /** Of a channel. Default `'mmfile-channel-'`. */
    channel?: string | undefined;
}

/** A reader of every message. */
declare class Reader<V> extends Receiver<Message<V>> {
    #private;
    /**
     * The `value` of each message as a Node.js stream in object mode. It ends when the channel is sealed; an error of
     * `receive` destroys it.
     *
     * @param options `highWaterMark`: how many messages are read ahead; `signal`
     * @example
     * await pipeline(reader.createReadStream(), createWriteStream('copy'))
     */
    createReadStream(options?: ChannelReadStreamOptions): Readable;
}

/** Options of `reader`. */
export declare interface ReaderOptions<F extends MessageForm = MessageForm> extends ReceiveOptions<F> {
    /** Where it begins. Default `'new'`. */
    from?: Position | undefined;
    /**
     * `true`: the reader holds no writer back, counts messages that were overwritten before it read them, and
     * continues with the oldest one left. `'newest'`: it always continues with the newest. Default `false`.
     */
    lossy?: boolean | 'newest' | undefined;
}

/** Options of `createReadStream`. */
export declare interface ReadStreamOptions extends Omit<SegmentsOptions, 'as'> {
    /** The form of the chunks. Default `'bytes'`. */
    as?: SegmentForm | undefined;
    /** How many segments are read ahead. Default 16. */
    highWaterMark?: number | undefined;
}

/** Options of readers and members. `timeout` bounds the pause between two messages of a loop, and every `receive`. */
export declare interface ReceiveOptions<F extends MessageForm = MessageForm> extends WaitOptions {
    /** The form in which messages are received. Default `'value'`. */
    as?: F | undefined;
    /**
     * Milliseconds, fractions allowed, for which the event loop checks again before it sleeps: `0.05` is 50 µs. It keeps
     * a processor busy for so long after each message. Default 0. A wait that does not keep the process alive does not.
     */
    spin?: number | undefined;
    /** Without that peer, receiving fails with `ERR_MMFILE_PEER_GONE` when nothing is left. Default `false`. */
    requirePeer?: ChannelPeer | undefined;
}

/** The common part of readers and members. */
declare abstract class Receiver<M extends Message<unknown>> {
    #private;
    /**
     * The next message, as soon as there is one. Several calls that wait get theirs in order.
     *
     * Rejects with `ERR_MMFILE_TIMEOUT`; `ERR_MMFILE_SEALED` when nothing can come any more; `ERR_MMFILE_PEER_GONE`;
     * `ERR_MMFILE_EVICTED`; `ERR_MMFILE_CLOSED`; an `AbortError`.
     *
     * @param options `timeout` in milliseconds, `signal`, `ref`; defaults: the receiver's own options
     * @example
     * const { index, value } = await reader.receive({ timeout: 1000 })
     */
    receive(options?: WaitOptions): Promise<M>;
    /**
     * The next message; blocks this thread until there is one. Throws what `receive` rejects with.
     *
     * @param options `timeout` and `spin` in milliseconds. Default: no end, and the receiver's `spin`
     * @example
     * const { value } = reader.receiveSync({ timeout: 1000, spin: 0.05 })
     */
    receiveSync(options?: ReceiveSyncOptions): M;
    /**
     * The next message if there is one now. It costs a fraction of a microsecond, and a copy unless it is a view. In a stream
     * of small messages, a reader of views that is close behind the writer pauses for up to 5 microseconds, which makes both
     * faster.
     *
     * Throws `ERR_MMFILE_SEALED` when nothing can come any more, `ERR_MMFILE_PEER_GONE`, `ERR_MMFILE_EVICTED`,
     * `ERR_MMFILE_CLOSED`.
     *
     * @returns the message, or `undefined`
     * @example
     * const message = reader.tryReceive()
     * if (message !== undefined) show(message.value)
     */
    tryReceive(): M | undefined;
    /**
     * The messages that are there now, up to `max` of them. It never waits. Of copies it returns as many as have 16 MiB
     * together: call it again for the rest.
     *
     * Throws the errors of `tryReceive`, but only if there are no messages.
     *
     * @param max at least 1
     * @example
     * for (const { value } of reader.tryReceiveAll(100)) show(value)
     */
    tryReceiveAll(max: number): M[];
    /** How many messages there are that it has not received; of a member: that its group has not acknowledged. */
    get lag(): number;
    /** How many messages were overwritten or passed over before it came to them: 0, unless it is lossy. */
    get missed(): number;
    /** Whether it is closed. */
    get closed(): boolean;
    /**
     * Present and future messages until the channel is sealed. Each step releases the message before. Timers and I/O
     * get their turn at least every 10 ms.
     *
     * It throws what `receive` rejects with, but for `ERR_MMFILE_SEALED`; `ERR_MMFILE_TIMEOUT` after a pause longer than
     * the receiver's `timeout`.
     *
     * @example
     * for await (const { index, value } of reader) console.log(index, value)
     */
    [Symbol.asyncIterator](): AsyncGenerator<M, void, undefined>;
    /**
     * Ends it: pending calls and loops reject with `ERR_MMFILE_CLOSED`, everything is released, and what a member has
     * not acknowledged goes back. Doing it again changes nothing.
     *
     * @example
     * reader.close()
     */
    close(): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * using reader = channel.reader()
     */
    [Symbol.dispose](): void;
    /**
     * Closes it at the end of a block.
     *
     * @example
     * await using reader = channel.reader()
     */
    [Symbol.asyncDispose](): Promise<void>;
}

/** How long `receiveSync` waits. */
export declare interface ReceiveSyncOptions extends SyncWaitOptions {
    /** Milliseconds to check in a loop before sleeping. Default: the receiver's. */
    spin?: number | undefined;
}

/**
 * The error that a handler of requests threw in another process. It also has the original's own enumerable properties
 * that JSON can represent, such as `path` of an error of `node:fs`, and its `cause`. Together they have 14 KiB: long
 * texts are cut.
 */
export declare interface RemoteError extends Error {
    /** The code of the error, if it has one: `'ENOENT'`. */
    readonly code?: string | number;
    /** Other properties of the original error. */
    readonly [property: string]: unknown;
}

/**
 * Removes the name of a file, a channel or a mutex: nothing can open it from now on, and the name is free, on Windows
 * as soon as the last process has closed it. A process that has it open can keep using it; the memory is freed after
 * the last of them.
 *
 * Throws `ERR_MMFILE_NOT_FOUND`; `ERR_MMFILE_ACCESS` if it is another user's, of another kind, or
 * something else stands at its name; `ERR_MMFILE_TIMEOUT` if other processes keep the name locked for ten
 * seconds; `ERR_MMFILE_UNSUPPORTED` if there is no such folder, and for a directory on Windows.
 *
 * @param id the file's or channel's id, or the mutex's name
 * @param options `kind`: what is removed, a file by default; `directory`, `prefixes`, `prefix`
 * @example
 * remove('jobs', { kind: 'channel' })
 */
export declare function remove(id: string, options?: RemoveOptions): void;

/** Options of `remove`. */
export declare interface RemoveOptions extends ListOptions {
    /** The kind of the object to remove. Default `'file'`. */
    kind?: Kind | undefined;
}

/** Information for a handler of requests, besides the value. */
export declare interface RequestContext {
    /** The number of the request among the channel's requests. */
    readonly index: number;
    /** How often it was handed out, from 1: more than once, where a server died with it. */
    readonly attempt: number;
}

/** Options of `request`. */
export declare interface RequestOptions extends WaitOptions {
    /** Milliseconds for which the event loop checks for the reply before it sleeps, as a reader's `spin`. Default 0. */
    spin?: number | undefined;
    /** `true`: it fails with `ERR_MMFILE_PEER_GONE` when no process serves. Default `false`: it waits for one. */
    requireServer?: boolean | undefined;
}

/**
 * `true`: a wait fails with `ERR_MMFILE_PEER_GONE` once another process had the file open and none has it
 * any more, however many handles this process has. `'creator'`: once the handle that created the file is
 * closed or its process has ended, however many other processes have it open; never for the creator
 * itself. A death is noticed at the next check after the kernel has reported it.
 */
export declare type RequirePeer = boolean | 'creator';

/** Room for one message, to be filled over awaits. */
declare class Reservation {
    #private;
    /**
     * The room: shared memory with arbitrary contents at first. `commit` and disposal empty the array. Whatever writes
     * to it must have finished by then: a read that is cancelled late would write into later messages.
     */
    readonly bytes: Uint8Array;
    /**
     * Sends the first `length` bytes.
     *
     * Throws `ERR_MMFILE_CLOSED` after a `commit` or disposal, `ERR_OUT_OF_RANGE` for more bytes than there are.
     *
     * @param length default: all bytes
     * @returns the message's index
     * @example
     * const index = room.commit(bytesRead)
     */
    commit(length?: number): number;
    /**
     * Gives the room up at the end of a block, unless a message was sent: it leaves none.
     *
     * @example
     * using room = writer.reserveSync(1024)
     */
    [Symbol.dispose](): void;
}

/** The form in which segments are read. */
export declare type SegmentForm = 'value' | 'bytes' | 'view';

/** The type of each form. */
export declare interface SegmentForms {
    /** A string, in the handle's encoding. */
    value: string;
    /** A copy of the bytes. */
    bytes: Buffer;
    /** The bytes without a copy. */
    view: Uint8Array;
}

/** Options of `segments`. Its `timeout` bounds the pause between two segments. */
export declare interface SegmentsOptions<F extends SegmentForm = SegmentForm> extends SegmentWaitOptions {
    /** The first index. Default 0. */
    from?: number | undefined;
    /** The form in which segments are read. Default `'value'`. */
    as?: F | undefined;
}

/** Options of every wait for a segment. */
declare interface SegmentWait {
    /** Which other process it requires. Default `false`. */
    requirePeer?: RequirePeer | undefined;
    /**
     * Milliseconds to check in a loop before sleeping, fractions allowed: `0.05` is 50 µs. It blocks this
     * thread and takes a processor, and notices a segment within a microsecond instead of some thirty.
     * Default 0.
     */
    spin?: number | undefined;
}

/** How long a segment is waited for. */
export declare interface SegmentWaitOptions extends WaitOptions, SegmentWait {
}

/** How long a segment is waited for, blocking. */
export declare interface SegmentWaitSyncOptions extends SyncWaitOptions, SegmentWait {
}

/** The values that `send` accepts: those of the channel's type; any bytes if the encoding is `'bytes'`. */
export declare type Sendable<T> = T | ([T] extends [Buffer] ? Bytes : never);

/** The methods with which a channel and its exclusive writer send. */
declare abstract class Sender<T> {
    #private;
    /**
     * Sends one message as soon as there is room. The value is taken during the call, and may be changed afterwards.
     * The sends of a handle take effect in the order of the calls.
     *
     * Rejects with `ERR_MMFILE_FULL` when the time is over without room (`slowest` names the reader or group that needs
     * it), or at once if 1,024 sends of this handle wait already: await them. `ERR_MMFILE_CAPACITY`: more than
     * `maxByteLength`; `ERR_MMFILE_SEGMENT_ORDER`: it would not be `expectedIndex`; `ERR_MMFILE_LOCK_HELD`: another one
     * is the exclusive writer; `ERR_MMFILE_SEALED`, `ERR_MMFILE_READ_ONLY`, `ERR_MMFILE_TIMEOUT` (for the lock), an
     * `AbortError`.
     *
     * @param value what is sent, by the channel's `encoding`
     * @param options `timeout` in milliseconds, `signal`, `ref`, `expectedIndex`
     * @returns its index
     * @example
     * await channel.send({ n: 1 }, { timeout: 1000 })
     */
    send(value: Sendable<T>, options?: SendOptions): Promise<number>;
    /**
     * As `send`, and blocks this thread while it waits. Throws what `send` rejects with.
     *
     * @param value what is sent, by the channel's `encoding`
     * @param options `timeout` in milliseconds, `expectedIndex`
     * @returns its index
     * @example
     * channel.sendSync({ n: 1 }, { timeout: 1000 })
     */
    sendSync(value: Sendable<T>, options?: SendSyncOptions): number;
    /**
     * Sends one message if there is room now, and no `send` of this handle waits. It costs about a microsecond, and a
     * copy of the bytes; the exclusive writer's takes no lock.
     *
     * Throws what `send` rejects with, but for `ERR_MMFILE_FULL`.
     *
     * @param value what is sent, by the channel's `encoding`
     * @param options `expectedIndex`: the only index that it may get
     * @returns its index, or `undefined`
     * @example
     * if (channel.trySend({ n: 1 }) === undefined) await channel.send({ n: 1 })
     */
    trySend(value: Sendable<T>, options?: ExpectOptions): number | undefined;
    /**
     * Sends several messages with consecutive indices, or none of them. Together they may take as much room as one: the
     * header of each counts.
     *
     * Rejects as `send` does.
     *
     * @param values what is sent; taken all before the first is written
     * @param options `timeout` in milliseconds, `signal`, `ref`
     * @returns the index of the first; of none, `nextIndex`
     * @example
     * const first = await channel.sendAll([{ n: 1 }, { n: 2 }])
     */
    sendAll(values: Iterable<Sendable<T>>, options?: WaitOptions): Promise<number>;
    /**
     * As `sendAll`, and blocks this thread while it waits. Throws what `send` rejects with.
     *
     * @param values what is sent; taken all before the first is written
     * @param options `timeout` in milliseconds
     * @returns the index of the first; of none, `nextIndex`
     * @example
     * const first = channel.sendAllSync([{ n: 1 }, { n: 2 }])
     */
    sendAllSync(values: Iterable<Sendable<T>>, options?: SyncWaitOptions): number;
    /**
     * As `sendAll`, if there is room for all of them now. Throws what `trySend` throws.
     *
     * @param values what is sent; taken all before the first is written
     * @returns the index of the first, or `undefined`
     * @example
     * const first = channel.trySendAll([{ n: 1 }, { n: 2 }])
     */
    trySendAll(values: Iterable<Sendable<T>>): number | undefined;
    /**
     * Sends a message that a function writes in place, which saves a copy. The bytes are sent as they are, whatever the
     * encoding. `fill` is called at most once, when there is room; the target has arbitrary contents at first and is
     * emptied afterwards. If `fill` throws, the promise rejects with that error and nothing was sent.
     *
     * Rejects as `send` does.
     *
     * @param byteLength the most bytes that it may have
     * @param fill writes them; a number that it returns is the length to keep
     * @param options `timeout` in milliseconds, `signal`, `ref`
     * @returns its index
     * @example
     * await channel.sendWith(4, (target) => new DataView(target.buffer).setUint32(0, 42))
     */
    sendWith(byteLength: number, fill: Fill, options?: WaitOptions): Promise<number>;
    /**
     * As `sendWith`, and blocks this thread while it waits. Throws what `fill` throws and `send` rejects with.
     *
     * @param byteLength the most bytes that it may have
     * @param fill writes them; a number that it returns is the length to keep
     * @param options `timeout` in milliseconds
     * @returns its index
     * @example
     * channel.sendWithSync(1024, (target) => encoder.encodeInto(text, target).written)
     */
    sendWithSync(byteLength: number, fill: Fill, options?: SyncWaitOptions): number;
    /**
     * As `sendWith`, if there is room now; `fill` is not called otherwise. Throws what `fill` and `trySend` throw.
     *
     * @param byteLength the most bytes that it may have
     * @param fill writes them; a number that it returns is the length to keep
     * @returns its index, or `undefined`
     * @example
     * const index = channel.trySendWith(frame.byteLength, (target) => target.set(frame))
     */
    trySendWith(byteLength: number, fill: Fill): number | undefined;
}

/** Options of `send`. */
export declare interface SendOptions extends WaitOptions, ExpectOptions {
}

/** Options of `sendSync`. */
export declare interface SendSyncOptions extends SyncWaitOptions, ExpectOptions {
}

/** Options of `serve`. */
export declare interface ServeOptions {
    /** How many requests are handled at a time. Default 1. */
    concurrency?: number | undefined;
    /** Takes no more requests, waits for the handlers that run, and fulfils the promise. */
    signal?: AbortSignal | undefined;
    /** Milliseconds for which the event loop checks for the next request before it sleeps, as a reader's `spin`. Default 0. */
    spin?: number | undefined;
    /**
     * Called on the serving side for a handler that failed, also if its result cannot be sent; the caller gets the error
     * in any case. If it throws, `serve` rejects with that error. Default: nothing.
     */
    onError?: ((error: unknown, context: RequestContext) => void) | undefined;
}

/**
 * Removes the files, channels and mutexes of this user that no live process has open, and returns their rows. It
 * throws and costs what `list` does.
 *
 * @param options `directory`, `prefixes`, and `prefix`, the prefix of mutexes
 * @returns a row for each that was removed
 * @example
 * console.log(`${sweep().length} removed`)
 */
export declare function sweep(options?: ListOptions): ObjectInfo[];

/** How long something is waited for, blocking. */
export declare interface SyncWaitOptions {
    /** Milliseconds, fractions allowed; 0 tries once; default: no limit. */
    timeout?: number | undefined;
}

/**
 * How strings become bytes. `'utf16le'` is .NET's encoding and keeps lone surrogates; `'utf8'` takes half of
 * the memory for most text, is the usual encoding in C and Python, and replaces lone surrogates by U+FFFD;
 * `'latin1'` has a byte for each of the characters up to U+00FF and refuses others.
 */
export declare type TextEncodingName = 'utf16le' | 'utf8' | 'latin1';

/** A value that can be written as one segment. A string is stored in the handle's `encoding`. */
export declare type Value = string | Bytes;

/** An encoding whose values are of a type that the program knows. */
export declare type ValueEncoding<T> = 'json' | 'v8' | Codec<T>;

/** How long something is waited for. */
export declare interface WaitOptions extends SyncWaitOptions {
    /** Rejects with an `AbortError` when it fires; the signal's reason is its `cause`. */
    signal?: AbortSignal | undefined;
    /** `false`: the pending wait does not keep the process alive. Default `true`. */
    ref?: boolean | undefined;
}

/** Options of `work`. */
export declare interface WorkOptions {
    /** How many jobs are worked on at a time. Default 1. */
    concurrency?: number | undefined;
    /** Takes no more jobs, waits for the handlers that run, and fulfils the promise. */
    signal?: AbortSignal | undefined;
    /** Milliseconds for which the event loop checks for the next job before it sleeps, as a reader's `spin`. Default 0. */
    spin?: number | undefined;
    /** Called for a handler that failed. Default: a process warning. If it throws, `work` rejects with that error. */
    onError?: ((error: unknown, job: {
        readonly index: number;
        readonly attempt: number;
    }) => void) | undefined;
    /** Milliseconds until a job that failed goes back. Default: 100 for each attempt. */
    retryDelay?: ((attempt: number) => number) | undefined;
}

/** Options of `createWriteStream`. */
export declare interface WriteStreamOptions {
    /** Seals the file when the stream finishes. Default `false`. */
    seal?: boolean | undefined;
    /** How many chunks are kept before `write()` returns `false`. Default 16. */
    highWaterMark?: number | undefined;
    /** Destroys the stream with an `AbortError` when it fires. */
    signal?: AbortSignal | undefined;
}

export type { ExclusiveWriter, Job, LockGuard, Member, Message, Reader, Receiver, Reservation, Sender }
