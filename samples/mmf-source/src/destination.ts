import { basename } from 'node:path'
import { type RunOptions, toArguments } from '@mmfile-samples/task-info'

/** A program that gets the id of a file as an argument, and appends a result to that file. */
export interface Destination {
  /** Its name in messages. */
  name: string
  start(fileId: string): { command: string; args: string[] }
}

export function headlessDestination(options: RunOptions): Destination {
  return ownDestination('--headless', ...toArguments(options))
}

/** With its own page, whose address it prints. */
export function pageDestination({ open }: { open: boolean }): Destination {
  return ownDestination(...(open ? ['--open'] : []))
}

function ownDestination(...options: string[]): Destination {
  const program = require.resolve('@mmfile-samples/mmf-destination')
  return {
    name: 'MmfDestination',
    start: (fileId) => ({ command: process.execPath, args: [program, fileId, ...options] }),
  }
}

/** Any command; the id becomes its last argument. */
export function commandDestination([command = '', ...args]: readonly string[]): Destination {
  return {
    name: [command, ...args].map((part) => basename(part)).join(' '),
    start: (fileId) => ({ command, args: [...args, fileId] }),
  }
}
