/** A command line that means nothing: the program answers with its usage and exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
