// Eight processes that append to one file, or send to one channel, beside one that does.

import { Partner } from '../lib/partner.mjs'
import { alternate, ratios } from '../lib/statistics.mjs'

const SIZE = 64
const WRITERS = 8
/** What a message takes in a channel. */
const RECORD = SIZE + 16
const BATCH = 512

/** Looks at every message: whole, and each writer's in the order in which it wrote them. */
class Check {
  #next
  #seen = 0

  constructor(writers) {
    this.#next = new Uint32Array(writers)
  }

  look(view) {
    const bytes = Buffer.from(view)
    const [writer, number] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)]
    const whole = bytes.length === SIZE && bytes.readUInt32LE(SIZE - 4) === number
    if (!whole || number !== this.#next[writer] || bytes[SIZE / 2] !== writer + 1) {
      throw new Error(`message ${this.#seen} is not what writer ${writer} wrote next`)
    }
    this.#next[writer] += 1
    this.#seen += 1
  }

  end(total) {
    if (this.#seen !== total) throw new Error('messages are missing')
  }
}

function fileFor(MmFile, total) {
  const file = MmFile.createNew(total * (SIZE + 4))
  return {
    id: file.id,
    read(check) {
      for (let index = 0; index < file.length; index += 1) check.look(file.view(index))
    },
    close: () => file.close(),
  }
}

/** With room for all messages, so that writers do not wait for the one who checks them afterwards. */
function channelFor(Channel, total) {
  const channel = Channel.createNew({ capacity: total * RECORD })
  const reader = channel.reader({ as: 'view' })
  return {
    id: channel.id,
    read(check) {
      for (;;) {
        const messages = reader.tryReceiveAll(BATCH)
        if (messages.length === 0) return
        for (const message of messages) {
          check.look(message.value)
          message.release()
        }
      }
    },
    close: () => channel.close(),
  }
}

/** Messages a second, of all of them together. */
async function together({ MmFile, Channel }, partners, total, channel) {
  const count = total / partners.length
  const target = channel ? channelFor(Channel, total) : fileFor(MmFile, total)
  const gate = MmFile.createNew(100)
  const tell = { id: target.id, gate: gate.id, count, channel }
  await Promise.all(partners.map((partner, writer) => partner.ask({ ...tell, writer })))
  gate.append('go')
  const done = await Promise.all(partners.map((partner) => partner.hear()))
  const started = Math.min(...done.map((one) => one.started))
  const ended = Math.max(...done.map((one) => one.ended))
  const check = new Check(partners.length)
  target.read(check)
  check.end(total)
  gate.close()
  target.close()
  return (total / (ended - started)) * 1e9
}

export async function writers({ mmfile, report, turns, quick }) {
  report.progress('eight writers')
  const total = quick ? 200_000 : 800_000
  const partners = Array.from({ length: WRITERS }, () => new Partner('writer'))
  const one = partners.slice(0, 1)
  const side = (who, channel) => () => together(mmfile, who, total, channel)
  try {
    for (const channel of [false, true]) await together(mmfile, partners, total / 4, channel)
    const figures = await alternate(turns, {
      one: side(one, false),
      eight: side(partners, false),
      oneSends: side(one, true),
      eightSend: side(partners, true),
    })
    const thousands = (names) => names.map((name) => figures[name].map((rate) => rate / 1e3))
    report.table({
      id: 'writers',
      title: 'Writers of one file or channel, 64 B',
      unit: 'thousand messages/s, of all together',
      columns: ['1 writer', `${WRITERS} writers`],
      rows: [
        { label: 'mmfile, append', cells: thousands(['one', 'eight']) },
        { label: 'mmfile, channel, trySend', cells: thousands(['oneSends', 'eightSend']) },
      ],
    })
    report.goal('writers', ratios(figures.eight, figures.one))
    report.goal('channel-writers', ratios(figures.eightSend, figures.oneSends))
  } finally {
    for (const partner of partners) await partner.end()
  }
}
