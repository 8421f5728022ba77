export { MmFile } from './file/mmfile.js'
export { NamedMutex } from './mutex/named-mutex.js'
export { MmFileError, type MmFileErrorCode } from './shared/errors.js'
export { list, remove, sweep } from './shared/listing.js'
export type { LockGuard } from './shared/lock.js'
export type {
  Access,
  CreateFileOptions,
  CreateOptions,
  CreateOrOpenOptions,
  Kind,
  Lifetime,
  ListOptions,
  LockOptions,
  LockWaitOptions,
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
  Value,
  WaitOptions,
  WaitSyncOptions,
  WriteStreamOptions,
} from './shared/types.js'
