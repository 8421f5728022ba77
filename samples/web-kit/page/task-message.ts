/** A TaskInfo as it is sent to a page: dates as ISO texts. */
export interface TaskMessage {
  id: string
  name: string
  description: string
  duration: number
  priority: Priority
  status: Status
  created: string
  completed: string | null
  result: string | null
}

export type Priority = 'Low' | 'Normal' | 'High'
export type Status = 'Pending' | 'Running' | 'Completed' | 'Failed' | 'Cancelled'
