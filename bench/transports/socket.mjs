// A Unix domain socket. It carries a stream: messages are told apart by their size, which both sides
// know, so that it is spared the length words that a real protocol has.

import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { makeFolder, removeFolder } from '../lib/temporary.mjs'

class Endpoint {
  #server
  #folder
  #socket
  #each
  #size
  #part
  #filled = 0

  async prepare({ size }) {
    this.#size = size
    this.#filled = 0
    if (this.#socket) return {}
    this.#folder = makeFolder()
    const path = join(this.#folder, 'socket')
    this.#server = createServer()
    const connected = new Promise((resolve) => this.#server.once('connection', resolve))
    await new Promise((resolve) => this.#server.listen(path, resolve))
    this.connected = connected.then((socket) => this.#use(socket))
    return { path }
  }

  async join({ size }, { path }) {
    this.#size = size
    this.#filled = 0
    if (!path) return
    const socket = connect(path)
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    this.#use(socket)
  }

  /** The other side is there. */
  ready() {
    return this.connected
  }

  #use(socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#take(chunk))
  }

  /** Cuts the stream into messages: without a copy where one is whole in a chunk. */
  #take(chunk) {
    const size = this.#size
    let at = 0
    if (this.#filled > 0) {
      const count = Math.min(size - this.#filled, chunk.length)
      chunk.copy(this.#part, this.#filled, 0, count)
      this.#filled += count
      at = count
      if (this.#filled < size) return
      this.#filled = 0
      this.#each(this.#part)
    }
    for (; at + size <= chunk.length; at += size) this.#each(chunk.subarray(at, at + size))
    if (at < chunk.length) {
      if (this.#part?.length !== size) this.#part = Buffer.allocUnsafeSlow(size)
      this.#filled = chunk.copy(this.#part, 0, at)
    }
  }

  /** A promise if there is more under way than the stream wants. */
  send(message) {
    if (this.#socket.write(message)) return undefined
    return new Promise((resolve) => this.#socket.once('drain', resolve))
  }

  listen(each) {
    return new Promise((resolve, reject) => {
      this.#each = (message) => {
        try {
          if (!each(message)) resolve()
        } catch (error) {
          reject(error)
        }
      }
    })
  }

  finish() {}

  close() {
    this.#socket?.destroy()
    this.#server?.close()
    if (this.#folder) removeFolder(this.#folder)
  }
}

export const socket = {
  label: 'Unix domain socket',
  // What was written may still be waiting when the next message is made: the stream holds less than
  // its high-water mark of 16 KiB, and one message more.
  buffers: (size) => Math.ceil((64 << 10) / size) + 2,
  open: () => new Endpoint(),
}
