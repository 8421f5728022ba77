import { whileBusy } from '../../web-kit/page/busy.js'
import { byId, setText } from '../../web-kit/page/dom.js'
import { showErrors } from '../../web-kit/page/form.js'
import { send } from '../../web-kit/page/server.js'
import type { TaskMessage } from '../../web-kit/page/task-message.js'

const taskDialog = byId('task-dialog', HTMLDialogElement)
const taskForm = byId('task-form', HTMLFormElement)
const formProblem = byId('form-problem', HTMLParagraphElement)
const deleteDialog = byId('delete-dialog', HTMLDialogElement)
const deleteForm = byId('delete-form', HTMLFormElement)
const deleteProblem = byId('delete-problem', HTMLParagraphElement)

/** The task that the dialogs concern. */
let edited: TaskMessage | null = null
/** The key of a new task: sent several times, it creates one. */
let id = ''
let doomed: TaskMessage | null = null
let whenDeleted = () => {}
/** Counts the dialogs, so that a late response closes only its own. */
let opened = 0

/** Shows the dialog for a task, or for a new one. Closing it gives the focus back where it was. */
export function editTask(task: TaskMessage | null): void {
  edited = task
  id = crypto.randomUUID()
  opened += 1
  setText(byId('task-dialog-title', HTMLHeadingElement), task ? 'Edit task' : 'New task')
  byId('name', HTMLInputElement).value = task?.name ?? ''
  byId('description', HTMLTextAreaElement).value = task?.description ?? ''
  byId('duration', HTMLInputElement).value = String(task?.duration ?? 5)
  byId('priority', HTMLSelectElement).value = task?.priority ?? 'Normal'
  showErrors(taskForm, {})
  complain(formProblem, '')
  taskDialog.showModal()
  byId('name', HTMLInputElement).focus()
}

export function confirmDelete(task: TaskMessage, done: () => void): void {
  doomed = task
  opened += 1
  whenDeleted = done
  setText(byId('delete-name', HTMLParagraphElement), task.name)
  complain(deleteProblem, '')
  deleteDialog.showModal()
}

for (const dialog of [taskDialog, deleteDialog]) {
  dialog.querySelector('[data-close]')?.addEventListener('click', () => dialog.close())
}

taskForm.addEventListener('submit', (event) => {
  event.preventDefault()
  whileBusy(submitOf(taskForm), save)
})

async function save(): Promise<void> {
  const mine = opened
  const fields = Object.fromEntries(new FormData(taskForm))
  const answer = edited
    ? await send('PUT', `tasks/${edited.id}`, fields)
    : await send('POST', 'tasks', { ...fields, id })
  if (mine !== opened) return
  if (answer.ok) return taskDialog.close()
  complain(formProblem, answer.message)
  showErrors(taskForm, answer.errors)
}

deleteForm.addEventListener('submit', (event) => {
  event.preventDefault()
  whileBusy(submitOf(deleteForm), remove)
})

async function remove(): Promise<void> {
  if (doomed === null) return
  const mine = opened
  const answer = await send('DELETE', `tasks/${doomed.id}`)
  if (mine !== opened) return
  if (!answer.ok) return complain(deleteProblem, answer.message)
  deleteDialog.close()
  whenDeleted()
}

function submitOf(form: HTMLFormElement): HTMLElement {
  return form.querySelector<HTMLElement>('[type="submit"]') ?? form
}

function complain(place: HTMLElement, message: string): void {
  setText(place, message)
  place.hidden = message === ''
}
