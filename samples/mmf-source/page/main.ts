import { byId, setText } from '../../web-kit/page/dom.js'
import { listen, send } from '../../web-kit/page/server.js'
import type { TaskMessage } from '../../web-kit/page/task-message.js'
import { formatSeconds } from '../../web-kit/page/text.js'
import type { ProgramMessage, RunMessage } from './messages.js'
import { showRuns } from './runs.js'
import { setUpTasks, showTasks } from './tasks.js'

const runButton = byId('run', HTMLButtonElement)
const problem = byId('problem', HTMLParagraphElement)

function complain(message: string): void {
  setText(problem, message)
  problem.hidden = message === ''
}

function showProgram({ store, notice, destination, limit, ended }: ProgramMessage): void {
  const note = byId('notice', HTMLParagraphElement)
  setText(note, notice ?? '')
  note.hidden = notice === null
  const about = `A run starts ${destination} and may take ${formatSeconds(limit)}. The tasks are kept in ${store}`
  setText(byId('about', HTMLParagraphElement), about)
  if (!ended) return
  disconnect()
  runButton.disabled = true
  complain('MmfSource has ended. Start it again, and open the address that it prints.')
}

runButton.addEventListener('click', async () => {
  complain('')
  const answer = await send('POST', 'runs')
  if (!answer.ok) complain(answer.message)
})

setUpTasks()
let lost = false
const disconnect = listen(
  {
    program: showProgram,
    tasks: (tasks: TaskMessage[]) => {
      runButton.disabled = tasks.length === 0
      showTasks(tasks)
    },
    runs: (runs: RunMessage[]) => showRuns(runs, complain),
  },
  {
    onLost: () => {
      lost = true
      complain('MmfSource does not answer. Is it still running?')
    },
    onBack: () => {
      if (lost) complain('')
      lost = false
    },
  },
)
