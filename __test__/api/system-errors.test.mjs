// Errors of the operating system, under the names that Node.js gives them.

import test from 'ava'
import { MmFile } from 'mmfile'
import { systemError } from '../../dist/shared/system-errors.js'

test('numbers of Windows get the names of Node.js', (t) => {
  const name = (code) => systemError(code, 'win32').name
  t.deepEqual([2, 5, 112, 1455].map(name), ['ENOENT', 'EPERM', 'ENOSPC', 'ENOMEM'])
  t.is(name(999_999), 'UNKNOWN')
  for (const code of [2, 5, 1455]) t.true(systemError(code, 'win32').errno < 0)
})

test('other numbers are those of the system', (t) => {
  t.deepEqual(systemError(2, 'linux').errno, -2)
})

test('an error has both, and a cause of that code', (t) => {
  const error = t.throws(() => MmFile.createFile('/no/such/folder/file', 100))
  t.is(error.code, 'ERR_MMFILE_NOT_FOUND')
  if (error.cause === undefined) return
  t.is(error.cause.code, 'ENOENT')
  t.true(error.errno < 0 && error.errno === error.cause.errno)
})
