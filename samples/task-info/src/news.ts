import * as v from 'valibot'

/** The messages of the two programs through the channel that has the id of their file. */
export interface About {
  /** The address of MmfSource's page, if it has one. */
  page: string | null
  /** When MmfSource ends the run, in milliseconds since 1970. */
  deadline: number
}

export interface Progress {
  /** The id of the task that runs. */
  task: string
  /** From 0 to 1. */
  fraction: number
}

/** A link leads only to a page of this machine. */
const pageAddress = v.pipe(v.string(), v.regex(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]+\/$/))

const AboutSchema = v.object({
  source: v.object({ page: v.nullable(pageAddress), deadline: v.number() }),
})

const ProgressSchema = v.object({
  progress: v.object({
    task: v.string(),
    fraction: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  }),
})

/** A message from another program is valid, or is ignored. */
export function readAbout(message: unknown): About | undefined {
  const { success, output } = v.safeParse(AboutSchema, message)
  return success ? output.source : undefined
}

export function readProgress(message: unknown): Progress | undefined {
  const { success, output } = v.safeParse(ProgressSchema, message)
  return success ? output.progress : undefined
}
