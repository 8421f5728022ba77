import { spawn } from 'node:child_process'

/** Shows the address in the user's browser, or says that it could not. */
export function openBrowser(address: string, complain: (message: string) => void): void {
  const [command, ...args] = opener(address)
  const child = spawn(command, args, { stdio: 'ignore', detached: true })
  child.once('error', () => complain(`no browser could be opened; the address is ${address}`))
  child.unref()
}

function opener(address: string): [string, ...string[]] {
  switch (process.platform) {
    case 'darwin':
      return ['open', address]
    case 'win32':
      return ['rundll32', 'url.dll,FileProtocolHandler', address]
    default:
      return ['xdg-open', address]
  }
}
