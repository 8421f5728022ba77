export { formatDateTime, parseDateTime } from './date-time.js'
export { TaskInfoError, type TaskInfoErrorCode } from './error.js'
export { closedByUser } from './exit-status.js'
export { interruptedStatus, whenInterrupted } from './interruption.js'
export { type About, type Progress, readAbout, readProgress } from './news.js'
export { type PageOptions, pageOptionFlags, parsePageOptions } from './page-options.js'
export { type DeserializeOptions, deserializeTasks } from './read-xml.js'
export {
  parseRunOptions,
  parseSeconds,
  type RunOptions,
  runOptionFlags,
  runOptionsHelp,
  toArguments,
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
export { UsageError } from './usage-error.js'
export { isXmlText, serializeTasks } from './write-xml.js'
