import { getSystemErrorMap, getSystemErrorName } from 'node:util'

/** Errors of Windows, by their names in Node.js. */
const WINDOWS: Readonly<Record<number, string>> = {
  2: 'ENOENT', // a file
  3: 'ENOENT', // a folder on the way
  4: 'EMFILE',
  5: 'EPERM',
  6: 'EBADF',
  8: 'ENOMEM',
  14: 'ENOMEM',
  19: 'EROFS',
  32: 'EBUSY',
  33: 'EBUSY',
  80: 'EEXIST',
  87: 'EINVAL',
  112: 'ENOSPC',
  183: 'EEXIST',
  206: 'ENAMETOOLONG',
  1450: 'ENOMEM',
  1455: 'ENOMEM', // the page file is full
}

/** Node.js's name and negative number for the system's error. */
export function systemError(
  code: number,
  platform: NodeJS.Platform = process.platform,
): { name: string; errno: number } {
  if (platform !== 'win32') return { name: getSystemErrorName(-code), errno: -code }
  const name = WINDOWS[code] ?? 'UNKNOWN'
  for (const [errno, [known]] of getSystemErrorMap()) if (known === name) return { name, errno }
  return { name, errno: -code }
}
