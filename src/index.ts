export { MmFileError, type MmFileErrorCode } from './errors.js'
export { list, remove, sweep } from './listing.js'
export type { LockGuard } from './lock.js'
export { MmFile } from './mmfile.js'
export { NamedMutex } from './named-mutex.js'
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
} from './types.js'
