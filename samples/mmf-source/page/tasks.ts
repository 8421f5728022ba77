import { byId, el } from '../../web-kit/page/dom.js'
import { cell, Rows } from '../../web-kit/page/rows.js'
import type { TaskMessage } from '../../web-kit/page/task-message.js'
import { badge, foreignText, formatSeconds, shortName } from '../../web-kit/page/text.js'
import { confirmDelete, editTask } from './task-dialog.js'

const body = byId('task-rows', HTMLTableSectionElement)
const newButton = byId('new-task', HTMLButtonElement)

let known: readonly TaskMessage[] = []
let isOffline = false

const rows = new Rows<TaskMessage>(body, (task) => task.id, fillRow)

export function setUpTasks(): void {
  newButton.addEventListener('click', () => editTask(null))
}

/** Whether a task still runs is not known without the program. */
export function setTasksOffline(offline: boolean): void {
  if (isOffline === offline) return
  isOffline = offline
  showTasks(known)
}

export function showTasks(tasks: readonly TaskMessage[]): void {
  known = tasks
  // A row that goes takes the focus with it; the next one gets it then.
  const focused = document.activeElement?.closest('tr')
  const place = focused?.parentElement === body ? focused.sectionRowIndex : -1
  rows.show(tasks, isOffline ? 'offline' : '')
  byId('tasks', HTMLTableElement).hidden = tasks.length === 0
  byId('no-tasks', HTMLParagraphElement).hidden = tasks.length > 0
  if (place >= 0 && !focused?.isConnected) focusNear(place)
}

/** The row that came after a deleted one, or the last, or the way to a new one. */
export function focusNear(place: number): void {
  const row = body.rows[Math.min(place, body.rows.length - 1)]
  const target = row?.querySelector<HTMLElement>('button[data-action="delete"]') ?? newButton
  target.focus()
}

function fillRow(row: HTMLTableRowElement, task: TaskMessage): void {
  const name = shortName(task.name)
  const action = (what: 'Edit' | 'Delete', onclick: () => void) =>
    el(
      'button',
      {
        type: 'button',
        class: 'small',
        'data-action': what.toLowerCase(),
        'aria-label': `${what} ${name}`,
        onclick,
      },
      what,
    )
  const text = el('div', { class: 'stack' }, foreignText(task.name, 'name'))
  if (task.description !== '') text.append(foreignText(task.description, 'quiet'))
  row.replaceChildren(
    cell('Name', text),
    cell('Duration', formatSeconds(task.duration)),
    cell('Priority', task.priority),
    cell('Status', badge(isOffline && task.status === 'Running' ? 'Not known' : task.status)),
    cell(
      'Actions',
      el(
        'div',
        { class: 'actions' },
        action('Edit', () => editTask(task)),
        action('Delete', () => confirmDelete(task, () => focusNear(row.sectionRowIndex))),
      ),
    ),
  )
  row.cells[1]?.classList.add('number')
}
