import { runFolder } from './__test__/support/run-folder.mjs'

export default {
  files: ['__test__/**/*.test.mjs', 'samples/test/*.test.mjs'],
  timeout: '3m',
  // The addon holds locks by thread; tests that count threads and exits want a process each.
  workerThreads: false,
  concurrency: 2,
  environmentVariables: runFolder(),
}
