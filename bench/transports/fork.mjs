// child_process.fork: the channel that Node.js gives to a child.

class Endpoint {
  #channel
  #pending

  constructor(partner) {
    this.#channel = partner ? partner.process : process
  }

  prepare() {
    return {}
  }

  join() {}

  /** A promise if the channel is full: it settles when this message has been written. */
  send(message) {
    let done
    const room = this.#channel.send(message, (error) => {
      if (error) done?.reject(error)
      else done?.resolve()
    })
    if (room) return undefined
    return new Promise((resolve, reject) => {
      done = { resolve, reject }
    })
  }

  listen(each) {
    return new Promise((resolve, reject) => {
      this.#pending = (message) => {
        try {
          if (each(message)) return
          this.finish()
          resolve()
        } catch (error) {
          reject(error)
        }
      }
      this.#channel.on('message', this.#pending)
    })
  }

  finish() {
    if (this.#pending) this.#channel.off('message', this.#pending)
    this.#pending = undefined
  }

  close() {}
}

const open = (_role, partner) => new Endpoint(partner)

export const forkJson = {
  label: 'child_process.fork, json',
  serialization: 'json',
  text: true,
  open,
}
export const forkAdvanced = {
  label: 'child_process.fork, advanced',
  serialization: 'advanced',
  open,
}
