import { ignoreRepeats, setOffline, whileBusy } from '../../web-kit/page/busy.js'
import { byId, setText } from '../../web-kit/page/dom.js'
import { listen, send } from '../../web-kit/page/server.js'
import type { TaskMessage } from '../../web-kit/page/task-message.js'
import { formatSeconds } from '../../web-kit/page/text.js'
import type { MemoryMessage, ProgramMessage, RunMessage } from './messages.js'
import { Runs } from './runs.js'
import { setTasksOffline, setUpTasks, showTasks } from './tasks.js'

const runButton = byId('run', HTMLButtonElement)
const problem = byId('problem', HTMLParagraphElement)

function complain(message: string): void {
  setText(problem, message)
  problem.hidden = message === ''
}

function showProgram(program: ProgramMessage): void {
  const { store, notice, destination, limit, ended } = program
  const note = byId('notice', HTMLParagraphElement)
  setText(note, notice ?? '')
  note.hidden = notice === null
  const about = `A run starts ${destination} and may take ${formatSeconds(limit)}. The tasks are kept in ${store}`
  setText(byId('about', HTMLParagraphElement), about)
  runs.showProgram(program)
  if (!ended) return
  disconnect()
  goOffline(true)
  complain('MmfSource has ended. Start it again, and open the address that it prints.')
}

function goOffline(offline: boolean): void {
  runs.setOffline(offline)
  setTasksOffline(offline)
  setOffline(offline)
}

/** One key for one run, until it has started: a request that is sent twice starts it once. */
let key = crypto.randomUUID()

runButton.addEventListener('click', () =>
  whileBusy(runButton, async () => {
    complain('')
    const answer = await send('POST', 'runs', { key })
    if (answer.ok) key = crypto.randomUUID()
    else complain(answer.message)
  }),
)

ignoreRepeats()
setUpTasks()
const runs = new Runs(complain)
let lost = false
const disconnect = listen(
  {
    program: showProgram,
    tasks: (tasks: TaskMessage[]) => {
      runButton.disabled = tasks.length === 0
      showTasks(tasks)
    },
    runs: (messages: RunMessage[]) => {
      runs.show(messages)
      runButton.classList.toggle('primary', !runs.isWaited)
    },
    memory: (memory: MemoryMessage[]) => runs.showMemory(memory),
  },
  {
    onLost: (isRefused) => {
      lost = true
      goOffline(true)
      complain(
        isRefused
          ? 'MmfSource has been started again: open the address that it printed.'
          : 'MmfSource does not answer. Is it still running?',
      )
    },
    onBack: () => {
      if (lost) complain('')
      lost = false
      goOffline(false)
    },
  },
)
