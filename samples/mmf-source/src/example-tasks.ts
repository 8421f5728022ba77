import { randomUUID } from 'node:crypto'
import type { TaskInfo } from '@mmfile-samples/task-info'

/** Tasks for a user who has brought none. */
export function exampleTasks(): TaskInfo[] {
  return [
    create('Resize the photos', 'Scale 240 holiday pictures down to 1600 pixels', 2, 'Normal'),
    create('Render the report', 'Lay out the figures of the month as a PDF', 4, 'High'),
    create('Tidy the archive', 'Compress files that were not opened for a year', 6, 'Low'),
  ]
}

function create(
  name: string,
  description: string,
  duration: number,
  priority: TaskInfo['priority'],
): TaskInfo {
  return {
    id: randomUUID(),
    name,
    description,
    duration,
    priority,
    status: 'Pending',
    created: new Date(),
    completed: null,
    result: null,
  }
}
