import { native } from './native.js'

/** What is left of an open file once nothing in the program refers to it. */
const collected = new FinalizationRegistry<number>((handle) => {
  // Views that the program still has go on working; they keep the memory, not the file.
  native.abandon(handle)
})

/** How many files are open, to listen for the exit only while there are any. */
let open = 0

function leaveAll(): void {
  native.leaveAll()
}

/** Closes a file when it is garbage-collected, and ends it for others when the thread exits. */
export function manage(file: object, handle: number): void {
  collected.register(file, handle, file)
  open += 1
  // Runs at the end of the script, at process.exit() and after an uncaught exception. A worker that
  // is terminated ends its environment instead, which closes them too. The listeners after this one
  // can still use their files.
  if (open === 1) process.on('exit', leaveAll)
}

/** The file was closed. */
export function unmanage(file: object): void {
  collected.unregister(file)
  open -= 1
  if (open === 0) process.off('exit', leaveAll)
}
