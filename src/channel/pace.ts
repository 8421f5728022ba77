/** The shortest and the longest pause, in turns of a loop, which take about a nanosecond each. */
const SHORTEST = 16
const LONGEST = 5000
/** During a pause of so many turns a writer in a loop sends a message. */
const TURNS_A_MESSAGE = 500
/** How many looks without a pause follow one that brought nothing more: twice as many each time, until the longest does. */
const FEWEST_WITHOUT = 4
const MOST_WITHOUT = 1024

/** How many turns pass between two looks of a reader that waits for an answer. */
const BETWEEN_LOOKS = 45

/** Of the module, so that the engine does not leave out loops that only count. */
let turn = 0

/** Lets the writer keep the line with the end of the channel, which it needs to publish a message, for a moment. */
export function pauseBetweenLooks(): void {
  for (turn = 0; turn < BETWEEN_LOOKS; turn += 1);
}

/**
 * How soon a reader that is close behind a writer looks for messages again.
 *
 * Each look takes the line of memory with the end of the channel away from the writer's processor, and those of its next
 * records, so that each message waits for them. If the reader pauses, it finds more messages at once, and both are
 * faster. It does so only as long as each look finds some, but few, and the pauses bring more.
 */
export class Pace {
  readonly #few: number
  /** The next pause, and the last one. */
  #turns = 0
  #paused = 0
  #without = 0
  #nextWithout = FEWEST_WITHOUT
  /** How many messages were received since. */
  #received = 0

  /** `few` is how much a reader finds that is close behind. */
  constructor(few: number) {
    this.#few = few
  }

  /** Messages were received. */
  received(count: number): void {
    this.#received += count
  }

  /** Before a look. Returns for how many turns it has paused. */
  pause(): number {
    const received = this.#received
    if (received > 0 && this.#paused > 2 * TURNS_A_MESSAGE) {
      if (received * TURNS_A_MESSAGE < this.#paused) {
        this.#turns = 0
        this.#without = this.#nextWithout
        this.#nextWithout = Math.min(2 * this.#nextWithout, MOST_WITHOUT)
      } else if (this.#paused === LONGEST) {
        this.#nextWithout = FEWEST_WITHOUT
      }
    }
    this.#received = 0
    this.#paused = this.#turns
    for (turn = 0; turn < this.#paused; turn += 1);
    return turn
  }

  /** After it. */
  found(amount: number): void {
    const turns = this.#turns
    if (amount === 0) this.#turns = 0
    else if (this.#without > 0) this.#without -= 1
    else if (amount < this.#few) this.#turns = Math.min(2 * turns + SHORTEST, LONGEST)
    else this.#turns = turns >>> 1
  }
}
