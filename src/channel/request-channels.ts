import type { WaitOptions } from '../shared/types.js'
import type { Coder } from './codec.js'
import type { Member } from './member.js'
import type { Message } from './messages.js'
import type { Reader } from './reader.js'
import type {
  CreateChannelOptions,
  CreateOrOpenChannelOptions,
  MemberOptions,
  Participant,
  ReaderOptions,
} from './types.js'

/** A channel of bytes, as far as requests use them. */
export interface ByteChannel {
  readonly id: string
  readonly maxByteLength: number
  send(value: Uint8Array, options?: WaitOptions): Promise<number>
  trySend(value: Uint8Array): number | undefined
  reader(options: ReaderOptions<'value'>): Reader<Buffer>
  member(group: string, options: MemberOptions<'value'>): Member<Buffer>
  newest(): Message<Buffer> | undefined
  participants(): Participant[]
  seal(): void
  close(): void
}

/** Where the channels of requests and replies are. */
export interface RequestPlace {
  readonly directory?: string | undefined
  readonly prefixes: { readonly channel: string }
}

/** How channels are opened, which this file need not know. */
export interface Factory {
  create(options: CreateChannelOptions): ByteChannel
  open(id: string, options: RequestPlace): ByteChannel
  createOrOpen(id: string, options: CreateOrOpenChannelOptions): ByteChannel
}

/** The channel that the requests are for. */
export interface Served {
  readonly id: string
  readonly path: string | undefined
  readonly capacity: number
  readonly maxByteLength: number
  readonly subject: string
  readonly coder: Coder
  readonly directory: string | undefined
  readonly prefix: string
}
