// Requests and their replies, one after the other, with a processor for each of the two processes.

import { placed } from '../lib/placed.mjs'
import { processors } from '../lib/placement.mjs'
import { ratios } from '../lib/statistics.mjs'
import { transports } from '../transports/index.mjs'

const NAMES = ['channelRequest', 'undici', 'zeromqRequest']

export async function requests(context) {
  const { report, has } = context
  const [first, second] = processors()
  if (second === undefined) return report.note('requests need taskset and two processors')
  report.progress('requests and replies, 64 B')
  const names = NAMES.filter((name) => has(transports[name].peer))
  const figures = await placed(context, names, [first, second])
  report.table({
    id: 'requests',
    title: 'Request and reply, 64 B, a processor each',
    unit: 'µs',
    columns: ['a request'],
    rows: names.map((name) => ({ label: transports[name].label, cells: [figures[name]] })),
  })
  const goal = (id, theirs) => report.goal(id, theirs && ratios(theirs, figures.channelRequest))
  goal('request-undici', figures.undici)
  goal('request-zeromq', figures.zeromqRequest)
}
