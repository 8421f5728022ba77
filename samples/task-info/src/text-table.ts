import { displayWidth, printable, wrap } from './text-width.js'

export interface TableOptions {
  /** Columns of the terminal; 80 if there is no terminal, or its size is unknown. */
  width?: number | undefined
  /** A cell that needs more lines than this ends in an ellipsis. */
  maxLines?: number | undefined
}

const narrowest = 8

/** A table for a terminal, never wider than the terminal unless it has very many columns. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { width, maxLines = 6 }: TableOptions = {},
): string {
  const cells = [header, ...rows].map((row) => row.map(printable))
  const widths = fit(
    header.map((_, column) => Math.max(...cells.map((row) => displayWidth(row[column] ?? '')))),
    (width || 80) - 3 * header.length - 1,
  )
  const rule = (left: string, middle: string, right: string) =>
    left + widths.map((columns) => '─'.repeat(columns + 2)).join(middle) + right
  const [top, ...body] = cells.map((row) => formatRow(row, widths, maxLines))
  return [rule('┌', '┬', '┐'), top, rule('├', '┼', '┤'), ...body, rule('└', '┴', '┘')].join('\n')
}

function formatRow(row: readonly string[], widths: readonly number[], maxLines: number): string {
  const wrapped = widths.map((columns, index) => wrap(row[index] ?? '', columns, maxLines))
  const height = Math.max(...wrapped.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) => {
    const padded = wrapped.map((lines, index) => pad(lines[line] ?? '', widths[index] ?? 0))
    return `│ ${padded.join(' │ ')} │`
  }).join('\n')
}

/** Takes from whichever column is widest until the sum fits. */
function fit(natural: readonly number[], available: number): number[] {
  // No column needs more than there is; a text of a million characters need not be taken back one by one.
  const widths = natural.map((columns) => Math.min(columns, Math.max(available, narrowest)))
  let excess = widths.reduce((sum, columns) => sum + columns, 0) - available
  for (; excess > 0; excess -= 1) {
    const widest = Math.max(...widths)
    if (widest <= narrowest) break
    widths[widths.indexOf(widest)] = widest - 1
  }
  return widths
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)))
}
