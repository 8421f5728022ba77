import { byId, el, focusResult } from '../../web-kit/page/dom.js'
import type { TaskMessage } from '../../web-kit/page/task-message.js'
import { badge, foreignText, formatSeconds } from '../../web-kit/page/text.js'
import type { StateMessage } from './messages.js'

const result = byId('result', HTMLElement)
const cancel = byId('cancel', HTMLButtonElement)

/** The program's last state, or that it does not respond any more. */
type Shown = StateMessage | { phase: 'lost' }

let shown = ''

/** Only changes are shown: screen readers read out every change. */
export function showState(state: Shown, source: string | null): void {
  const json = JSON.stringify([state, source])
  if (json === shown) return
  const first = shown === ''
  shown = json
  const { phase } = state
  const choosing = phase === 'choosing'
  const over = phase === 'done' || phase === 'ended' || phase === 'lost'
  byId('progress', HTMLElement).hidden = phase !== 'running'
  byId('configuration', HTMLElement).hidden = !choosing
  byId('go', HTMLElement).hidden = !choosing
  byId('choice', HTMLElement).hidden = over
  // While nothing in it can be chosen, the keyboard scrolls the list itself.
  byId('list', HTMLElement).tabIndex = choosing ? -1 : 0
  for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="task"]')) {
    radio.disabled = !choosing
  }
  result.replaceChildren(...describe(state), ...(over && source !== null ? [wayBack(source)] : []))
  if (choosing && first) return
  // The control that had the focus is gone. The part that matters now gets it, and is scrolled to
  // the top.
  if (phase === 'running') cancel.focus({ preventScroll: true })
  else focusResult()
  scrollTo(0, 0)
}

function describe(state: Shown): HTMLElement[] {
  switch (state.phase) {
    case 'choosing':
      return [
        el('p', {}, 'MmfSource waits for a result: select a task, say how it goes, and run it.'),
      ]
    case 'running':
      return [heading('Running'), facts(state.task)]
    case 'done': {
      const { task, segment } = state
      const end = `${endOf(task)} The result is in the mapped file, as segment ${segment}, and MmfDestination has ended: this page can be closed.`
      return [heading(task.status), facts(task), el('p', { class: 'quiet' }, end)]
    }
    case 'ended':
      return [
        el('p', {}, state.problem),
        el('p', { class: 'quiet' }, 'MmfDestination has ended: this page can be closed.'),
      ]
    case 'lost':
      return [
        heading('Not known'),
        el('p', {}, 'What MmfDestination had written to the file by then is still there.'),
      ]
  }
}

function endOf({ status }: TaskMessage): string {
  switch (status) {
    case 'Failed':
      return 'The task failed.'
    case 'Cancelled':
      return 'The task was cancelled.'
    default:
      return 'Done.'
  }
}

function wayBack(source: string): HTMLElement {
  const link = el('a', { class: 'button primary', href: source }, 'Back to MmfSource')
  return el('p', { class: 'actions' }, link)
}

function heading(status: string): HTMLElement {
  return el('h2', { class: 'outcome' }, 'Task', ' ', badge(status))
}

function facts({ name, duration, priority, result: text }: TaskMessage): HTMLElement {
  const item = (term: string, value: Node | string) =>
    el('div', {}, el('dt', {}, term), el('dd', {}, value))
  return el(
    'dl',
    { class: 'facts' },
    item('Task', foreignText(name, 'name')),
    item('Duration', formatSeconds(duration)),
    item('Priority', priority),
    ...(text === null ? [] : [item('Result', foreignText(text))]),
  )
}
