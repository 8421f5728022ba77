import type { NatsConnection, Status } from '@nats-io/nats-core'

/** Whether a connection is up. Requests that were sent before it went down, or while it is down, never get a reply. */
export class Link {
  readonly #statuses: AsyncIterable<Status> & { stop?: () => void }
  readonly #listeners = new Set<(up: boolean) => void>()
  #up = true

  constructor(connection: NatsConnection) {
    this.#statuses = connection.status()
    this.#watch()
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#statuses) {
      if (type === 'disconnect') this.#set(false)
      if (type === 'reconnect') this.#set(true)
    }
    this.#set(false)
  }

  #set(up: boolean): void {
    this.#up = up
    for (const listener of [...this.#listeners]) listener(up)
  }

  get up(): boolean {
    return this.#up
  }

  /** Calls it when the connection comes and goes; returns a function that ends that. */
  listen(listener: (up: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The result of the promise, or an error as soon as the connection is down. */
  async unlessDown<T>(ask: () => Promise<T>): Promise<T> {
    if (!this.#up) throw down()
    let unlisten: () => void = () => {}
    const gone = new Promise<never>((_, reject) => {
      unlisten = this.listen((up) => up || reject(down()))
    })
    try {
      return await Promise.race([ask(), gone])
    } finally {
      unlisten()
    }
  }

  /** Stops watching. */
  end(): void {
    this.#statuses.stop?.()
  }
}

/** An error that says that trying again may help. */
export function down(): Error {
  const message = 'the connection to NATS is down'
  return Object.assign(new Error(message), { name: 'ConnectionError' })
}

/** Whether what went wrong was the connection itself. */
export function isDown(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'ConnectionError'
}
