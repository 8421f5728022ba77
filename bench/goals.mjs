// Every goal, in this one place: the report judges by `least` or `most`, and the guard, which has wide margins, by
// `guard` in the same direction. `anywhere` marks what compares the scheduler as well: two processes that sleep and
// wake each other, placed wherever it likes.

const RING = 'a ring over shm-typed-array (no lock, no order, no crash safety)'
const SOCKET = 'Unix domain socket'
const ICEORYX2 = 'iceoryx2, the Rust crate, publish-subscribe'
const PREVIOUS = '0.1.0 itself'

const bySize = (goal) =>
  [
    [64, '64 B'],
    [1 << 16, '64 KiB'],
    [1 << 20, '1 MiB'],
  ].map(([size, text]) => goal(size, text))

const channels = [
  ...bySize((size, text) => ({
    id: `way-channelExclusive-${size}`,
    work: `channel, exclusive writer, one way, ${text}, tryReceiveAll of views`,
    against: RING,
    least: size === 64 ? 1.5 : 1,
    unit: '× its rate',
  })),
  ...bySize((size, text) => ({
    id: `way-channelShared-${size}`,
    work: `channel, shared writers, one way, ${text}, tryReceiveAll of views`,
    against: RING,
    least: 1,
    unit: '× its rate',
  })),
  ...bySize((size, text) => ({
    id: `trip-channel-${size}`,
    work: `channel, round trip, spinning, ${text}`,
    against: RING,
    least: 1,
    unit: '× faster',
  })),
  {
    id: 'in-place-reserve',
    work: 'channel, 1 MiB filled in place, payload not read, reserve',
    against: 'the same with a copy',
    least: 20,
    unit: '× its rate',
  },
  {
    id: 'in-place-sendWith',
    work: 'channel, 1 MiB filled in place, payload not read, trySendWith',
    against: 'the same with a copy',
    least: 20,
    unit: '× its rate',
  },
  {
    id: 'rust-trip',
    work: 'channel, Rust to Rust, round trip, 64 B, busy waiting',
    against: ICEORYX2,
    least: 1.5,
    unit: '× faster',
  },
  {
    id: 'rust-way',
    work: 'channel, Rust to Rust, one way, 64 B',
    against: ICEORYX2,
    least: 1,
    unit: '× its rate',
  },
  {
    id: 'rust-in-place',
    work: 'channel, Rust to Rust, one way, 1 MiB filled in place',
    against: `${ICEORYX2}, loan_uninit`,
    least: 1,
    unit: '× its rate',
  },
  {
    id: 'channel-readers',
    work: 'channel, four readers of one writer, 64 B, processor time a message and reader',
    against: 'one reader',
    most: 1.5,
    unit: '×',
  },
  {
    id: 'channel-writers',
    work: 'channel, eight writers, 64 B',
    against: 'one writer',
    least: 0.7,
    unit: '× in total',
  },
  {
    id: 'trip-channel-spin-two',
    work: 'channel, round trip, asynchronous with spin of 50 µs, 64 B, a processor each',
    against: SOCKET,
    least: 8,
    unit: '× faster',
  },
  {
    id: 'trip-channel-one',
    work: 'channel, round trip, asynchronous, 64 B, both on one processor',
    against: SOCKET,
    least: 1.2,
    unit: '× faster',
  },
  {
    id: 'trip-channel-two',
    work: 'channel, round trip, asynchronous, 64 B, a processor each',
    against: SOCKET,
    least: 1.2,
    unit: '× faster',
  },
  {
    id: 'jobs-redis',
    work: 'queue of jobs: send, take, acknowledge, four workers, 64 B',
    against: 'Redis Streams with a consumer group, a Unix socket, one message a call',
    least: 20,
    unit: '× its rate',
  },
  {
    id: 'request-undici',
    work: 'request and reply, with spin, 64 B, a processor each',
    against: 'HTTP keep-alive over a Unix socket, undici',
    least: 5,
    unit: '× faster',
  },
  {
    id: 'request-zeromq',
    work: 'request and reply, with spin, 64 B, a processor each',
    against: 'zeromq, request and reply',
    least: 3,
    unit: '× faster',
  },
  {
    id: 'channel-memory',
    work: "memory of a channel's processes after 10 million messages",
    against: 'after 100,000: more by',
    most: 2,
    unit: 'MiB',
  },
]

const objects = [
  {
    id: 'create',
    work: 'createNew + close, 64 KiB',
    against: 'shm-typed-array create + destroy',
    most: 7,
    unit: '×',
    guard: 40,
  },
  {
    id: 'open',
    work: 'openExisting + close, 64 KiB',
    against: 'shm-typed-array get + detach',
    most: 3,
    unit: '×',
    guard: 20,
  },
  {
    id: 'many-files',
    work: 'createNew + close, 64 KiB, with 3,000 live files of the user',
    against: 'with none',
    most: 1.3,
    unit: '×',
  },
  {
    id: 'beside-large',
    work: 'createNew + close, 1 KB, 99th percentile, while another process creates 1 GiB',
    against: 'while none does',
    most: 3,
    unit: '×',
  },
  {
    id: 'zero-wait',
    work: 'system calls of an append after an expired wait of no time',
    against: 'of an append without one: more by',
    most: 0,
    unit: 'calls',
  },
  {
    id: 'utf8',
    work: "append of 1 KiB of ASCII by a handle with encoding: 'utf8'",
    against: "Buffer.write(text, 'utf8'), warm",
    most: 2.5,
    unit: '×',
  },
]

const previous = [
  ['append-8', 'append, 8 B'],
  ['append-string', 'append(string), 1 KiB'],
  ['create', 'createNew + close, 64 KiB'],
  ['open', 'openExisting + close, 64 KiB'],
  ['lock', 'withLockSync'],
  ['trip-spin', 'round trip, blocking with spin, view, 64 B'],
  ['trip-block', 'round trip, blocking, view, 64 B, both on one processor'],
  ['trip-async', 'round trip, asynchronous, copy, 64 B, both on one processor'],
  ['way-64', 'one way, append + view, 64 B'],
  ['way-1048576', 'one way, append + view, 1 MiB'],
].map(([id, work]) => ({
  id: `previous-${id}`,
  work,
  against: PREVIOUS,
  most: 1.15,
  unit: '× its time',
}))

const touched = ', pages touched before'
const cached = ', within the cache'
const files = [
  {
    id: 'trip-spin',
    work: 'round trip, blocking with spin, 64 B',
    against: SOCKET,
    least: 50,
    unit: '× faster',
    anywhere: true,
  },
  {
    id: 'trip-core',
    work: 'round trip, blocking with spin, 64 B',
    against: 'mmfile-core alone, Rust to Rust',
    most: 4,
    unit: '×',
    guard: 12,
  },
  {
    id: 'trip-block',
    work: 'round trip, blocking without spin, 64 B',
    against: SOCKET,
    least: 1.7,
    unit: '× faster',
    anywhere: true,
  },
  {
    id: 'trip-async',
    work: 'round trip, asynchronous, 64 B',
    against: SOCKET,
    least: 1.2,
    unit: '× faster',
    anywhere: true,
    guard: 0.2,
  },
  ...[
    ['trip-view', ''],
    ['trip-touched', touched],
    ['trip-cached', cached],
  ].map(([id, how]) => ({
    id,
    work: `round trip, asynchronous, view, 1 MiB${how}`,
    against: SOCKET,
    least: 5,
    unit: '× faster',
    anywhere: true,
  })),
  ...[
    ['one', 'both on one processor'],
    ['two', 'a processor each'],
  ].flatMap(([id, where]) => [
    {
      id: `trip-block-${id}`,
      work: `round trip, blocking without spin, 64 B, ${where}`,
      against: SOCKET,
      least: 1.7,
      unit: '× faster',
    },
    {
      id: `trip-async-${id}`,
      work: `round trip, asynchronous, 64 B, ${where}`,
      against: SOCKET,
      least: 1.2,
      unit: '× faster',
    },
  ]),
  {
    id: 'way-socket',
    work: 'one way, 64 B, append + view',
    against: SOCKET,
    least: 8,
    unit: '× its rate',
  },
  {
    id: 'way-shm',
    work: 'one way, 64 B, append + view',
    against: RING,
    least: 1,
    unit: '× its rate',
  },
  ...[
    ['way-iterator', 'view'],
    ['way-copy', 'copy'],
  ].map(([id, how]) => ({
    id,
    work: `one way, 64 B, asynchronous iterator, ${how}`,
    against: SOCKET,
    least: 3,
    unit: '× its rate',
  })),
  ...[
    ['way-mebibyte', ''],
    ['way-touched', touched],
    ['way-cached', cached],
  ].map(([id, how]) => ({
    id,
    work: `one way, 1 MiB, append + view${how}`,
    against: SOCKET,
    least: 13,
    unit: '× its rate',
  })),
  {
    id: 'lock',
    work: 'uncontended withLockSync',
    against: 'proper-lockfile',
    least: 1000,
    unit: '× faster',
    guard: 100,
  },
  {
    id: 'recovery',
    work: 'lock recovery after SIGKILL',
    against: 'fs-ext flock',
    least: 1,
    unit: '× faster',
  },
  {
    id: 'recovery-most',
    work: 'longest lock recovery of all kills',
    against: '100 ms',
    most: 100,
    unit: 'ms',
  },
  {
    id: 'append-8',
    work: 'append, 8 B, one process',
    against: 'a call of a no-op N-API function',
    most: 12,
    unit: '×',
    guard: 36,
  },
  ...[
    ['append-places', touched, 'to as many places'],
    ['append-touched', touched, 'to one place', 0.25],
    ['append-first', ', a new file', 'to one place'],
  ].map(([id, how, where, guard]) => ({
    id,
    work: `append of 1 MiB of bytes${how}`,
    against: `memcpy of the same bytes, warm, ${where}`,
    least: 0.85,
    unit: 'of its bandwidth',
    guard,
  })),
  ...[
    [1 << 20, '1 MiB', 1.3, 4],
    [1 << 10, '1 KiB', 2.5, 8],
  ].flatMap(([size, text, most, guard]) =>
    ['ASCII', 'Cyrillic'].flatMap((kind) => {
      const limit = kind === 'ASCII' ? guard : undefined
      return [
        ['string-places', `append(string)${touched}`, 'Buffer.write, warm, to as many places'],
        ['string', `append(string)${touched}`, 'Buffer.write, warm, to one place', limit],
        ['string-first', 'append(string), a new file', 'Buffer.write, warm, to one place'],
        ['read', 'read → string', 'Buffer.toString', limit],
      ].map(([id, work, against, guard]) => ({
        id: `${id}-${size}-${kind}`,
        work: `${work}, ${text}, ${kind}, UTF-16`,
        against,
        most,
        unit: '×',
        guard,
      }))
    }),
  ),
  {
    id: 'fill',
    work: 'append as the file fills to 10 million segments',
    against: 'the first million',
    most: 1.2,
    unit: '×',
    guard: 2,
  },
  {
    id: 'open-many',
    work: 'openExisting + length at 10 million segments',
    against: 'reading the same bytes once',
    most: 3,
    unit: '×',
    guard: 9,
  },
  {
    id: 'memory',
    work: 'memory of a handle at 10 million segments',
    against: 'the 8 bytes a segment of a plain index',
    most: 0.25,
    unit: '×',
    guard: 0.5,
  },
  {
    id: 'writers',
    work: 'eight writers appending, 64 B',
    against: 'one writer',
    least: 0.5,
    unit: '× in total',
  },
]

export const GOALS = [
  { title: 'Goals: channels', goals: channels },
  { title: 'Goals: creating, opening, and small things', goals: objects },
  { title: 'Goals: no slower than 0.1.0', goals: previous },
  { title: 'Goals: files', goals: files },
]
