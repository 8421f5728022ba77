export default {
  files: ['test/*.test.mjs'],
  timeout: '3m',
  workerThreads: false,
  concurrency: 2,
}
