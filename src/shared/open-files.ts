import { native, operations } from './native.js'

/** Whether this copy of the package has seen to it that the end of the thread is listened for. */
let listening = false

function leaveAll(): void {
  native.leaveAll()
}

/** Closes a file when it is garbage-collected, and ends it for others when the thread exits. */
export function manage(file: object, handle: number): void {
  operations.manage(file, handle)
  if (listening) return
  listening = true
  if (!native.listens()) return
  // Runs at the end of the script, at process.exit() and after an uncaught exception. A worker that
  // is terminated ends its environment instead, which closes them too. The listeners after this one
  // can still use their files.
  process.on('exit', leaveAll)
}
