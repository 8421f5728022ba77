export type TaskInfoErrorCode =
  /** Not well-formed XML; control characters in it belong here too. */
  | 'ERR_TASKINFO_SYNTAX'
  /** A document type declaration, which is never needed and can make a small text expand without end. */
  | 'ERR_TASKINFO_DOCTYPE'
  | 'ERR_TASKINFO_TOO_LARGE'
  /** Well-formed, but not a TaskInfoCollection. */
  | 'ERR_TASKINFO_ROOT'
  | 'ERR_TASKINFO_MISSING'
  | 'ERR_TASKINFO_DUPLICATE'
  /** A field's contents are not what the field holds. */
  | 'ERR_TASKINFO_VALUE'
  /** On writing: a character that XML 1.0 has no way to carry. */
  | 'ERR_TASKINFO_CHARACTER'

export interface Place {
  /** Which element, such as `TaskInfo[2]/Priority`; counted from 1, as XPath does. */
  path?: string | undefined
  /** Counted from 1. */
  line?: number | undefined
  /** In UTF-16 code units, counted from 1. */
  column?: number | undefined
}

/** The error and its place, which is in the message as well as in the properties. */
export class TaskInfoError extends Error {
  override readonly name = 'TaskInfoError'
  readonly path: string | undefined
  readonly line: number | undefined
  readonly column: number | undefined

  constructor(
    readonly code: TaskInfoErrorCode,
    problem: string,
    place: Place = {},
    options?: ErrorOptions,
  ) {
    const subject = place.path === undefined ? '' : `${place.path} `
    const position = place.line === undefined ? '' : ` (line ${place.line}, column ${place.column})`
    super(`${subject}${problem}${position}`, options)
    this.path = place.path
    this.line = place.line
    this.column = place.column
  }
}

/** A piece of foreign text for a message: quoted, on one line, and short. */
export function quote(text: string): string {
  const limit = 40
  return text.length > limit ? `${JSON.stringify(text.slice(0, limit))}…` : JSON.stringify(text)
}
