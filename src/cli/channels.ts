import { inspect as show } from 'node:util'
import { Channel } from '../channel/channel.js'
import type { Message } from '../channel/messages.js'
import { ANY_CODEC } from '../channel/opening.js'
import type { MessageForm, Participant, Position } from '../channel/types.js'
import { OBSERVE } from '../shared/arguments.js'
import { fail, MmFileError } from '../shared/errors.js'
import type { Access } from '../shared/types.js'
import {
  type Call,
  type Command,
  type CommandAccess,
  FILE_OPTIONS,
  isPath,
  openOnly,
  placeOf,
  UsageError,
} from './command.js'
import { given, INPUT_OPTIONS } from './input.js'
import { printable, table, write } from './output.js'
import { hex, preview, textOf } from './text.js'

/** How messages are printed. */
export type Form = 'text' | 'bytes' | 'json'

/** Opens the channel that an ID operand names, with any encoding. */
export function openChannel(call: Call, access: CommandAccess): Channel<unknown> {
  const id = call.operands[0] ?? ''
  const options = { access: access as Access, encoding: ANY_CODEC as never }
  if (isPath(id)) return Channel.openFile(id, options)
  const { directory, prefixes } = placeOf(call)
  return Channel.openExisting(id, { ...options, directory, prefixes })
}

/** The form in which messages are received for that form of output. */
function formOf(channel: Channel<unknown>, form: Form): MessageForm {
  return form === 'bytes' || channel.encoding === 'bytes' ? 'bytes' : 'value'
}

/** Prints one message. */
function print({ value }: Message<unknown>, form: Form): Promise<void> {
  if (form === 'bytes') return write(value as Buffer)
  const text = Buffer.isBuffer(value) ? textOf(value, undefined) : undefined
  if (form === 'text') return write(`${text ?? plainly(value)}\n`)
  const plain = Buffer.isBuffer(value) ? (text ?? { base64: value.toString('base64') }) : value
  return write(`${JSON.stringify(plain) ?? 'null'}\n`)
}

function plainly(value: unknown): string {
  if (typeof value === 'string') return value
  if (Buffer.isBuffer(value)) return hex(value)
  return JSON.stringify(value) ?? show(value)
}

/** Prints the messages that are there; `only`: the one at `from`, which must be there. */
export async function catChannel(
  call: Call,
  form: Form,
  from?: number,
  limit = Number.POSITIVE_INFINITY,
  only = false,
): Promise<void> {
  const channel = openChannel(call, OBSERVE)
  try {
    const end = channel.nextIndex
    const reader = channel.reader({
      from: from ?? 'oldest',
      lossy: true,
      as: formOf(channel, form),
    })
    for (let count = 0; count < limit; count += 1) {
      const message = ended(() => reader.tryReceive())
      if (message === undefined || message.index >= end) {
        if (!only) break
        const text = `there is no message ${from}, the next one is ${end}: wait for it first`
        throw fail('ERR_MMFILE_SEGMENT_RANGE', `channel '${channel.id}'`, text)
      }
      await print(message, form)
    }
  } finally {
    channel.close()
  }
}

/** Prints those that come, too, until the channel is sealed. */
export async function followChannel(
  call: Call,
  form: Form,
  from: Position | undefined,
  limit: number,
  signal: AbortSignal,
  requirePeer: boolean,
): Promise<void> {
  const channel = openChannel(call, 'read')
  try {
    const reader = channel.reader({
      from: from ?? 'oldest',
      lossy: true,
      as: formOf(channel, form),
      signal,
      requirePeer,
    })
    let count = 0
    if (limit === 0) return
    for await (const message of reader) {
      await print(message, form)
      count += 1
      if (count === limit) break
    }
  } finally {
    channel.close()
  }
}

/** The information about a channel that is printed. */
export function lookAtChannel(call: Call, from: number | undefined, limit: number) {
  const channel = openChannel(call, OBSERVE)
  try {
    const { id, path, encoding, onFull, capacity, maxByteLength, oldestIndex, nextIndex, sealed } =
      channel
    const messages: { index: number; bytes: number; preview: string }[] = []
    const reader = channel.reader({ from: from ?? 'oldest', lossy: true, as: 'bytes' })
    while (messages.length < limit) {
      const message = ended(() => reader.tryReceive())
      if (message === undefined || message.index >= nextIndex) break
      const { index, value } = message
      messages.push({ index, bytes: value.length, preview: previewOfMessage(value, encoding) })
    }
    return {
      id,
      kind: 'channel',
      path,
      encoding,
      onFull,
      capacity,
      maxByteLength,
      oldestIndex,
      nextIndex,
      sealed,
      participants: channel.participants(),
      messages,
    }
  } finally {
    channel.close()
  }
}

/** How a message begins, in a channel of that encoding. */
export function previewOfMessage(bytes: Buffer, encoding: string): string {
  const known = encoding === 'utf16le' || encoding === 'latin1' ? encoding : undefined
  return preview(bytes, encoding === 'json' ? 'utf8' : known)
}

/** The end of a channel is no failure of the command. */
function ended<T>(receive: () => T): T | undefined {
  try {
    return receive()
  } catch (error) {
    if (MmFileError.is(error, 'ERR_MMFILE_SEALED')) return undefined
    throw error
  }
}

/** The participants, as a table. */
export function participantsTable(rows: readonly Participant[]): string {
  const cells = rows.map(({ id, role, group, pid, nextIndex, lag, since }) => [
    id,
    role,
    group ?? '',
    pid ?? '',
    nextIndex,
    lag,
    since.toISOString(),
  ])
  return table(['PARTICIPANT', 'ROLE', 'GROUP', 'PID', 'NEXT', 'LAG', 'SINCE'], cells)
}

export const send: Command = {
  name: 'send',
  operands: ['ID', '[TEXT]'],
  summary: 'Send a message to a channel, or several, and print the index of each',
  details: `TEXT is a value of the channel's encoding: JSON for 'json', otherwise text as it is. It waits while the channel
is full. Without TEXT, standard input is one message. A TEXT that begins with a dash goes behind '--'.`,
  example: 'mmfile send jobs \'{"n": 1}\'',
  options: { ...INPUT_OPTIONS, ...FILE_OPTIONS },
  async run(call) {
    const values = given(call)
    const instead = "'mmfile append' appends to it"
    const channel = openOnly(call, 'channel', instead, () => openChannel(call, 'read-write'))
    try {
      for await (const value of values) await write(`${await sendOne(channel, value)}\n`)
    } finally {
      channel.close()
    }
  },
}

function sendOne(channel: Channel<unknown>, value: string | Buffer): Promise<number> {
  if (
    typeof value !== 'string' ||
    !['utf8', 'utf16le', 'latin1', 'json', 'v8'].includes(channel.encoding)
  ) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    return channel.sendWith(bytes.length, (target) => target.set(bytes))
  }
  if (channel.encoding !== 'json') return channel.send(value)
  try {
    return channel.send(JSON.parse(value))
  } catch {
    throw new UsageError(
      `the channel's encoding is 'json', and this is not JSON: ${printable(value)}`,
    )
  }
}

export const evict: Command = {
  name: 'evict',
  operands: ['ID', 'PARTICIPANT'],
  summary: 'Detach a reader or a member from a channel',
  details: `PARTICIPANT is what 'mmfile peers ID' shows in its first column. It holds writers back no longer, its jobs go to
others, and its next call fails with ERR_MMFILE_EVICTED.`,
  example: 'mmfile evict jobs 3',
  options: { ...FILE_OPTIONS },
  run(call) {
    const instead = 'only a channel has participants'
    const channel = openOnly(call, 'channel', instead, () => openChannel(call, 'read-write'))
    try {
      const participant = channel.participants().find(({ id }) => id === call.operands[1])
      if (participant === undefined) {
        throw new UsageError(`the channel has no participant '${call.operands[1]}'`)
      }
      channel.evict(participant)
    } finally {
      channel.close()
    }
  },
}
