// Messages that can be distinguished: each bears its number at its beginning, in its middle and at its
// end, and a pattern in between. A measurement looks at the length and the three numbers of every
// message; the run before it compares every byte.

/** What a reply's number has beyond its request's. */
export const REPLY = 0x4000_0000

const places = (size) => [0, (size >>> 1) & ~3, size - 4]

function pattern(size) {
  const bytes = Buffer.alloc(size)
  let state = 0x9e3779b9
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

const numberAt = (bytes, at) =>
  bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)

/** Writes a number where a message has it, and nothing else. */
export function stamp(bytes, number) {
  for (const at of places(bytes.length)) {
    bytes[at] = number
    bytes[at + 1] = number >> 8
    bytes[at + 2] = number >> 16
    bytes[at + 3] = number >> 24
  }
}

/** Messages as bytes. */
class Bytes {
  #size
  #places
  #buffers
  #next = 0

  /** `count` buffers take turns, for those that go on reading one after it was sent. */
  constructor(size, count) {
    this.#size = size
    this.#places = places(size)
    this.#buffers = [pattern(size)]
    while (this.#buffers.length < count) this.#buffers.push(Buffer.from(this.#buffers[0]))
  }

  /** The message of that number. */
  make(number) {
    const bytes = this.#buffers[this.#next]
    this.#next = this.#next + 1 === this.#buffers.length ? 0 : this.#next + 1
    const [first, middle, last] = this.#places
    bytes.writeInt32LE(number, first)
    bytes.writeInt32LE(number, middle)
    bytes.writeInt32LE(number, last)
    return bytes
  }

  /** Throws unless `got` is the message of that number. */
  check(got, number) {
    const [first, middle, last] = this.#places
    if (
      got.length !== this.#size ||
      numberAt(got, first) !== number ||
      numberAt(got, middle) !== number ||
      numberAt(got, last) !== number
    ) {
      throw new Error(`message ${number} is not what was sent`)
    }
  }

  /** As `check`, for all bytes. */
  checkAll(got, number) {
    this.check(got, number)
    // lmdb's buffers have more bytes than their length says.
    if (Buffer.compare(got.subarray(0, this.#size), this.make(number)) !== 0) {
      throw new Error(`message ${number} has been changed on its way`)
    }
  }
}

/** Messages as JSON knows them: a number and a text, which is not turned into anything first. */
class Text {
  #text

  constructor(size) {
    this.#text = pattern(size).toString('hex').slice(0, size)
  }

  make(number) {
    return { number, text: this.#text }
  }

  check(got, number) {
    const { text } = got
    const expected = this.#text
    const middle = expected.length >>> 1
    const last = expected.length - 1
    if (
      got.number !== number ||
      text.length !== expected.length ||
      text.charCodeAt(0) !== expected.charCodeAt(0) ||
      text.charCodeAt(middle) !== expected.charCodeAt(middle) ||
      text.charCodeAt(last) !== expected.charCodeAt(last)
    ) {
      throw new Error(`message ${number} is not what was sent`)
    }
  }

  checkAll(got, number) {
    this.check(got, number)
    if (got.text !== this.#text) throw new Error(`message ${number} was changed on its way`)
  }
}

export const messages = (size, { text = false, buffers = 1 } = {}) =>
  text ? new Text(size) : new Bytes(size, buffers)
