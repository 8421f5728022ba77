export default {
  files: ['test/*.test.mjs'],
  // More rounds take longer, and a busy machine, too.
  timeout: process.env.MMFILE_TEST_ROUNDS ? '20m' : '3m',
  workerThreads: false,
  concurrency: 2,
}
