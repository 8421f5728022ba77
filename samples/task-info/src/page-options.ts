import { UsageError } from './usage-error.js'

/** Whether a program shows a page, and how. */
export interface PageOptions {
  headless: boolean
  /** In a browser, without being asked again. */
  open: boolean
  /** Any free one if absent. */
  port: number | undefined
}

/** For node:util's parseArgs. */
export const pageOptionFlags = {
  headless: { type: 'boolean' },
  open: { type: 'boolean' },
  port: { type: 'string' },
} as const

interface PageOptionValues {
  headless?: boolean | undefined
  open?: boolean | undefined
  port?: string | undefined
}

/** Options that only the terminal has a use for mean the terminal. */
export function parsePageOptions(
  values: PageOptionValues,
  terminalOnly: readonly string[],
): PageOptions {
  const given = new Map(Object.entries(values))
  const headless = values.headless ?? terminalOnly.some((name) => given.get(name) !== undefined)
  for (const name of ['open', 'port']) {
    if (headless && given.get(name) !== undefined) {
      throw new UsageError(`--${name} is for the page, and there is none here`)
    }
  }
  return {
    headless,
    open: values.open ?? false,
    port: values.port === undefined ? undefined : parsePort(values.port),
  }
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port >= 1 && port <= 65_535) return port
  throw new UsageError(`--port is a number from 1 to 65535, not "${text}"`)
}
