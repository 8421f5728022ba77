import { isFirstCopy, native } from './native.js'

/**
 * What an open file weighs for the garbage collector, in bytes. It holds up to two descriptors, of which a
 * process often has 1,024; 32 MiB of such weights make the engine look for what nobody refers to.
 */
const WEIGHT = 2 ** 18

/** What is left of an open file once nothing in the program refers to it. */
const collected = new FinalizationRegistry<number>((handle) => {
  // Views that the program still has go on working; they keep the memory, not the file.
  native.abandon(handle)
  native.weigh(-WEIGHT)
})

/**
 * Whether the end of the thread is listened for, which the first file sees to. One listener is enough for
 * all copies of the package that a test runner loads.
 */
let listening = !isFirstCopy

function leaveAll(): void {
  native.leaveAll()
}

/** Closes a file when it is garbage-collected, and ends it for others when the thread exits. */
export function manage(file: object, handle: number): void {
  collected.register(file, handle, file)
  native.weigh(WEIGHT)
  if (listening) return
  listening = true
  // Runs at the end of the script, at process.exit() and after an uncaught exception. A worker that
  // is terminated ends its environment instead, which closes them too. The listeners after this one
  // can still use their files.
  process.on('exit', leaveAll)
}

/** The file was closed. */
export function unmanage(file: object): void {
  collected.unregister(file)
  native.weigh(-WEIGHT)
}
