import type { Follower } from './follow.js'
import type { Sample, TopRow } from './sample.js'

/** What the screen shows, and where it has it from. */
export interface ScreenSource {
  /** Milliseconds between two samples. */
  readonly interval: number
  sample(): Sample
  follow(row: Pick<TopRow, 'id' | 'kind'>, most: number): Follower
}

/** What `screen.mjs` exports: a bundle with the drawing library in it. */
export interface Screen {
  /** Draws until its user ends it, or `stop` aborts. */
  showScreen(source: ScreenSource, first: Sample, stop: AbortSignal): Promise<void>
}
