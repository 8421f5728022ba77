const encoder = new TextEncoder()

/** Events that may wait for a page that is slow to read them. */
const mostUnread = 2000

type Client = ReadableStreamDefaultController<Uint8Array>

/**
 * Server-sent events. Of every event the latest is kept, and told to each page that connects: a page
 * that was reloaded, or had lost the connection, knows all that the others know.
 */
export class EventHub {
  readonly #clients = new Set<Client>()
  readonly #latest = new Map<string, Uint8Array>()
  #ended = false

  /** Called whenever a page has come or gone. */
  onChange: (pages: number) => void = () => {}

  get pages(): number {
    return this.#clients.size
  }

  publish(event: string, data: unknown): void {
    // JSON output contains no line breaks, so it is always one line of data.
    const message = encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    this.#latest.set(event, message)
    for (const client of this.#clients) {
      if ((client.desiredSize ?? 0) < -mostUnread) this.#drop(client)
      else client.enqueue(message)
    }
  }

  connect(): Response {
    let client: Client
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        client = controller
        controller.enqueue(encoder.encode('retry: 500\n\n'))
        for (const message of this.#latest.values()) controller.enqueue(message)
        if (this.#ended) return controller.close()
        this.#clients.add(controller)
        this.onChange(this.pages)
      },
      cancel: () => {
        if (this.#clients.delete(client)) this.onChange(this.pages)
      },
    })
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } })
  }

  /** A page that does not listen is not remembered things for; it asks again when it does. */
  #drop(client: Client): void {
    client.error(new Error('the page does not listen'))
    if (this.#clients.delete(client)) this.onChange(this.pages)
  }

  /** Nothing more will be published; earlier events still arrive. */
  end(): void {
    this.#ended = true
    for (const client of this.#clients) client.close()
    this.#clients.clear()
  }
}
