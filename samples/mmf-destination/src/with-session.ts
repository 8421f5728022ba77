import { explain } from './explain.js'
import { fail } from './say.js'
import { TaskSession } from './task-session.js'

/** Opens the file for as long as `work` takes, which returns the exit status. */
export async function withSession(
  id: string,
  work: (session: TaskSession) => Promise<number>,
): Promise<number> {
  let session: TaskSession
  try {
    session = TaskSession.open(id)
  } catch (error) {
    return fail(explain(error, id))
  }
  try {
    return await work(session)
  } finally {
    session.close()
  }
}
