import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the tasks are kept if the user names no file: the folder that the system has for such. */
export function defaultStore(env: NodeJS.ProcessEnv = process.env): string {
  return join(dataFolder(env), 'mmf-source', 'tasks.mmf')
}

function dataFolder(env: NodeJS.ProcessEnv): string {
  switch (process.platform) {
    case 'win32':
      return env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local')
    case 'darwin':
      return join(homedir(), 'Library', 'Application Support')
    default:
      return env.XDG_DATA_HOME || join(homedir(), '.local', 'share')
  }
}
