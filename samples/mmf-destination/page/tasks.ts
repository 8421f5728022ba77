import { byId, el } from '../../web-kit/page/dom.js'
import { cell, Rows } from '../../web-kit/page/rows.js'
import type { TaskMessage } from '../../web-kit/page/task-message.js'
import { badge, foreignText, formatSeconds, shortName } from '../../web-kit/page/text.js'

const body = byId('task-rows', HTMLTableSectionElement)
const rows = new Rows<TaskMessage>(body, (task) => task.id, fillRow)

let known: readonly TaskMessage[] = []
let running: string | null = null

/** The running task is marked in its row. */
export function markRunning(id: string | null): void {
  running = id
  showTasks(known)
}

/** The first pending task is selected to begin with, or simply the first. */
export function showTasks(tasks: readonly TaskMessage[]): void {
  known = tasks
  rows.show(tasks.map((task) => (task.id === running ? { ...task, status: 'Running' } : task)))
  byId('tasks', HTMLTableElement).hidden = tasks.length === 0
  byId('no-tasks', HTMLParagraphElement).hidden = tasks.length > 0
  byId('run', HTMLButtonElement).disabled = tasks.length === 0
  const usual = Math.max(
    0,
    tasks.findIndex((task) => task.status === 'Pending'),
  )
  const task = tasks[usual]
  if (task && body.querySelector('input:checked') === null) select(task)
}

/** The task's own values are the initial configuration. */
function select(task: TaskMessage): void {
  byId('chosen', HTMLElement).replaceChildren(foreignText(shortName(task.name), 'name'))
  for (const radio of body.querySelectorAll<HTMLInputElement>('input')) {
    radio.checked = radio.value === task.id
    radio.closest('tr')?.classList.toggle('chosen', radio.checked)
  }
  byId('duration', HTMLInputElement).value = String(task.duration)
  byId('priority', HTMLSelectElement).value = task.priority
}

function fillRow(row: HTMLTableRowElement, task: TaskMessage): void {
  const was = row.querySelector('input')
  const radio = el('input', {
    type: 'radio',
    checked: was?.checked ?? false,
    disabled: was?.disabled ?? false,
    'data-action': 'select',
    name: 'task',
    form: 'run-form',
    value: task.id,
    'aria-label': `Select ${shortName(task.name)}`,
    onchange: () => select(task),
  })
  const text = el('div', { class: 'stack' }, foreignText(task.name, 'name'))
  if (task.description !== '') text.append(foreignText(task.description, 'quiet'))
  row.classList.add('selectable')
  row.onclick = ({ target }) => {
    // A click on a control inside is meant for that.
    if (radio.disabled || radio.checked || (target as Element).closest('button, input')) return
    select(task)
  }
  row.classList.toggle('chosen', radio.checked)
  row.replaceChildren(
    cell('Selected', radio),
    cell('Name', text),
    cell('Duration', formatSeconds(task.duration)),
    cell('Priority', task.priority),
    cell('Status', badge(task.status)),
  )
  row.cells[2]?.classList.add('number')
}
