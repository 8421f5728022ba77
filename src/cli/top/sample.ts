import { Channel } from '../../channel/channel.js'
import { ANY_CODEC } from '../../channel/opening.js'
import type { Participant } from '../../channel/types.js'
import { MmFile } from '../../file/mmfile.js'
import { OBSERVE } from '../../shared/arguments.js'
import { MmFileError } from '../../shared/errors.js'
import { list, mutexPeers } from '../../shared/listing.js'
import type { ListOptions, ObjectInfo, Peer } from '../../shared/types.js'
import { keyOf } from './key.js'

/** The state of a file, a channel or a mutex at one moment. */
export interface TopRow extends Omit<ObjectInfo, 'createdAt'> {
  /** When it was created, in ISO 8601. */
  createdAt: string
  /** How much of the capacity is used, from 0 to 1; null for a mutex. */
  used: number | null
  /** Segments or messages a second since the sample before; null where there was none. */
  rate: number | null
  /** Bytes a second of a file; null for a channel, which reuses its memory. */
  byteRate: number | null
  /** The process that holds the lock at this moment. */
  lockHolder: number | null
  /** The processes that have it open, each once. */
  processes: TopProcess[]
  /** The participants of a channel, and the lag of each. */
  participants: Omit<Participant, 'since'>[]
  /** The greatest lag of a participant; null without one. */
  lag: number | null
  /** The code of the error that kept the rest from being read. */
  problem: string | null
}

interface TopProcess {
  pid: number
  access: Peer['access']
  isCreator: boolean
  holdsLock: boolean
}

export interface Sample {
  /** When it was taken, in ISO 8601. */
  at: string
  rows: TopRow[]
}

/** How many segments or messages there have been, and how many bytes there are. */
interface Totals {
  count: number
  size: number
}

/** Samples of all that there is. It observes only: it is no peer and keeps nothing alive. */
export class Sampler {
  #before = new Map<string, Totals>()
  #then = 0

  constructor(private readonly place: ListOptions) {}

  take(): Sample {
    const now = performance.now()
    const seconds = (now - this.#then) / 1000
    const totals = new Map<string, Totals>()
    const rows = list(this.place).map((info) => {
      const row = rowOf(info)
      const count = info.stale ? undefined : this.#look(row) // no process has a stale one open
      if (count !== undefined) {
        const key = keyOf(info)
        const before = this.#before.get(key)
        totals.set(key, { count, size: info.size })
        if (before !== undefined) {
          row.rate = perSecond(count - before.count, seconds)
          if (info.kind === 'file') row.byteRate = perSecond(info.size - before.size, seconds)
        }
      }
      return row
    })
    this.#before = totals
    this.#then = now
    return { at: new Date().toISOString(), rows }
  }

  /** Completes the row. Returns how many segments or messages there have been: 0 for a mutex. */
  #look(row: TopRow): number | undefined {
    try {
      if (row.kind === 'mutex') {
        addPeers(row, mutexPeers(row.id, this.place))
        return undefined
      }
      const opened = openAt(row, this.place)
      try {
        addPeers(row, opened.peers())
        if (!(opened instanceof Channel)) return row.length
        row.participants = opened.participants().map(({ since: _, ...rest }) => rest)
        const lags = row.participants.map(({ lag }) => lag)
        if (lags.length > 0) row.lag = Math.max(...lags)
        return opened.nextIndex
      } finally {
        opened.close()
      }
    } catch (error) {
      // It may be gone by now, or not for us to open.
      if (!MmFileError.is(error)) throw error
      row.problem = error.code
      return undefined
    }
  }
}

function rowOf(info: ObjectInfo): TopRow {
  const { kind, capacity, size, createdAt } = info
  return {
    ...info,
    createdAt: createdAt.toISOString(),
    used: kind === 'mutex' || capacity === 0 ? null : Math.min(1, size / capacity),
    rate: null,
    byteRate: null,
    lockHolder: null,
    processes: [],
    participants: [],
    lag: null,
    problem: null,
  }
}

/** Opens what a row is about, to observe it. */
export function openAt(
  { id, kind }: Pick<TopRow, 'id' | 'kind'>,
  { directory, prefixes }: ListOptions,
): MmFile | Channel<unknown> {
  const options = { access: OBSERVE as never, directory, prefixes }
  if (kind === 'file') return MmFile.openExisting(id, options)
  return Channel.openExisting<unknown>(id, { ...options, encoding: ANY_CODEC as never })
}

function perSecond(difference: number, seconds: number): number {
  return seconds > 0 ? Math.max(0, difference / seconds) : 0
}

function addPeers(row: TopRow, peers: readonly Peer[]): void {
  row.processes = processesOf(peers)
  row.lockHolder = row.processes.find(({ holdsLock }) => holdsLock)?.pid ?? null
}

function processesOf(peers: readonly Peer[]): TopProcess[] {
  const found = new Map<number, TopProcess>()
  for (const { pid, access, isCreator, holdsLock } of peers) {
    const known = found.get(pid)
    found.set(pid, {
      pid,
      access: known?.access === 'read-write' ? known.access : access,
      isCreator: isCreator || known?.isCreator === true,
      holdsLock: holdsLock || known?.holdsLock === true,
    })
  }
  return [...found.values()]
}
