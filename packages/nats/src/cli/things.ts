import { existsSync } from 'node:fs'
import { Channel, list, MmFile, MmFileError } from 'mmfile'
import { UsageError } from './usage.js'

/** A file or a channel, wherever it is. */
export type Thing = MmFile | Channel<unknown>

interface Place {
  readonly kind: 'file' | 'channel' | undefined
  readonly directory: string | undefined
}

const isPath = (id: string) => /[\\/]/.test(id)

/** Opens what is there. */
export function open(id: string, place: Place, access: 'read' | 'read-write'): Thing {
  const { directory } = place
  if ((place.kind ?? kindOf(id, place)) === 'channel') {
    return isPath(id) ? Channel.openFile(id) : Channel.openExisting(id, { directory })
  }
  return isPath(id)
    ? MmFile.openFile(id, { access })
    : MmFile.openExisting(id, { access, directory })
}

/** Opens what is there, or makes it. */
export function openOrCreate(
  id: string,
  place: Place,
  capacity: number | undefined,
  encoding: string | undefined,
): Thing {
  if (capacity === undefined) return open(id, place, 'read-write')
  const { kind, directory } = place
  if (kind === undefined) {
    if (exists(id, place)) return open(id, place, 'read-write')
    throw new UsageError('--capacity makes a new one: say --kind file or --kind channel')
  }
  if (kind === 'file') {
    return isPath(id)
      ? MmFile.createOrOpenFile(id, capacity)
      : MmFile.createOrOpen(id, capacity, { directory })
  }
  const options = { capacity, encoding: (encoding ?? 'bytes') as 'json' }
  if (exists(id, place)) return open(id, place, 'read-write')
  return isPath(id)
    ? Channel.createOrOpenFile<unknown>(id, options)
    : Channel.createOrOpen<unknown>(id, { ...options, directory })
}

function kindsOf(id: string, directory: string | undefined) {
  const canonical = id.replace(/^\{(.*)\}$/, '$1').toLowerCase()
  return list({ directory })
    .filter((info) => info.kind !== 'mutex' && info.id.toLowerCase() === canonical)
    .map((info) => info.kind)
}

function exists(id: string, { kind, directory }: Place): boolean {
  if (isPath(id)) return existsSync(id)
  const kinds = kindsOf(id, directory)
  return kind === undefined ? kinds.length > 0 : kinds.includes(kind)
}

function kindOf(id: string, { directory }: Place): 'file' | 'channel' {
  if (isPath(id)) return kindOfPath(id)
  const kinds = kindsOf(id, directory)
  if (kinds.length > 1) throw new UsageError(`'${id}' is a file and a channel: say --kind`)
  return kinds[0] === 'channel' ? 'channel' : 'file'
}

/** The kind of the object at a path. If something is wrong with it, opening it as a file reports the error. */
function kindOfPath(path: string): 'file' | 'channel' {
  try {
    MmFile.openFile(path, { access: 'read' }).close()
    return 'file'
  } catch (error) {
    if (!MmFileError.is(error, 'ERR_MMFILE_INCOMPATIBLE', 'ERR_MMFILE_ACCESS')) return 'file'
  }
  try {
    Channel.openFile(path, { access: 'read' }).close()
    return 'channel'
  } catch {
    return 'file'
  }
}
