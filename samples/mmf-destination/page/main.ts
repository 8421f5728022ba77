import { ignoreRepeats, setOffline } from '../../web-kit/page/busy.js'
import { byId, setText } from '../../web-kit/page/dom.js'
import type { PictureMessage } from '../../web-kit/page/picture-message.js'
import { listen } from '../../web-kit/page/server.js'
import { setUpForm } from './form.js'
import { Memory } from './memory.js'
import type { FileMessage, StateMessage } from './messages.js'
import { showState } from './state.js'
import { markRunning, showTasks } from './tasks.js'

const problem = byId('problem', HTMLParagraphElement)

function complain(message: string): void {
  setText(problem, message)
  problem.hidden = message === ''
}

ignoreRepeats()
const memory = new Memory(complain)
let lost = false
let source: string | null = null
let state: StateMessage = { phase: 'choosing' }
setUpForm(complain, () => state.phase)

function show(): void {
  showState(lost ? { phase: 'lost' } : state, memory.isSourceGone ? null : source)
  memory.setLife(
    lost ? 'Gone' : state.phase === 'done' || state.phase === 'ended' ? 'Ended' : 'Alive',
  )
}

const disconnect = listen(
  {
    file: (file: FileMessage) => {
      source = file.source
      showTasks(file.tasks)
      setText(byId('about', HTMLParagraphElement), `The tasks come from the mapped file ${file.id}`)
    },
    state: (message: StateMessage) => {
      // The next action clears earlier errors.
      if (message.phase !== state.phase) complain('')
      state = message
      markRunning(state.phase === 'running' ? state.task.id : null)
      show()
      // The program ends now. Trying to reach it again would be of no use.
      if (state.phase === 'done' || state.phase === 'ended') {
        disconnect()
        setOffline(true)
      }
    },
    progress: (fraction: number) => memory.setProgress(fraction),
    memory: (picture: PictureMessage) => memory.setPicture(picture),
  },
  {
    onLost: () => {
      lost = true
      show()
      setOffline(true)
      complain('MmfDestination does not answer. It may have been ended.')
    },
    onBack: () => {
      if (!lost) return
      lost = false
      complain('')
      setOffline(false)
      show()
    },
  },
)
