import { byId, el } from '../../web-kit/page/dom.js'
import { cell, Rows } from '../../web-kit/page/rows.js'
import { send } from '../../web-kit/page/server.js'
import { badge, foreignText, formatSeconds, timeElement } from '../../web-kit/page/text.js'
import type { RunMessage } from './messages.js'

const result = byId('result', HTMLElement)

let complain: (message: string) => void = () => {}
let shown = ''

const rows = new Rows<RunMessage>(
  byId('run-rows', HTMLTableSectionElement),
  (run) => String(run.number),
  fillRow,
)

export function showRuns(runs: readonly RunMessage[], onProblem: (message: string) => void): void {
  complain = onProblem
  byId('history', HTMLElement).hidden = runs.length === 0
  rows.show(runs)
  showResult(runs)
}

/**
 * The run that ended last, or, before any has, the one that goes on. Changed only when there is something
 * new, since every change is read out to those who listen.
 */
function showResult(runs: readonly RunMessage[]): void {
  const ended = runs.filter((run) => run.ended !== null)
  const last = ended.sort((a, b) => (a.ended ?? '').localeCompare(b.ended ?? '')).at(-1)
  const going = runs.filter((run) => run.ended === null)
  const key = JSON.stringify([last, going.map((run) => [run.number, run.address])])
  if (runs.length === 0 || key === shown) return
  shown = key
  result.replaceChildren(...going.map(describeGoing), ...(last ? describeEnded(last) : []))
}

function describeGoing(run: RunMessage): HTMLElement {
  const line = el(
    'p',
    { class: 'going' },
    el('span', { class: 'pulse', 'aria-hidden': 'true' }),
    `Run ${run.number}: ${run.destination} is running. `,
  )
  if (run.address !== null) line.append(pageLink(run, `Open ${run.destination}`))
  return line
}

function describeEnded(run: RunMessage): HTMLElement[] {
  const heading = el('h2', { class: 'outcome' }, `Run ${run.number}`, ' ', badge(run.state))
  if (run.task === null)
    return [heading, el('p', { class: 'problem' }, foreignText(run.problem ?? ''))]
  const { name, duration, priority, status, result: text } = run.task
  const item = (term: string, ...values: (Node | string)[]) =>
    el('div', {}, el('dt', {}, term), el('dd', {}, ...values))
  return [
    heading,
    el(
      'dl',
      { class: 'facts' },
      item('Task', foreignText(name, 'name')),
      item('Status', status),
      item('Duration', formatSeconds(duration)),
      item('Priority', priority),
      item('Result', foreignText(text ?? '')),
    ),
  ]
}

function pageLink(run: RunMessage, text: string): HTMLElement {
  return el(
    'a',
    {
      href: run.address,
      target: '_blank',
      rel: 'noopener noreferrer',
      'data-action': 'open',
      'aria-label': `${text} of run ${run.number}`,
    },
    text,
  )
}

function fillRow(row: HTMLTableRowElement, run: RunMessage): void {
  row.replaceChildren(
    cell('Run', String(run.number)),
    cell('Started', timeElement(run.started)),
    cell('State', badge(run.state)),
    cell('Result', describe(run)),
    cell('Actions', el('div', { class: 'actions' }, ...actions(run))),
  )
  row.cells[0]?.classList.add('number')
}

function describe(run: RunMessage): HTMLElement {
  const where = run.pid === null ? `file ${run.fileId}` : `process ${run.pid}, file ${run.fileId}`
  const stack = el('div', { class: 'stack' })
  if (run.task) {
    stack.append(foreignText(run.task.name, 'name'), foreignText(run.task.result ?? ''))
  } else if (run.problem) {
    stack.append(foreignText(run.problem))
  } else {
    stack.append(`${run.destination} is running`)
  }
  stack.append(el('span', { class: 'quiet fine' }, `${took(run)}${where}`))
  return stack
}

function took({ started, ended }: RunMessage): string {
  if (ended === null) return ''
  return `${formatSeconds((Date.parse(ended) - Date.parse(started)) / 1000)}, `
}

function actions(run: RunMessage): HTMLElement[] {
  if (run.ended !== null) return []
  const stop = async () => {
    const answer = await send('POST', `runs/${run.number}/stop`)
    if (!answer.ok) complain(answer.message)
  }
  const button = el(
    'button',
    {
      type: 'button',
      class: 'small',
      'data-action': 'stop',
      'aria-label': `Stop run ${run.number}`,
      onclick: stop,
    },
    'Stop',
  )
  return run.address === null ? [button] : [pageLink(run, 'Open page'), button]
}
