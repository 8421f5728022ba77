// The round trips and the one-way rates as bars on a logarithmic scale.

import { figure, summary } from './statistics.mjs'

const WIDTH = 940
const LABELS = 380
const BAR = 16
const STEP = 22
const HEAD = 44
/** For the figure behind a bar. */
const TAIL = 90

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const STYLE = [
  'text { font: 12px system-ui, sans-serif; fill: #24292f }',
  '.title { font-size: 14px; font-weight: 600 }',
  '.bar { fill: #8c959f } .ours { fill: #0969da }',
  '@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #4493f8 } }',
].join('\n    ')

/** The column of a table, best first. */
function panel(table, column, better, unit) {
  const at = table?.columns.indexOf(column) ?? -1
  if (at < 0) return []
  const rows = table.rows
    .filter(
      ({ cells, drawn }) => drawn !== false && Array.isArray(cells[at]) && cells[at].length > 0,
    )
    .map(({ label, cells }) => ({ label, value: summary(cells[at]).median }))
    .sort((a, b) => (better === 'less' ? a.value - b.value : b.value - a.value))
  return [{ title: `${table.title}, ${column}: ${unit}, ${better} is better`, rows }]
}

function draw({ title, rows }, top) {
  const values = rows.map(({ value }) => value)
  const least = 10 ** Math.floor(Math.log10(Math.min(...values)) - 0.01)
  const scale = (WIDTH - LABELS - TAIL) / Math.log10(Math.max(...values) / least)
  const lines = [`<text class="title" x="0" y="${top + 28}">${escaped(title)}</text>`]
  rows.forEach(({ label, value }, row) => {
    const y = top + HEAD + row * STEP
    const width = Math.max(1, Math.log10(value / least) * scale)
    const ours = label.startsWith('mmfile') ? ' ours' : ''
    const base = y + BAR - 4
    lines.push(
      `<text x="${LABELS - 8}" y="${base}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="bar${ours}" x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}"/>`,
      `<text x="${(LABELS + width + 6).toFixed(1)}" y="${base}">${figure(value)}</text>`,
    )
  })
  return { lines, bottom: top + HEAD + rows.length * STEP }
}

/** An SVG of the tables, or nothing if none of them was measured. */
export function chart(tables, { machine }) {
  const table = (id) => tables.find((one) => one.id === id)
  const panels = [
    ...panel(table('round-trip'), '64 B', 'less', 'µs'),
    ...panel(table('round-trip'), '1 MiB', 'less', 'µs'),
    ...panel(table('one-way'), '64 B', 'more', 'thousand messages/s'),
    ...panel(table('one-way'), '1 MiB', 'more', 'MB/s'),
  ]
  if (panels.length === 0) return undefined
  let top = 0
  const lines = []
  for (const one of panels) {
    const drawn = draw(one, top)
    lines.push(...drawn.lines)
    top = drawn.bottom
  }
  const note = `logarithmic scale; ${machine.cpu}, Node.js ${machine.node}, ${machine.date.slice(0, 10)}`
  lines.push(`<text x="0" y="${top + 28}">${escaped(note)}</text>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 40}" role="img">
  <title>mmfile beside its peers</title>
  <style>
    ${STYLE}
  </style>
  ${lines.join('\n  ')}
</svg>
`
}
