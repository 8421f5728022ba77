// A request and its reply: the parent requests, the child replies. `send` does either, `listen` has the replies or the
// questions.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { makeFolder, removeFolder } from '../lib/temporary.mjs'

const require = createRequire(import.meta.url)
/** The package, when it is first used: in a fresh checkout it is built after this has been loaded. */
const library = () => require('../../dist/index.js')
/** Milliseconds for which both sides spin before they sleep. */
const SPIN = 0.05
const TIMEOUT = 30_000
const HOUR = 3_600_000

/** What all have in common: a folder with a socket, and what happens to questions and replies. */
class Endpoint {
  #folder
  #settle

  constructor(role, module) {
    this.role = role
    this.module = module
  }

  prepare() {
    if (this.path !== undefined) return {}
    this.#folder = makeFolder()
    this.path = join(this.#folder, 'socket')
    return { path: this.path }
  }

  send(message) {
    if (this.role === 'child') this.reply = message
    else
      this.ask(message).then(
        (reply) => this.take(reply),
        (error) => this.#settle.reject(error),
      )
  }

  listen(each) {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.each = each
      this.begin?.()
    })
  }

  /** Hands over what came; the reply to it is there afterwards, if one is wanted. */
  take(message) {
    try {
      if (!this.each(message)) this.#settle.resolve()
    } catch (error) {
      this.#settle.reject(error)
    }
    return this.reply
  }

  finish() {}

  close() {
    if (this.#folder !== undefined) removeFolder(this.#folder)
  }
}

class ChannelEndpoint extends Endpoint {
  #channel

  prepare() {
    if (this.#channel !== undefined) return {}
    this.#channel = library().Channel.createNew({ capacity: 1 << 20 })
    return { id: this.#channel.id }
  }

  join(_run, { id }) {
    if (id === undefined) return
    this.#channel = library().Channel.openExisting(id)
    this.served = this.#channel.serve((question) => this.take(question), { spin: SPIN })
  }

  ask(message) {
    return this.#channel.request(message, { timeout: TIMEOUT, spin: SPIN })
  }

  close() {
    this.#channel.close()
  }
}

class HttpEndpoint extends Endpoint {
  #client
  #server

  prepare() {
    const info = super.prepare()
    const how = { socketPath: this.path, keepAliveTimeout: HOUR, keepAliveMaxTimeout: HOUR }
    this.#client ??= new this.module.Client('http://localhost', how)
    return info
  }

  async join(_run, { path }) {
    if (path === undefined) return
    this.#server = createServer((request, response) => {
      const chunks = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => response.end(this.take(Buffer.concat(chunks))))
    })
    this.#server.keepAliveTimeout = HOUR
    await new Promise((resolve) => this.#server.listen(path, resolve))
  }

  async ask(message) {
    const { body } = await this.#client.request({ path: '/', method: 'POST', body: message })
    return Buffer.from(await body.arrayBuffer())
  }

  async close() {
    await this.#client.close()
    super.close()
  }
}

class ZeromqEndpoint extends Endpoint {
  #socket

  async prepare() {
    const info = super.prepare()
    if (this.#socket === undefined) {
      this.#socket = new this.module.Request({ linger: 0 })
      await this.#socket.bind(`ipc://${this.path}`)
    }
    return info
  }

  join(_run, { path }) {
    if (path === undefined) return
    this.#socket = new this.module.Reply({ linger: 0 })
    this.#socket.connect(`ipc://${path}`)
    this.#serve()
  }

  async #serve() {
    for (;;) {
      const [question] = await this.#socket.receive()
      await this.#socket.send(this.take(question))
    }
  }

  async ask(message) {
    await this.#socket.send(message)
    const [reply] = await this.#socket.receive()
    return reply
  }

  close() {
    this.#socket.close()
    super.close()
  }
}

/** What was sent may be read some time later. */
const buffers = () => 4

export const channelRequest = {
  label: 'mmfile, channel, request and serve',
  buffers,
  open: (role) => new ChannelEndpoint(role),
}
export const undici = {
  label: 'HTTP keep-alive over a Unix socket, undici and node:http',
  peer: 'undici',
  buffers,
  open: (role, _partner, module) => new HttpEndpoint(role, module),
}
export const zeromqRequest = {
  label: 'zeromq, ipc, request and reply',
  peer: 'zeromq',
  buffers,
  open: (role, _partner, module) => new ZeromqEndpoint(role, module),
}
