// The C library of this Node.js.

/** Whether it is musl. */
export const musl =
  process.platform === 'linux' &&
  process.report.getReport().header.glibcVersionRuntime === undefined
