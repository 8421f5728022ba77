import { once } from 'node:events'

const ESCAPES = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 }

export type Paint = (text: string) => string

/** Colours text where the stream is a terminal that has colours (and `NO_COLOR` is not set). */
export function paint(stream: NodeJS.WriteStream, colour: keyof typeof ESCAPES): Paint {
  const coloured = stream.isTTY && stream.hasColors()
  return (text) => (coloured ? `\x1b[${ESCAPES[colour]}m${text}\x1b[0m` : text)
}

/** Says on standard error what went wrong. */
export function complain(text: string): void {
  process.stderr.write(`${paint(process.stderr, 'red')('mmfile:')} ${text}\n`)
}

/** Says which failure it was, and returns the exit status of one. */
export function fail(error: unknown): 1 {
  const { code, message } = error as { code?: string; message: string }
  complain(code === undefined ? message : `${code}: ${message}`)
  return 1
}

/** Writes to standard output and waits until there is room for more. */
export async function write(chunk: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
}

/** Ends quietly when the reader of our output has gone, as in `mmfile cat ID | head -1`. */
export function stopWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Windows has two codes for it.
    if (error.code === 'EPIPE' || error.code === 'EOF') process.exit(0)
    throw error
  })
}

/** The greatest of some numbers, of however many. (A call takes some 100,000 arguments at most.) */
export function greatest<T>(things: readonly T[], number: (thing: T) => number): number {
  return things.reduce((most, thing) => Math.max(most, number(thing)), 0)
}

/** Lines up columns; numbers to the right. A cell is its text and, perhaps, its colour. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const bold = paint(process.stdout, 'bold')
  const all = [head.map((text) => ({ text, colour: bold })), ...rows.map((row) => row.map(cell))]
  const widths = head.map((_, at) => greatest(all, (row) => row[at]?.text.length ?? 0))
  const toTheRight = head.map((_, at) => rows.length > 0 && typeof rows[0]?.[at] === 'number')
  return all
    .map((row) =>
      row
        .map(({ text, colour }, at) => {
          const gap = ' '.repeat((widths[at] ?? 0) - text.length)
          return toTheRight[at] ? gap + colour(text) : colour(text) + gap
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

type Cell = string | number | { text: string; colour: Paint }

function cell(value: Cell): { text: string; colour: Paint } {
  return typeof value === 'object' ? value : { text: String(value), colour: (text) => text }
}

/** Text that cannot move the cursor, clear the screen or end the line. */
export function printable(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
      (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`,
    )
}
