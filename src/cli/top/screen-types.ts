import type { Follower } from './follow.js'
import type { Sample, TopRow } from './sample.js'

/** The data that the screen shows, and its source. */
export interface ScreenSource {
  /** Milliseconds between two samples. */
  readonly interval: number
  sample(): Sample
  follow(row: Pick<TopRow, 'id' | 'kind'>, most: number): Follower
}

/** The exports of `screen.mjs`, a bundle that contains the drawing library. */
export interface Screen {
  /** Draws until its user ends it, or `stop` aborts. */
  showScreen(source: ScreenSource, first: Sample, stop: AbortSignal): Promise<void>
}
