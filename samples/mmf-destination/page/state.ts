import { byId, el, setText } from '../../web-kit/page/dom.js'
import type { TaskMessage } from '../../web-kit/page/task-message.js'
import { badge, foreignText, formatSeconds } from '../../web-kit/page/text.js'
import type { StateMessage } from './messages.js'

const result = byId('result', HTMLElement)
const progress = byId('progress', HTMLElement)
const bar = byId('bar', HTMLElement)
const cancel = byId('cancel', HTMLButtonElement)

let shown = ''

/** Only what is new is shown: every change is read out to those who listen. */
export function showState(state: StateMessage): void {
  const json = JSON.stringify(state)
  if (json === shown) return
  shown = json
  const choosing = state.phase === 'choosing'
  const over = state.phase === 'done' || state.phase === 'ended'
  progress.hidden = state.phase !== 'running'
  byId('configuration', HTMLElement).hidden = !choosing
  byId('choice', HTMLElement).hidden = over
  for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="task"]')) {
    radio.disabled = !choosing
  }
  if (!choosing) result.replaceChildren(...describe(state))
  if (choosing) return
  // The control that had the focus is gone. What is of interest now gets it, and begins at the top.
  const target = over ? result : cancel
  target.focus({ preventScroll: true })
  scrollTo(0, 0)
}

export function showProgress(fraction: number): void {
  const percent = Math.floor(fraction * 100)
  bar.setAttribute('aria-valuenow', String(percent))
  byId('fill', HTMLElement).style.width = `${fraction * 100}%`
  setText(byId('percent', HTMLElement), `${percent} %`)
}

function describe(state: StateMessage): HTMLElement[] {
  switch (state.phase) {
    case 'running':
      return [heading('Running'), facts(state.task)]
    case 'done': {
      const end = `Done. The result is in the mapped file, as segment ${state.segment}, and MmfDestination has ended: this page can be closed.`
      return [heading(state.task.status), facts(state.task), el('p', { class: 'quiet' }, end)]
    }
    case 'ended':
      return [
        el('p', {}, state.problem),
        el('p', { class: 'quiet' }, 'MmfDestination has ended: this page can be closed.'),
      ]
    default:
      return []
  }
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
