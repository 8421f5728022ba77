/** Why the file could not be opened or read, for a user who may have started the program by hand. */
export function explain(error: unknown, id: string): string {
  const message = error instanceof Error ? error.message : String(error)
  switch ((error as { code?: unknown } | null)?.code) {
    case 'ERR_MMFILE_NOT_FOUND':
      return `there is no file "${id}". MmfSource creates it and takes it away when it ends; is MmfSource still running?`
    case 'ERR_INVALID_ARG_VALUE':
    case 'ERR_INVALID_ARG_TYPE':
      return `"${id}" is not the id of a file: ${message}`
    case 'ERR_MMFILE_SEGMENT_RANGE':
      return `the file "${id}" has no tasks in it yet`
    default:
      return message
  }
}

export const startedWithoutId = `no file was named.
MmfDestination runs a task for MmfSource: MmfSource writes its tasks to shared memory and starts
MmfDestination with the id of that file on its command line. Start MmfSource, or name an ID.`
