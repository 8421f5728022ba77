/** A destination that the user closed before a task had run says so by its exit status. */
export const closedByUser = 3
