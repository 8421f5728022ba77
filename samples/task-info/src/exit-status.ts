/** The exit status of a destination that the user closed before a task had run. */
export const closedByUser = 3
