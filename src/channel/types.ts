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
   * The bytes of a value. They are copied before the next call. If this throws, the send throws the
   * same error.
   *
   * @param value what the program sends
   * @example
   * encode: (date) => Buffer.from(date.toISOString())
   */
  encode(value: T): Uint8Array
  /**
   * Decodes a value from a private copy of the bytes. If this throws, `message.value` throws `ERR_MMFILE_NOT_TEXT`
   * with that as the cause.
   *
   * @param bytes what `encode` returned
   * @example
   * decode: (bytes) => new Date(Buffer.from(bytes).toString())
   */
  decode(bytes: Uint8Array): T
}

/**
 * How values become bytes. `'bytes'`: unchanged; `'utf8'`, `'utf16le'` and `'latin1'`: strings; `'json'`: by
 * `JSON.stringify`; `'v8'`: structured clones, for Node.js only.
 */
export type EncodingName = 'bytes' | TextEncodingName | 'json' | 'v8'

/**
 * What happens when the slowest reader leaves no room. `'wait'`: the send waits. `'drop-oldest'`: the oldest
 * messages are dropped, every reader is lossy, and there are no groups.
 */
export type OnFull = 'wait' | 'drop-oldest'

/** The values that `send` accepts: those of the channel's type; any bytes if the encoding is `'bytes'`. */
export type Sendable<T> = T | ([T] extends [Buffer] ? Bytes : never)

/** Options of every way to open a channel. */
export interface ChannelHandleOptions {
  /** Milliseconds that an operation waits for a lock before `ERR_MMFILE_TIMEOUT`. Default 10,000. */
  lockTimeout?: number | undefined
  /** Names of groups, 1 to 64 bytes each. Missing ones are created and begin with the oldest message. */
  groups?: readonly string[] | undefined
}

/** Properties of a new channel. */
export interface ChannelShape {
  /**
   * Bytes for messages and their headers of 16 bytes, rounded up to a power of two: 4 KiB to 16 GiB. A message takes
   * at most a quarter. Default 4 MiB.
   */
  capacity?: number | undefined
  /** What happens to a send when the slowest reader leaves no room. Default `'wait'`. */
  onFull?: OnFull | undefined
  /** Slots for reliable readers, members, the exclusive writer and groups. Default 64. */
  maxParticipants?: number | undefined
}

/** Properties that an existing channel must have. */
export interface ChannelExpectation {
  /** If the channel has another one, opening fails with `ERR_MMFILE_INCOMPATIBLE`. Default: the channel's own. */
  onFull?: OnFull | undefined
}

/** Where a channel in memory is. */
export interface ChannelPlace extends PlaceOptions {
  /** The text before the id in the object's name: only `channel` counts. Both sides need the same. */
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
   * given. Default: the channel's own.
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

/** The form in which a message is received. */
export type MessageForm = 'value' | 'bytes' | 'view'

/** The type of each form. */
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

/** As for a file; `'writer'`: fails when there was an exclusive writer and there is none any more. */
export type ChannelPeer = RequirePeer | 'writer'

/** Options of readers and members. `timeout` bounds the pause between two messages of a loop, and every `receive`. */
export interface ReceiveOptions<F extends MessageForm = MessageForm> extends WaitOptions {
  /** The form in which messages are received. Default `'value'`. */
  as?: F | undefined
  /**
   * Milliseconds, fractions allowed, for which the event loop checks again before it sleeps: `0.05` is 50 µs. It keeps
   * a processor busy for so long after each message. Default 0. A wait that does not keep the process alive does not.
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
   * `true`: the reader holds no writer back, counts messages that were overwritten before it read them, and
   * continues with the oldest one left. `'newest'`: it always continues with the newest. Default `false`.
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
  /** Milliseconds for which the event loop checks for the next job before it sleeps, as a reader's `spin`. Default 0. */
  spin?: number | undefined
  /** Called for a handler that failed. Default: a process warning. If it throws, `work` rejects with that error. */
  onError?:
    | ((error: unknown, job: { readonly index: number; readonly attempt: number }) => void)
    | undefined
  /** Milliseconds until a job that failed goes back. Default: 100 for each attempt. */
  retryDelay?: ((attempt: number) => number) | undefined
}

/** Options of `request`. */
export interface RequestOptions extends WaitOptions {
  /** Milliseconds for which the event loop checks for the reply before it sleeps, as a reader's `spin`. Default 0. */
  spin?: number | undefined
  /** `true`: it fails with `ERR_MMFILE_PEER_GONE` when no process serves. Default `false`: it waits for one. */
  requireServer?: boolean | undefined
}

/** Options of `serve`. */
export interface ServeOptions {
  /** How many requests are handled at a time. Default 1. */
  concurrency?: number | undefined
  /** Takes no more requests, waits for the handlers that run, and fulfils the promise. */
  signal?: AbortSignal | undefined
  /** Milliseconds for which the event loop checks for the next request before it sleeps, as a reader's `spin`. Default 0. */
  spin?: number | undefined
  /**
   * Called on the serving side for a handler that failed, also if its result cannot be sent; the caller gets the error
   * in any case. If it throws, `serve` rejects with that error. Default: nothing.
   */
  onError?: ((error: unknown, context: RequestContext) => void) | undefined
}

/** Information for a handler of requests, besides the value. */
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
  /** Identifies the participant, for `evict`. The channel never uses it again. */
  readonly id: string
  /** Its process; `undefined` for a group. */
  readonly pid: number | undefined
  /** Its role. */
  readonly role: 'reader' | 'member' | 'writer' | 'group'
  /** The name of the group, or of a member's group. */
  readonly group: string | undefined
  /** The index of the next message that it still needs. */
  readonly nextIndex: number
  /** How many messages there are from there on. */
  readonly lag: number
  /** When it joined. */
  readonly since: Date
}
