export { MmFileError, type MmFileErrorCode } from './errors.js'
export type { LockGuard } from './lock.js'
export { MmFile } from './mmfile.js'
export type {
  Access,
  CreateOptions,
  CreateOrOpenOptions,
  Lifetime,
  LockOptions,
  OpenOptions,
  Prefixes,
  Value,
  WaitOptions,
  WaitSyncOptions,
} from './types.js'
