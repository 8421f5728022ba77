// Saves one list after the other in the file that is named, and says the number of each that is saved.
import { writeSync } from 'node:fs'
import { TaskStore } from '../../mmf-source/dist/task-store.js'

const store = TaskStore.open(process.argv[2])
const [task] = store.tasks
for (let number = Number(task.name) + 1 || 0; ; number += 1) {
  store.save([{ ...task, name: String(number), description: 'x'.repeat(60_000) }])
  writeSync(1, `${number}\n`)
}
