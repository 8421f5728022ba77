import { whileBusy } from '../../web-kit/page/busy.js'
import { byId } from '../../web-kit/page/dom.js'
import { showErrors } from '../../web-kit/page/form.js'
import { send } from '../../web-kit/page/server.js'

const form = byId('run-form', HTMLFormElement)
const run = byId('run', HTMLButtonElement)

/**
 * Sends a request to the program; an error that belongs to no field goes to `complain`, unless another window has
 * brought the program into another phase meanwhile: then the error is obsolete.
 */
export function setUpForm(complain: (message: string) => void, phase: () => string): void {
  const ask = (button: HTMLElement, path: string, fields: () => unknown = () => undefined) =>
    whileBusy(button, async () => {
      complain('')
      showErrors(form, {})
      const before = phase()
      const answer = await send('POST', path, fields())
      if (answer.ok || phase() !== before) return
      showErrors(form, answer.errors)
      complain(answer.message)
    })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    ask(run, 'run', () => Object.fromEntries(new FormData(form)))
  })
  for (const path of ['close', 'cancel']) {
    const button = byId(path, HTMLButtonElement)
    button.addEventListener('click', () => ask(button, path))
  }
}
