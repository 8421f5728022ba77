import { el } from './dom.js'

const shortEnough = 280

/**
 * A text from outside: its direction is isolated and does not affect the text around it. A long one
 * is folded, but complete.
 */
export function foreignText(text: string, className = ''): HTMLElement {
  const content = el('span', { class: `foreign ${className}`, dir: 'auto' }, text)
  if (text.length <= shortEnough) return content
  content.classList.add('folded')
  const toggle = el(
    'button',
    {
      type: 'button',
      class: 'link',
      'aria-expanded': 'false',
      onclick: () => {
        const folded = content.classList.toggle('folded')
        toggle.textContent = folded ? 'Show all' : 'Show less'
        toggle.setAttribute('aria-expanded', String(!folded))
      },
    },
    'Show all',
  )
  return el('span', { class: 'foldable' }, content, toggle)
}

/** A name for a control: one line, not endless. */
export function shortName(text: string): string {
  const characters = [...text.replace(/\s+/g, ' ').trim()]
  return characters.length > 60 ? `${characters.slice(0, 60).join('')}…` : characters.join('')
}

export function badge(text: string): HTMLElement {
  return el('span', { class: `badge badge-${text.toLowerCase().replace(/\s/g, '-')}` }, text)
}

/** "3,022 bytes" */
export function formatBytes(bytes: number): string {
  return `${bytes.toLocaleString('en')} bytes`
}

/** "1 min 5 s" */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`
  const whole = Math.round(seconds)
  const parts = [
    [Math.floor(whole / 3600), 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const
  return parts.flatMap(([value, unit]) => (value > 0 ? [`${value} ${unit}`] : [])).join(' ')
}

/** The time of day, to the second. */
export function timeElement(iso: string): HTMLTimeElement {
  const date = new Date(iso)
  return el('time', { datetime: iso, title: date.toLocaleString() }, date.toLocaleTimeString())
}
