import { byId, setText } from '../../web-kit/page/dom.js'
import { listen } from '../../web-kit/page/server.js'
import { setUpForm } from './form.js'
import type { FileMessage, StateMessage } from './messages.js'
import { showProgress, showState } from './state.js'
import { showTasks } from './tasks.js'

const problem = byId('problem', HTMLParagraphElement)

function complain(message: string): void {
  setText(problem, message)
  problem.hidden = message === ''
}

setUpForm(complain)
let lost = false
const disconnect = listen(
  {
    file: ({ id, tasks }: FileMessage) => {
      showTasks(tasks)
      setText(byId('about', HTMLParagraphElement), `The tasks come from the mapped file ${id}`)
    },
    state: (state: StateMessage) => {
      showState(state)
      // The program ends now. Trying to reach it again would be of no use.
      if (state.phase === 'done' || state.phase === 'ended') disconnect()
    },
    progress: showProgress,
  },
  {
    onLost: () => {
      lost = true
      complain('MmfDestination does not answer. It may have been ended.')
    },
    onBack: () => {
      if (lost) complain('')
      lost = false
    },
  },
)
