import { whileBusy } from '../../web-kit/page/busy.js'
import { byId, el, focusResult } from '../../web-kit/page/dom.js'
import { type Life, Picture, type Side } from '../../web-kit/page/picture.js'
import { cell, Rows } from '../../web-kit/page/rows.js'
import { send } from '../../web-kit/page/server.js'
import {
  badge,
  foreignText,
  formatSeconds,
  shortName,
  timeElement,
} from '../../web-kit/page/text.js'
import type { MemoryMessage, ProgramMessage, RunMessage } from './messages.js'

const result = byId('result', HTMLElement)
const pictures = byId('pictures', HTMLElement)

/** The runs: the state or the outcome of each, its memory, and earlier runs. */
export class Runs {
  #program: ProgramMessage | undefined
  #runs: readonly RunMessage[] = []
  #memory: readonly MemoryMessage[] = []
  #offline = false
  #shown = ''
  readonly #pictures = new Map<number, { picture: Picture; card: HTMLElement }>()
  readonly #rows = new Rows<RunMessage>(
    byId('run-rows', HTMLTableSectionElement),
    (run) => String(run.number),
    fillRow,
  )

  constructor(private readonly complain: (message: string) => void) {}

  /** Whether a destination waits for its user, who has to act next. */
  get isWaited(): boolean {
    return this.#runs.some(waits)
  }

  showProgram(program: ProgramMessage): void {
    this.#program = program
    this.#showPictures()
  }

  show(runs: readonly RunMessage[]): void {
    this.#runs = runs
    this.#render()
  }

  showMemory(memory: readonly MemoryMessage[]): void {
    this.#memory = memory
    this.#showPictures()
  }

  /** Once the program does not respond, the state of its runs is unknown. */
  setOffline(offline: boolean): void {
    if (this.#offline === offline) return
    this.#offline = offline
    this.#render()
  }

  #render(): void {
    const going = this.#runs.filter((run) => run.ended === null)
    const last = lastOf(this.#runs)
    const before = this.#runs.filter((run) => run.ended !== null && run !== last)
    byId('history', HTMLElement).hidden = before.length === 0
    this.#rows.show(before)
    this.#showResult(going, last)
    this.#showPictures()
  }

  /** Changed only when there is something new, since screen readers read out every change. */
  #showResult(going: readonly RunMessage[], last: RunMessage | undefined): void {
    const key = JSON.stringify([going, last, this.#offline])
    if (this.#runs.length === 0 || key === this.#shown) return
    this.#shown = key
    const newest = going.find(waits)
    const focused = document.activeElement?.getAttribute('data-key')
    result.replaceChildren(
      ...going.map((run) => this.#describeGoing(run, run === newest)),
      ...(last ? [describeEnded(last)] : []),
    )
    if (!focused) return
    const again = result.querySelector<HTMLElement>(`[data-key="${focused}"]`)
    if (again === null) focusResult()
    else again.focus()
  }

  #describeGoing(run: RunMessage, isNewest: boolean): HTMLElement {
    const { number, address, destination } = run
    const state = this.#offline ? 'Not known' : waits(run) ? 'Waiting' : run.state
    const block = el('div', { class: 'run' }, heading(`Run ${number}`, state))
    const now = this.#offline ? ['What has become of it is not known here.'] : describeNow(run)
    const line = el('p', { class: 'next' }, ...now)
    block.append(line)
    if (this.#offline) return block
    const actions = el('div', { class: 'actions' })
    if (address !== null) {
      const primary = isNewest && waits(run) ? 'primary' : ''
      actions.append(pageLink(run, `Open ${destination} (run ${number})`, primary))
    } else if (run.working === null && destination === 'MmfDestination') {
      // It has the place that the link will have, so that no other link is clicked for it.
      actions.append(el('span', { class: 'button quiet' }, `Starting ${destination} …`))
    }
    actions.append(this.#stopButton(run))
    block.append(actions)
    return block
  }

  #stopButton({ number }: RunMessage): HTMLElement {
    const button = el(
      'button',
      {
        type: 'button',
        'data-key': `stop-${number}`,
        'aria-label': `Stop run ${number}`,
        onclick: () => this.#ask(button, `runs/${number}/stop`),
      },
      'Stop',
    )
    return button
  }

  #ask(button: HTMLElement, path: string): Promise<void> {
    return whileBusy(button, () => this.#post(path))
  }

  async #post(path: string): Promise<void> {
    const answer = await send('POST', path)
    if (!answer.ok) this.complain(answer.message)
  }

  /** A picture for each open file, or the one that explains a run. */
  #showPictures(): void {
    const numbers = this.#memory.length === 0 ? [0] : this.#memory.map(({ number }) => number)
    for (const [number, { card }] of this.#pictures) {
      if (numbers.includes(number)) continue
      card.remove()
      this.#pictures.delete(number)
    }
    numbers.forEach((number, at) => {
      const { picture, card } = this.#picture(number)
      if (pictures.children[at] !== card) pictures.insertBefore(card, pictures.children[at] ?? null)
      const memory = this.#memory.find((one) => one.number === number)
      const run = this.#runs.find((one) => one.number === number)
      picture.show({
        picture: memory?.picture ?? null,
        source: { pid: this.#program?.pid ?? null, life: this.#offline ? 'Gone' : 'Alive' },
        destination: this.#offline ? unknown(run) : destinationOf(run, memory),
        progress: run?.ended === null && !this.#offline ? (memory?.progress ?? null) : null,
      })
      const several = numbers.length > 1
      card.firstElementChild?.toggleAttribute('hidden', !several)
    })
  }

  #picture(number: number): { picture: Picture; card: HTMLElement } {
    const known = this.#pictures.get(number)
    if (known !== undefined) return known
    const title = number === 0 ? '' : `run ${number}`
    const picture = new Picture({
      title,
      source: 'MmfSource',
      destination: this.#program?.destination ?? 'MmfDestination',
      segment: (index) => send('GET', `runs/${number}/segments/${index}`),
      kill: () => this.#post(`runs/${number}/kill`),
    })
    const head = el('h3', { class: 'quiet' }, `Memory of ${title}`)
    const card = el('div', { role: 'group', 'aria-label': `Shared memory ${title}`.trim() }, head)
    card.append(picture.element)
    const made = { picture, card }
    this.#pictures.set(number, made)
    return made
  }
}

/** The run that ended last, unless another one has started since. */
function lastOf(runs: readonly RunMessage[]): RunMessage | undefined {
  const ended = runs.filter((run) => run.ended !== null)
  const last = ended.sort((a, b) => (a.ended ?? '').localeCompare(b.ended ?? '')).at(-1)
  const newest = runs[0]
  if (last === undefined || newest === undefined) return undefined
  return newest === last || newest.started <= (last.ended ?? '') ? last : undefined
}

function waits(run: RunMessage): boolean {
  return run.ended === null && run.address !== null && run.working === null
}

function describeNow(run: RunMessage): (Node | string)[] {
  const { destination, working, address } = run
  if (working !== null) {
    return [`${destination} runs the task `, foreignText(shortName(working), 'name'), '.']
  }
  if (address !== null) return [`${destination} waits for you: choose a task on its page.`]
  return [`${destination} is running.`]
}

function destinationOf(run: RunMessage | undefined, memory: MemoryMessage | undefined): Side {
  if (run === undefined) return { pid: null, life: 'Not started' }
  const pid = run.pid
  const rows = memory?.picture.processes.filter((row) => row.pid === pid) ?? []
  return { pid, life: lifeOf(run, rows[0]?.open) }
}

/** Without MmfSource nothing is known of a destination that had not ended. */
function unknown(run: RunMessage | undefined): Side {
  if (run === undefined || run.ended !== null) return destinationOf(run, undefined)
  return { pid: run.pid, life: 'Not known' }
}

/** The library's state of the file, and, once the file is gone, how the run ended. */
function lifeOf(run: RunMessage, open: boolean | undefined): Life {
  if (run.state === 'Killed') return 'Killed'
  if (open) return 'Alive'
  if (run.ended !== null) return 'Ended'
  return open === undefined ? 'Starting' : 'Gone'
}

function heading(text: string, state: string): HTMLElement {
  return el('h2', { class: 'outcome' }, text, ' ', badge(state))
}

function describeEnded(run: RunMessage): HTMLElement {
  const block = el('div', { class: 'run' }, heading(`Run ${run.number}`, run.state))
  if (run.task === null) {
    block.append(el('p', { class: 'problem' }, foreignText(run.problem ?? '')))
    return block
  }
  const { name, duration, priority, result: text } = run.task
  const item = (term: string, ...values: (Node | string)[]) =>
    el('div', {}, el('dt', {}, term), el('dd', {}, ...values))
  const facts = el(
    'dl',
    { class: 'facts' },
    item('Task', foreignText(name, 'name')),
    item('Duration', formatSeconds(duration)),
    item('Priority', priority),
    item('Result', foreignText(text ?? '')),
  )
  block.append(facts)
  if (run.problem !== null) block.append(el('p', { class: 'problem' }, foreignText(run.problem)))
  return block
}

function pageLink(run: RunMessage, text: string, className = ''): HTMLElement {
  return el(
    'a',
    {
      class: `button ${className}`,
      href: run.address,
      target: '_blank',
      rel: 'noopener noreferrer',
      'data-key': `open-${run.number}`,
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
  }
  stack.append(el('span', { class: 'quiet fine' }, `${took(run)}${where}`))
  return stack
}

function took({ started, ended }: RunMessage): string {
  if (ended === null) return ''
  return `${formatSeconds((Date.parse(ended) - Date.parse(started)) / 1000)}, `
}
