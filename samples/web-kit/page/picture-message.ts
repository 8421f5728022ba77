/** The library's information about a mapped file and the processes that have it open. */
export interface PictureMessage {
  id: string
  /** Bytes. */
  capacity: number
  size: number
  sealed: boolean
  /** How many there are, and the first of them. */
  length: number
  segments: { index: number; bytes: number }[]
  processes: ProcessMessage[]
  /** Why it could not be read, if it could not. */
  problem: string | null
}

export interface ProcessMessage {
  pid: number
  /** It made the file. */
  isCreator: boolean
  /** It is the one that tells this. */
  self: boolean
  /** It only reads, as `mmfile follow` does. */
  readOnly: boolean
  /** False for one that had it open and has not any more. */
  open: boolean
  holdsLock: boolean
}
