import { byId } from '../../web-kit/page/dom.js'
import { showErrors } from '../../web-kit/page/form.js'
import { type Answer, send } from '../../web-kit/page/server.js'

const form = byId('run-form', HTMLFormElement)

/** What goes wrong with no field to blame for it is given to `complain`. */
export function setUpForm(complain: (message: string) => void): void {
  const act = async (answer: Promise<Answer<unknown>>) => {
    complain('')
    const { ok, ...rest } = await answer
    if (ok) return
    const { errors, message } = rest as { errors: Record<string, string>; message: string }
    showErrors(form, errors)
    complain(message)
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    showErrors(form, {})
    act(send('POST', 'run', Object.fromEntries(new FormData(form))))
  })
  byId('close', HTMLButtonElement).addEventListener('click', () => act(send('POST', 'close')))
  byId('cancel', HTMLButtonElement).addEventListener('click', () => act(send('POST', 'cancel')))
}
