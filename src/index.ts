export { Channel } from './channel/channel.js'
export type { Member } from './channel/member.js'
export type { Job, Message } from './channel/messages.js'
export type { Reader } from './channel/reader.js'
export type { Receiver } from './channel/receiving.js'
export type { Sender } from './channel/sending.js'
export type {
  ChannelExpectation,
  ChannelHandleOptions,
  ChannelPeer,
  ChannelPlace,
  ChannelReadStreamOptions,
  ChannelShape,
  Codec,
  CreateChannelFileOptions,
  CreateChannelOptions,
  CreateOrOpenChannelOptions,
  Encoded,
  EncodingName,
  ExpectedEncoding,
  ExpectOptions,
  GroupOptions,
  MemberOptions,
  MessageForm,
  MessageForms,
  NakOptions,
  OnFull,
  OpenChannelFileOptions,
  OpenChannelOptions,
  Participant,
  PlainEncoding,
  PlainValue,
  Position,
  ReaderOptions,
  ReceiveOptions,
  ReceiveSyncOptions,
  RequestContext,
  RequestOptions,
  Sendable,
  SendOptions,
  SendSyncOptions,
  ServeOptions,
  ValueEncoding,
  WorkOptions,
} from './channel/types.js'
export type { ExclusiveWriter, Reservation } from './channel/writer.js'
export { MmFile } from './file/mmfile.js'
export { NamedMutex } from './mutex/named-mutex.js'
export {
  MmFileError,
  type MmFileErrorCode,
  type MmFileErrorOf,
  type RemoteError,
} from './shared/errors.js'
export { list, remove, sweep } from './shared/listing.js'
export type { LockGuard } from './shared/lock.js'
export type {
  Access,
  Bytes,
  CreateFileOptions,
  CreateOptions,
  CreateOrOpenOptions,
  Fill,
  FlushOptions,
  Kind,
  Lifetime,
  ListOptions,
  MutexOptions,
  ObjectInfo,
  OpenFileOptions,
  OpenOptions,
  Peer,
  PlaceOptions,
  Prefixes,
  ReadStreamOptions,
  RemoveOptions,
  RequirePeer,
  SegmentForm,
  SegmentForms,
  SegmentsOptions,
  SegmentWaitOptions,
  SegmentWaitSyncOptions,
  SyncWaitOptions,
  TextEncodingName,
  Value,
  WaitOptions,
  WriteStreamOptions,
} from './shared/types.js'
