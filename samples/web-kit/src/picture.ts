import { type MmFile, MmFileError } from 'mmfile'
import type { PictureMessage, ProcessMessage } from '../page/picture-message.js'

/** Milliseconds. The library reports segments as they come; the processes that have the file open have to be polled. */
const interval = 200
/** More than a page has room for. */
const mostSegments = 12
/** Characters of a segment that a page shows. */
const mostText = 200_000

export interface Watch {
  /** Checks at once, instead of later. */
  look(): void
  stop(): void
}

/** Reports the file's state now, and whenever it changes, until it is closed or `stop` is called. */
export function watchFile(file: MmFile, onChange: (picture: PictureMessage) => void): Watch {
  const known = new Map<number, ProcessMessage>()
  const stopped = new AbortController()
  let told = ''
  const look = () => {
    if (stopped.signal.aborted || file.closed) return stopped.abort()
    const picture = pictureOf(file, known)
    const json = JSON.stringify(picture)
    if (json === told) return
    told = json
    onChange(picture)
  }
  const timer = setInterval(look, interval)
  stopped.signal.addEventListener('abort', () => clearInterval(timer))
  lookAtSegments(file, look, stopped.signal)
  look()
  return { look, stop: () => stopped.abort() }
}

async function lookAtSegments(file: MmFile, look: () => void, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await file.waitFor(file.length, { signal, ref: false })
      look()
    }
  } catch {
    // It is closed, sealed or damaged, which the picture shows.
  }
}

function pictureOf(file: MmFile, known: Map<number, ProcessMessage>): PictureMessage {
  const { id, capacity } = file
  const picture: PictureMessage = {
    id,
    capacity,
    size: 0,
    sealed: false,
    length: 0,
    segments: [],
    processes: [],
    problem: null,
  }
  try {
    const { length } = file
    const shown = Math.min(length, mostSegments)
    Object.assign(picture, { size: file.size, sealed: file.sealed, length })
    for (let index = 0; index < shown; index += 1) {
      picture.segments.push({ index, bytes: file.byteLength(index) })
    }
    // Not changed in place: pictures that pages already have show the old ones.
    for (const [pid, one] of known) known.set(pid, { ...one, open: false, holdsLock: false })
    for (const { pid, isCreator, self, access, holdsLock } of file.peers()) {
      const before = known.get(pid)
      known.set(pid, {
        pid,
        // A process may have several handles.
        isCreator: isCreator || (before?.isCreator ?? false),
        self: self || (before?.self ?? false),
        readOnly: access === 'read' && (before?.readOnly ?? true),
        open: true,
        holdsLock: holdsLock || (before?.open === true && before.holdsLock),
      })
    }
  } catch (error) {
    picture.problem = (error as Error).message
  }
  picture.processes = [...known.values()]
  return picture
}

/** A segment for display: its text, or its first bytes if it is not text. */
export function readSegment(file: MmFile, index: number): string | undefined {
  try {
    const text = file.read(index)
    return text.length > mostText ? `${text.slice(0, mostText)}\n…` : text
  } catch (error) {
    if (!MmFileError.is(error, 'ERR_MMFILE_NOT_TEXT')) return undefined
    const bytes = file.readBytes(index)
    return `${bytes.length} bytes that are no text:\n${bytes.subarray(0, 512).toString('hex')}`
  }
}
