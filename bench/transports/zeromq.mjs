// zeromq's PAIR sockets over ipc.

import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Messages that wait on each side. */
const waterMark = (size) => (size <= 1 << 16 ? 1000 : 4)

class Endpoint {
  #zmq
  #socket
  #path

  constructor(zmq) {
    this.#zmq = zmq
  }

  async prepare({ size }) {
    if (this.#socket) return {}
    this.#make(size)
    this.#path = join(tmpdir(), `mmfile-bench-${process.pid}-${Date.now()}.zmq`)
    await this.#socket.bind(`ipc://${this.#path}`)
    return { path: this.#path }
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
    if (this.#path) rmSync(this.#path, { force: true })
  }
}

export const zeromq = {
  label: 'zeromq, ipc',
  peer: 'zeromq',
  // It sends what it was given without a copy, some time later.
  buffers: (size) => 2 * waterMark(size) + 4,
  open: (_role, _partner, module) => new Endpoint(module),
}
