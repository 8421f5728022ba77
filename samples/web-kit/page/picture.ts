import { whileBusy } from './busy.js'
import { el, focusResult, setText } from './dom.js'
import type { PictureMessage, ProcessMessage } from './picture-message.js'
import type { Answer } from './server.js'
import { badge, formatBytes } from './text.js'

export interface PictureSettings {
  title: string
  /** The names of the two programs. */
  source: string
  destination: string
  segment(index: number): Promise<Answer<{ text: string }>>
  /** Kills the destination. */
  kill(): Promise<void>
}

export type Life = 'Alive' | 'Killed' | 'Ended' | 'Gone' | 'Starting' | 'Not started' | 'Not known'

export interface Side {
  pid: number | null
  life: Life
}

export interface View {
  /** Null before there is a file. */
  picture: PictureMessage | null
  source: Side
  destination: Side
  /** From 0 to 1, if the channel has told. */
  progress: number | null
}

/** The contents of the sample's segments. */
const contents = ['tasks', 'result']

/** Two processes and the memory that both have mapped: the current state, in words as well as in boxes. */
export class Picture {
  readonly element: HTMLElement
  readonly #source: ProcessBox
  readonly #destination: ProcessBox
  readonly #killButton = el('button', { type: 'button', class: 'small danger' })
  readonly #id = el('code', {})
  readonly #used = el('p', { class: 'fine' })
  readonly #fill = el('div', { class: 'fill' })
  readonly #meter = el('div', {
    class: 'track',
    role: 'meter',
    'aria-label': 'Used bytes',
    'aria-valuemin': 0,
  })
  readonly #segments = el('ol', { class: 'segments', 'aria-label': 'Segments' })
  readonly #lock = el('p', { class: 'fine' })
  readonly #others = el('p', { class: 'fine' })
  readonly #file: HTMLElement
  readonly #noFile: HTMLElement
  readonly #command = el('code', {})
  readonly #commandLine: HTMLElement
  readonly #bar: ProgressBar
  #shown = 0

  constructor(private readonly settings: PictureSettings) {
    const { title, source, destination } = settings
    setText(this.#killButton, 'Kill the destination')
    this.#killButton.addEventListener('click', () => whileBusy(this.#killButton, settings.kill))
    this.#meter.append(this.#fill)
    this.#source = new ProcessBox(source)
    this.#destination = new ProcessBox(destination, this.#killButton)
    this.#bar = new ProgressBar(`Progress${title === '' ? '' : ` of ${title}`}`)
    this.#noFile = el(
      'p',
      { class: 'quiet' },
      'No file yet: a run makes one, which both processes map into their memory.',
    )
    this.#file = el(
      'div',
      { class: 'stack' },
      el('p', { class: 'fine id' }, this.#id),
      this.#meter,
      this.#used,
      this.#segments,
      this.#lock,
      this.#others,
      this.#bar.element,
    )
    this.#commandLine = this.#makeCommandLine()
    const head = el('h3', {}, 'Mapped file')
    this.element = el(
      'div',
      { class: 'picture' },
      this.#source.element,
      flow('tasks', 'out'),
      el('div', { class: 'memory' }, head, this.#noFile, this.#file),
      flow('result', 'in'),
      this.#destination.element,
      this.#commandLine,
    )
  }

  show({ picture, source, destination, progress }: View): void {
    this.#source.show(source)
    this.#destination.show(destination)
    const canKill = destination.life === 'Alive'
    if (!canKill && document.activeElement === this.#killButton) focusResult()
    this.#killButton.hidden = !canKill
    this.#noFile.hidden = picture !== null
    this.#file.hidden = picture === null
    // Without a process that has it open there is no file to follow.
    this.#commandLine.hidden =
      picture === null || (source.life === 'Gone' && destination.life === 'Ended')
    this.element.classList.toggle('empty', picture === null)
    if (picture !== null) this.#showFile(picture, source, destination)
    this.#bar.show(progress)
  }

  #showFile(picture: PictureMessage, source: Side, destination: Side): void {
    const { id, size, capacity, length, segments, sealed, processes, problem } = picture
    setText(this.#id, id)
    setText(this.#command, `npx mmfile follow ${id}`)
    const used = `${formatBytes(size)} of ${formatBytes(capacity)} used${sealed ? ', sealed' : ''}`
    setText(this.#used, problem ?? used)
    this.#meter.ariaValueNow = String(size)
    this.#meter.ariaValueMax = String(capacity)
    this.#meter.ariaValueText = used
    this.#fill.style.width = `${(100 * size) / Math.max(1, capacity)}%`
    this.#showSegments(segments, length)
    const holder = processes.find(({ holdsLock }) => holdsLock)
    setText(this.#lock, `Lock: ${holder ? `held by process ${holder.pid}` : 'free'}`)
    const known = [source.pid, destination.pid]
    const others = processes.filter(({ pid, open }) => open && !known.includes(pid))
    setText(this.#others, others.map(describeOther).join('. '))
    this.#others.hidden = others.length === 0
  }

  #showSegments(segments: PictureMessage['segments'], length: number): void {
    const list = this.#segments
    for (const segment of segments.slice(this.#shown)) {
      // Its old element is removed.
      list.children[this.#shown]?.remove()
      list.insertBefore(this.#segment(segment), list.children[this.#shown] ?? null)
      this.#shown += 1
    }
    for (let index = list.children.length; index < contents.length; index += 1) {
      const text = `Segment ${index}: ${contents[index]}, not written yet`
      list.append(el('li', { class: 'segment absent' }, text))
    }
    const left = length - this.#shown
    const note = list.querySelector('.left') ?? el('li', { class: 'left fine' })
    setText(note, `and ${left} more`)
    if (left > 0) list.append(note)
  }

  #segment({ index, bytes }: PictureMessage['segments'][number]): HTMLElement {
    const name = contents[index] === undefined ? '' : `${contents[index]}, `
    const button = el(
      'button',
      {
        type: 'button',
        class: 'segment written',
        'data-local': true,
        'aria-haspopup': 'dialog',
        onclick: () => whileBusy(button, () => this.#open(index)),
      },
      `Segment ${index}: ${name}${formatBytes(bytes)}`,
    )
    return el('li', { class: `from-${index === 0 ? 'source' : 'destination'}` }, button)
  }

  async #open(index: number): Promise<void> {
    const answer = await this.settings.segment(index)
    if (document.querySelector('dialog[open]') !== null) return // its user does something else by now
    const text = answer.ok ? answer.value.text : answer.message
    const title = el('h2', { id: 'segment-title' }, `Segment ${index}, as it is in the memory`)
    const close = el('button', { type: 'button', onclick: () => dialog.close() }, 'Close')
    const dialog = el(
      'dialog',
      {
        class: 'segment-dialog',
        'aria-labelledby': 'segment-title',
        onclose: () => dialog.remove(),
      },
      title,
      el('pre', { tabindex: 0, role: 'region', 'aria-label': 'Contents', dir: 'auto' }, text),
      el('div', { class: 'buttons' }, close),
    )
    document.body.append(dialog)
    dialog.showModal()
  }

  #makeCommandLine(): HTMLElement {
    const button = el('button', { type: 'button', class: 'small', 'data-local': true }, 'Copy')
    const said = el('span', { class: 'hidden', 'aria-live': 'polite' })
    button.addEventListener('click', async () => {
      const copied = await navigator.clipboard.writeText(this.#command.textContent ?? '').then(
        () => true,
        () => false,
      )
      if (!copied) getSelection()?.selectAllChildren(this.#command)
      setText(button, copied ? 'Copied' : 'Selected')
      setText(said, copied ? 'The command is copied' : 'The command is selected')
      setTimeout(() => setText(button, 'Copy'), 2000)
    })
    const hint = el('span', { class: 'quiet' }, 'The same from a shell:')
    return el('p', { class: 'command' }, hint, this.#command, button, said)
  }
}

/** One of the two processes. */
class ProcessBox {
  readonly element: HTMLElement
  readonly #pid = el('p', { class: 'fine' })
  readonly #life = el('p', {})

  constructor(name: string, ...more: HTMLElement[]) {
    this.element = el(
      'div',
      { class: 'process' },
      el('h3', {}, name),
      this.#pid,
      this.#life,
      ...more,
    )
  }

  show({ pid, life }: Side): void {
    setText(this.#pid, pid === null ? 'no process' : `process ${pid}`)
    if (this.#life.textContent !== life) this.#life.replaceChildren(badge(life))
    this.element.dataset.life = life
  }
}

/** How far the task is, as it comes through the channel. */
class ProgressBar {
  readonly element: HTMLElement
  readonly #bar: HTMLElement
  readonly #fill = el('div', { class: 'fill' })
  readonly #percent = el('span', { class: 'number', 'aria-hidden': 'true' })

  constructor(label: string) {
    this.#bar = el(
      'div',
      {
        class: 'track',
        role: 'progressbar',
        'aria-label': label,
        'aria-valuemin': 0,
        'aria-valuemax': 100,
      },
      this.#fill,
    )
    const name = el('span', { class: 'fine' }, 'Channel: progress')
    this.element = el('div', { class: 'going channel' }, name, this.#bar, this.#percent)
  }

  show(fraction: number | null): void {
    this.element.hidden = fraction === null
    if (fraction === null) return
    const percent = Math.floor(fraction * 100)
    this.#bar.ariaValueNow = String(percent)
    this.#fill.style.width = `${fraction * 100}%`
    setText(this.#percent, `${percent} %`)
  }
}

function flow(what: string, direction: 'in' | 'out'): HTMLElement {
  return el('div', { class: `flow ${direction}`, 'aria-hidden': 'true' }, el('span', {}, what))
}

function describeOther({ pid, readOnly }: ProcessMessage): string {
  return `Process ${pid} ${readOnly ? 'reads' : 'has it open'}, too`
}
