import { Claim, endJobs, Job, type Jobs, readable } from './messages.js'
import { channels } from './native.js'
import {
  atLeast,
  BATCH,
  bytesAt,
  copies,
  FIELDS,
  type Origin,
  payloadOf,
  row,
  take,
} from './payload.js'
import type { Receiving } from './receive-options.js'
import { Receiver } from './receiving.js'

/** A member of a group: each message goes to one of them. */
export class Member<V> extends Receiver<Job<V>> {
  readonly #jobs: Jobs
  /** The name of the group. */
  readonly group: string

  /** @internal */
  constructor(handle: number, origin: Origin, how: Receiving, group: string) {
    super(handle, origin, how, 'Member')
    this.group = group
    this.#jobs = { subject: origin.subject, open: 0, closed: false, delays: new Set() }
  }

  /**
   * Leaves the group. Jobs that it has not acknowledged go to another member; calls and loops that wait reject
   * with `ERR_MMFILE_CLOSED`. Doing it again changes nothing.
   *
   * @example
   * member.close()
   */
  override close(): void {
    if (this.closed) return
    super.close()
    endJobs(this.#jobs)
  }

  /** @internal */
  protected override next(handle: number, how: Receiving, origin: Origin): Job<V> | undefined {
    let found = 1
    if (how.as === 'view') {
      if (channels.receive(handle, 1, row) === 0) return undefined
    } else {
      found = take(handle, how, origin)
      if (found === 0) return undefined
    }
    return this.#job(found, handle, how, origin)
  }

  /** @internal */
  protected override several(
    max: number,
    handle: number,
    how: Receiving,
    origin: Origin,
  ): Job<V>[] {
    if (how.as !== 'view') return copies(max, handle, () => this.next(handle, how, origin))
    const taken = new Float64Array(FIELDS * Math.min(max, BATCH))
    const jobs: Job<V>[] = []
    while (jobs.length < max) {
      const asked = Math.min(max - jobs.length, BATCH)
      const count = atLeast(jobs, () => channels.receive(handle, asked, taken))
      for (let at = 0; at < count; at += 1) {
        row.set(taken.subarray(at * FIELDS, (at + 1) * FIELDS))
        jobs.push(this.#job(1, handle, how, origin))
      }
      if (count < asked) break
    }
    return jobs
  }

  /** The job of the row that was filled in just now. */
  #job(found: number, handle: number, how: Receiving, origin: Origin): Job<V> {
    const index = row[0] as number
    const claim = new Claim(handle, row[3] as number)
    const attempt = row[4] as number
    let value: unknown
    try {
      value =
        how.as === 'view' ? bytesAt(row, 0, handle, origin) : payloadOf(found, handle, how, origin)
    } catch (error) {
      claim.giveBack()
      throw error
    }
    return readable(new Job(index, value as V, attempt, claim, this.#jobs))
  }
}
