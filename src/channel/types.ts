import type {
  Access,
  Bytes,
  Lifetime,
  PlaceOptions,
  Prefixes,
  RequirePeer,
  SyncWaitOptions,
  TextEncodingName,
  WaitOptions,
} from '../shared/types.js'

/** Turns values into bytes and back. The channel keeps the name, by which every program knows what is in it. */
export interface Codec<T> {
  /** 1 to 64 bytes, and no {@link EncodingName}. */
  readonly name: string
  /**
   * The bytes of a value. They are copied before the next call. What it throws, the send throws.
   *
   * @param value what the program sends
   * @example
   * encode: (date) => Buffer.from(date.toISOString())
   */
  encode(value: T): Uint8Array
  /**
   * The value of bytes, which are a copy of its own. If it throws, `message.value` throws `ERR_MMFILE_NOT_TEXT` with
   * that as the cause.
   *
   * @param bytes what `encode` returned
   * @example
   * decode: (bytes) => new Date(Buffer.from(bytes).toString())
   */
  decode(bytes: Uint8Array): T
}

/**
 * What values are as bytes. `'bytes'`: as they are; `'utf8'`, `'utf16le'` and `'latin1'`: strings; `'json'`: what
 * `JSON.stringify` makes of them; `'v8'`: structured clones, for Node.js alone.
 */
export type EncodingName = 'bytes' | TextEncodingName | 'json' | 'v8'

/**
 * What a send meets when the slowest reader leaves no room. `'wait'`: it waits. `'drop-oldest'`: the oldest messages
 * give way, every reader is lossy, and there are no groups.
 */
export type OnFull = 'wait' | 'drop-oldest'

/** What `send` takes: values of the channel's type; any bytes, where the encoding is `'bytes'`. */
export type Sendable<T> = T | ([T] extends [Buffer] ? Bytes : never)

/** What every way to open a channel takes. */
export interface ChannelHandleOptions {
  /** Milliseconds that an operation waits for a lock before `ERR_MMFILE_TIMEOUT`. Default 10,000. */
  lockTimeout?: number | undefined
  /** Names of groups, 1 to 64 bytes each. Those that are missing are created, from the oldest message on. */
  groups?: readonly string[] | undefined
}

/** What a new channel is like. */
export interface ChannelShape {
  /**
   * Bytes for messages and their headers of 16 bytes, rounded up to a power of two: 4 KiB to 16 GiB. A message takes
   * at most a quarter. Default 4 MiB.
   */
  capacity?: number | undefined
  /** What a send meets when the slowest reader leaves no room. Default `'wait'`. */
  onFull?: OnFull | undefined
  /** Slots for reliable readers, members, the exclusive writer and groups. Default 64. */
  maxParticipants?: number | undefined
}

/** What a channel that is there must be. */
export interface ChannelExpectation {
  /** If the channel has another one, opening fails with `ERR_MMFILE_INCOMPATIBLE`. Default: what it has. */
  onFull?: OnFull | undefined
}

/** Where a channel in memory is. */
export interface ChannelPlace extends PlaceOptions {
  /** What precedes the id in the object's name: that of `channel`. Both sides need the same. */
  prefixes?: Prefixes | undefined
}

/** Options of `Channel.createFile` and `createOrOpenFile`, besides `encoding`. */
export interface CreateChannelFileOptions extends ChannelHandleOptions, ChannelShape {}

/** Options of `Channel.createOrOpen`, besides `encoding`. */
export interface CreateOrOpenChannelOptions extends CreateChannelFileOptions, ChannelPlace {}

/** Options of `Channel.createNew`, besides `encoding`. */
export interface CreateChannelOptions extends CreateOrOpenChannelOptions {
  /** A UUID, or a name of 1 to 64 `[A-Za-z0-9._-]`. Default: a fresh UUID. */
  id?: string | undefined
  /** As a file's. Default `'creator'`. */
  lifetime?: Lifetime | undefined
}

/** Options of `Channel.openFile`, besides `encoding`. */
export interface OpenChannelFileOptions extends ChannelHandleOptions, ChannelExpectation {
  /** `'read'` allows lossy readers, `newest()` and the properties. Default `'read-write'`. */
  access?: Access | undefined
}

/** Options of `Channel.openExisting`, besides `encoding`. */
export interface OpenChannelOptions extends OpenChannelFileOptions, ChannelPlace {}

/** How the values of a channel that is created become bytes. */
export interface Encoded<E> {
  /** Its name is kept with the channel. Default `'bytes'`. */
  encoding: E
}

/** How the values of a channel that is there become bytes. */
export interface ExpectedEncoding<E> {
  /**
   * If the channel has another one, opening fails with `ERR_MMFILE_INCOMPATIBLE`. A codec that the channel has must be
   * given. Default: what it has.
   */
  encoding: E
}

/** An encoding whose values are of a type that the program knows. */
export type ValueEncoding<T> = 'json' | 'v8' | Codec<T>

/** An encoding of bytes or strings. */
export type PlainEncoding = 'bytes' | TextEncodingName

/** The values of such an encoding. */
export type PlainValue<E extends PlainEncoding> = E extends 'bytes' ? Buffer : string

/** Which index a message must get. */
export interface ExpectOptions {
  /** The message is sent only as that one. Otherwise nothing is sent, and it fails with `ERR_MMFILE_SEGMENT_ORDER`. */
  expectedIndex?: number | undefined
}

/** Options of `send`. */
export interface SendOptions extends WaitOptions, ExpectOptions {}

/** Options of `sendSync`. */
export interface SendSyncOptions extends SyncWaitOptions, ExpectOptions {}

/** What a message is received as. */
export type MessageForm = 'value' | 'bytes' | 'view'

/** What each form is. */
export interface MessageForms<T> {
  /** Decoded. */
  value: T
  /** A copy of the bytes. */
  bytes: Buffer
  /** The bytes in shared memory, until the message is released. */
  view: Uint8Array
}

/** With the next message that is sent, the oldest that is left, the newest there is, or the one of that index. */
export type Position = 'new' | 'oldest' | 'newest' | number

/** As for a file; `'writer'`: when there was an exclusive writer and there is none. */
export type ChannelPeer = RequirePeer | 'writer'

/** What readers and members take. `timeout` bounds the pause between two messages of a loop, and every `receive`. */
export interface ReceiveOptions<F extends MessageForm = MessageForm> extends WaitOptions {
  /** What messages are received as. Default `'value'`. */
  as?: F | undefined
  /**
   * Milliseconds, fractions allowed, for which the event loop checks again before it sleeps: `0.05` is 50 µs. It keeps
   * a processor busy for so long after each message. Default 0.
   */
  spin?: number | undefined
  /** Without that peer, receiving fails with `ERR_MMFILE_PEER_GONE` when nothing is left. Default `false`. */
  requirePeer?: ChannelPeer | undefined
}

/** Options of `reader`. */
export interface ReaderOptions<F extends MessageForm = MessageForm> extends ReceiveOptions<F> {
  /** Where it begins. Default `'new'`. */
  from?: Position | undefined
  /**
   * `true`: it holds no writer back, counts what was overwritten before it came to it, and goes on with the oldest
   * that is left. `'newest'`: it always goes on with the newest. Default `false`.
   */
  lossy?: boolean | 'newest' | undefined
}

/** Options of `member`. */
export interface MemberOptions<F extends MessageForm = MessageForm> extends ReceiveOptions<F> {
  /** How many jobs it reserves besides the one that the program has. Default 1. */
  prefetch?: number | undefined
}

/** How long `receiveSync` waits. */
export interface ReceiveSyncOptions extends SyncWaitOptions {
  /** Milliseconds to check in a loop before sleeping. Default: the receiver's. */
  spin?: number | undefined
}

/** Options of `createGroup`. */
export interface GroupOptions {
  /** Where a new group begins. Default `'oldest'`. */
  from?: Position | undefined
}

/** Options of `nak`. */
export interface NakOptions {
  /** Milliseconds for which the job is kept before it goes back. Should this process end, it goes back at once. */
  delay?: number | undefined
}

/** Options of `work`. */
export interface WorkOptions {
  /** How many jobs are worked on at a time. Default 1. */
  concurrency?: number | undefined
  /** Takes no more jobs, waits for the handlers that run, and fulfils the promise. */
  signal?: AbortSignal | undefined
  /** Called for a handler that failed. Default: a process warning. What it throws, `work` rejects with. */
  onError?:
    | ((error: unknown, job: { readonly index: number; readonly attempt: number }) => void)
    | undefined
  /** Milliseconds until a job that failed goes back. Default: 100 for each attempt. */
  retryDelay?: ((attempt: number) => number) | undefined
}

/** Options of `request`. */
export interface RequestOptions extends WaitOptions {
  /** `true`: it fails with `ERR_MMFILE_PEER_GONE` when no process serves. Default `false`: it waits for one. */
  requireServer?: boolean | undefined
}

/** Options of `serve`. */
export interface ServeOptions {
  /** How many requests are handled at a time. Default 1. */
  concurrency?: number | undefined
  /** Takes no more requests, waits for the handlers that run, and fulfils the promise. */
  signal?: AbortSignal | undefined
  /**
   * Called on the serving side for a handler that failed, also if its result cannot be sent; the caller gets the error
   * in any case. What it throws, `serve` rejects with. Default: nothing.
   */
  onError?: ((error: unknown, context: RequestContext) => void) | undefined
}

/** What a handler of requests receives besides the value. */
export interface RequestContext {
  /** The number of the request among the channel's requests. */
  readonly index: number
  /** How often it was handed out, from 1: more than once, where a server died with it. */
  readonly attempt: number
}

/** Options of a reader's `createReadStream`. */
export interface ChannelReadStreamOptions {
  /** How many messages are read ahead. Default 16. */
  highWaterMark?: number | undefined
  /** Destroys the stream with an `AbortError` when it fires. */
  signal?: AbortSignal | undefined
}

/** A participant of a channel. */
export interface Participant {
  /** What `evict` goes by. No other participant of the channel has had it or will have it. */
  readonly id: string
  /** Its process; `undefined` for a group. */
  readonly pid: number | undefined
  /** What it is. */
  readonly role: 'reader' | 'member' | 'writer' | 'group'
  /** The name of the group, or of a member's group. */
  readonly group: string | undefined
  /** The index of the next message that it has not done with. */
  readonly nextIndex: number
  /** How many messages there are from there on. */
  readonly lag: number
  /** When it joined. */
  readonly since: Date
}
