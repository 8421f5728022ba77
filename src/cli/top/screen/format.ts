const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar of so many cells, to an eighth of a cell. */
export function bar(fraction: number, cells: number): string {
  const eighths = Math.round(fraction * cells * 8)
  const full = Math.floor(eighths / 8)
  const drawn = '█'.repeat(full) + (EIGHTHS[eighths % 8] ?? '')
  return drawn + '░'.repeat(cells - drawn.length)
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** "2.3 kB" */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  for (; value >= 999.5 && unit < UNITS.length - 1; unit += 1) value /= 1000
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

/** "1,204/s" */
export function rate(perSecond: number | null): string {
  if (perSecond === null) return ''
  const digits = perSecond > 0 && perSecond < 10 ? 1 : 0
  return `${perSecond.toLocaleString('en', { maximumFractionDigits: digits })}/s`
}
