// zeromq's PAIR sockets over ipc.

import { join } from 'node:path'
import { makeFolder, removeFolder } from '../lib/temporary.mjs'

/** Messages that wait on each side. */
const waterMark = (size) => (size <= 1 << 16 ? 1000 : 4)

class Endpoint {
  #zmq
  #socket
  #folder

  constructor(zmq) {
    this.#zmq = zmq
  }

  async prepare({ size }) {
    if (this.#socket) return {}
    this.#make(size)
    this.#folder = makeFolder()
    const path = join(this.#folder, 'socket')
    await this.#socket.bind(`ipc://${path}`)
    return { path }
  }

  async join({ size }, { path }) {
    if (this.#socket) return
    this.#make(size)
    this.#socket.connect(`ipc://${path}`)
  }

  #make(size) {
    const marks = { sendHighWaterMark: waterMark(size), receiveHighWaterMark: waterMark(size) }
    this.#socket = new this.#zmq.Pair({ ...marks, linger: 0 })
  }

  send(message) {
    return this.#socket.send(message)
  }

  async listen(each) {
    for (;;) {
      const [message] = await this.#socket.receive()
      if (!each(message)) return
    }
  }

  finish() {}

  close() {
    this.#socket?.close()
    if (this.#folder) removeFolder(this.#folder)
  }
}

export const zeromq = {
  label: 'zeromq, ipc',
  peer: 'zeromq',
  // It sends what it was given without a copy, some time later.
  buffers: (size) => 2 * waterMark(size) + 4,
  open: (_role, _partner, module) => new Endpoint(module),
}
