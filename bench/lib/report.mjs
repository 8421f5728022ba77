// Collects what was measured and writes it: on the terminal, as Markdown, as JSON and as a chart.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GOALS } from '../goals.mjs'
import { chart } from './chart.mjs'
import { figure, summary } from './statistics.mjs'

const UNITS = ['B', 'KiB', 'MiB', 'GiB']
const LEFT_OUT = '–'

/** The median and half of the distance between the quartiles. */
function cell(value) {
  if (value === undefined || value.length === 0) return LEFT_OUT
  if (typeof value === 'string') return value
  const { median, spread, rounds } = summary(value)
  return rounds === 1 ? figure(median) : `${figure(median)} ±${(50 * spread).toFixed(0)}%`
}

/** Whether a goal is met. Where half of the rounds lie on either side of it, that is open. */
function judge({ least, most }, rounds) {
  if (rounds === undefined || rounds.length === 0) return { verdict: 'not measured' }
  const figures = summary(rounds)
  const { median, low, high } = figures
  const goal = least ?? most
  if (low < goal && goal < high) return { ...figures, verdict: 'too noisy' }
  const met = least === undefined ? median <= goal : median >= goal
  return { ...figures, verdict: met ? 'met' : 'not met' }
}

const ALL = new Map(GOALS.flatMap(({ goals }) => goals.map((goal) => [goal.id, goal])))

export class Report {
  tables = []
  notes = []
  floors = {}
  /** What became of the goals that were looked at, by their ids. */
  #verdicts = new Map()

  progress(what) {
    console.log(`  ${what} …`)
  }

  /** A size for a person. */
  size(bytes) {
    const power = Math.floor(Math.log2(bytes) / 10)
    return `${bytes / 1024 ** power} ${UNITS[power]}`
  }

  /** Rows of cells; a cell is the figures of all rounds, or nothing. */
  table(table) {
    this.tables.push(table)
  }

  /** The ratios of all rounds for one of the goals. */
  goal(id, rounds) {
    const goal = ALL.get(id)
    if (goal === undefined) throw new Error(`goals.mjs has no "${id}"`)
    this.#verdicts.set(id, { ...goal, ...judge(goal, rounds) })
  }

  /** The whole run is to have looked at every goal. */
  completeGoals() {
    for (const id of ALL.keys()) if (!this.#verdicts.has(id)) this.goal(id)
  }

  /** In the order of the list. */
  get goals() {
    return [...ALL.keys()].flatMap((id) => this.#verdicts.get(id) ?? [])
  }

  note(text) {
    this.notes.push(text)
  }

  /** Something that should always take the same time. */
  floor(name, rounds) {
    this.floors[name] = rounds
  }

  #goalRows(goals) {
    const verdicts = goals.flatMap(({ id }) => this.#verdicts.get(id) ?? [])
    return verdicts.map(({ work, against, least, unit, most, median, low, high, ...rest }) => {
      const aim = least === undefined ? `within ${most} ${unit}` : `${least} ${unit}`
      const what = rest.anywhere ? `${work} (compares the scheduler, too)` : work
      if (median === undefined) return [what, against, aim, LEFT_OUT, rest.verdict]
      const range = rest.rounds === 1 ? '' : ` (${figure(low)}–${figure(high)})`
      return [what, against, aim, `${figure(median)}${range}`, rest.verdict]
    })
  }

  /** Every table as a title and a matrix of texts, its heads first. */
  #matrices() {
    const figures = this.tables.map(({ title, unit, columns, rows }) => ({
      title: unit === '' ? title : `${title}, ${unit}`,
      rows: [['', ...columns], ...rows.map(({ label, cells }) => [label, ...cells.map(cell)])],
    }))
    const heads = ['work', 'measured against, in the same run', 'goal', 'achieved', '']
    const groups = GOALS.map(({ title, goals }) => ({ title, rows: this.#goalRows(goals) }))
    const verdicts = groups.filter(({ rows }) => rows.length > 0)
    return [...figures, ...verdicts.map(({ title, rows }) => ({ title, rows: [heads, ...rows] }))]
  }

  #preface({ machine, verdict, versions, missing, command }) {
    const { cpu, cores, memory, system, node, date, loadBefore, loadAfter } = machine
    return [
      `${date.slice(0, 10)}, \`${command}\``,
      `${cpu}, ${cores} cores, ${memory}, ${system}, Node.js ${node}`,
      `Load average ${loadBefore.join(' ')} before and ${loadAfter.join(' ')} after.`,
      `Versions: ${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}.`,
      ...missing.map(({ name, reason }) => `Left out: ${name} (${reason}).`),
      verdict.quiet
        ? 'The machine was quiet enough to tell.'
        : `The machine was too noisy to tell: ${verdict.reasons.join('; ')}.`,
      'Medians of alternating rounds; ± is half of the distance between the quartiles. The goals are ' +
        'ratios, taken round by round; the quartiles are in brackets.',
      ...this.notes.map((note) => `Note: ${note}.`),
    ]
  }

  text(facts) {
    const parts = this.#matrices().map(({ title, rows }) => {
      const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
      const lines = rows.map((row) =>
        row
          .map((text, at) => (at === 0 ? text.padEnd(widths[at]) : text.padStart(widths[at])))
          .join('  '),
      )
      return [title, '-'.repeat(title.length), ...lines].join('\n')
    })
    return `${[...parts, this.#preface(facts).join('\n')].join('\n\n')}\n`
  }

  markdown(facts) {
    const parts = this.#matrices().map(({ title, rows: [heads, ...rows] }) => {
      const line = (row) => `| ${row.join(' | ')} |`
      const rule = heads.map((_, at) => (at === 0 ? '---' : '---:'))
      return [`## ${title}`, '', line(heads), line(rule), ...rows.map(line)].join('\n')
    })
    const preface = this.#preface(facts).join('\n\n')
    return `${['# mmfile beside its peers', preface, ...parts].join('\n\n')}\n`
  }

  json(facts) {
    const tables = this.tables.map(({ rows, ...table }) => ({
      ...table,
      rows: rows.map(({ label, cells }) => ({
        label,
        cells: cells.map((value) =>
          Array.isArray(value) && value.length > 0 ? summary(value) : (value ?? null),
        ),
      })),
    }))
    const floors = Object.fromEntries(
      Object.entries(this.floors).map(([name, rounds]) => [name, summary(rounds)]),
    )
    const { goals, notes } = this
    return `${JSON.stringify({ ...facts, goals, tables, floors, notes }, undefined, 2)}\n`
  }

  write(folder, name, facts) {
    mkdirSync(folder, { recursive: true })
    const at = (extension) => join(folder, `${name}.${extension}`)
    writeFileSync(at('json'), this.json(facts))
    writeFileSync(at('md'), this.markdown(facts))
    const drawn = chart(this.tables, facts)
    // What is there from another run does not belong to this one.
    if (drawn) writeFileSync(at('svg'), drawn)
    else rmSync(at('svg'), { force: true })
  }
}
