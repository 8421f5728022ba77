import { setText } from './dom.js'
import type { Errors } from './server.js'

/**
 * Says beside each field what is wrong with it, and takes the user to the first one. The field NAME has
 * its message in the element `NAME-error`.
 */
export function showErrors(form: HTMLFormElement, errors: Errors): void {
  let first: HTMLElement | undefined
  for (const field of form.elements) {
    if (!isField(field)) continue
    const place = document.getElementById(`${field.name}-error`)
    if (place === null) continue
    const problem = errors[field.name]
    setText(place, problem ?? '')
    // A radio button cannot be wrong on its own; only its group can.
    if (field.type !== 'radio') field.toggleAttribute('aria-invalid', false)
    if (problem === undefined) continue
    if (field.type !== 'radio') field.setAttribute('aria-invalid', 'true')
    first ??= field
  }
  first?.focus()
}

function isField(
  element: Element,
): element is HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement {
  return (
    element instanceof HTMLInputElement ||
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement
  )
}
