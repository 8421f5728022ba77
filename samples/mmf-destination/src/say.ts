/** Tells the user. */
export function say(message: string): void {
  console.log(`MmfDestination: ${message}`)
}

/** Says why there is no result, and returns the exit status for that. */
export function fail(message: string): number {
  console.error(`MmfDestination: ${message}`)
  return 1
}
