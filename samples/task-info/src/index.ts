export { formatDateTime, parseDateTime } from './date-time.js'
export { TaskInfoError, type TaskInfoErrorCode } from './error.js'
export { type DeserializeOptions, deserializeTasks } from './read-xml.js'
export {
  parseRunOptions,
  parseSeconds,
  type RunOptions,
  runOptionFlags,
  runOptionsHelp,
  toArguments,
  UsageError,
} from './run-options.js'
export {
  countTasks,
  describeIssue,
  isUuid,
  priorities,
  statuses,
  type TaskInfo,
  TaskInfoSchema,
  type TaskPriority,
  type TaskStatus,
} from './task-info.js'
export { formatTable } from './text-table.js'
export { printable } from './text-width.js'
export { serializeTasks } from './write-xml.js'
