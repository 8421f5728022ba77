// The live screen of `mmfile top`. Bundled with the drawing library into dist/cli/top/screen.mjs.

import { render } from 'ink'
import type { Sample } from '../sample.js'
import type { ScreenSource } from '../screen-types.js'
import { App } from './app.js'

const ENTER = '\x1b[?1049h\x1b[H'
const LEAVE = '\x1b[?1049l'

/** Draws on the terminal's other screen, so that the shell's is as it was afterwards. */
export async function showScreen(
  source: ScreenSource,
  first: Sample,
  stop: AbortSignal,
): Promise<void> {
  const { stdout } = process
  stdout.write(ENTER)
  const leave = () => stdout.write(LEAVE)
  process.once('exit', leave)
  try {
    const { waitUntilExit, unmount } = render(<App source={source} first={first} />, {
      patchConsole: false,
    })
    stop.addEventListener('abort', () => unmount())
    if (stop.aborted) unmount()
    await waitUntilExit()
  } finally {
    process.off('exit', leave)
    leave()
  }
}
