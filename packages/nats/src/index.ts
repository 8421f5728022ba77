export { BridgeError, type BridgeErrorCode } from './errors.js'
export type { CopyOptions, Progress, PullOptions, PushOptions, StreamPlace } from './options.js'
export { pull } from './pull.js'
export { push } from './push.js'
