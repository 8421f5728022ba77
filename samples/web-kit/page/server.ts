export type Errors = Record<string, string>

export type Answer<T> = { ok: true; value: T } | { ok: false; errors: Errors; message: string }

/** Asks the program for something. Addresses are relative to the page's own, which holds the token. */
export async function send<T = unknown>(
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer<T>> {
  try {
    const response = await fetch(`api/${path}`, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const value = response.status === 204 ? {} : await response.json()
    if (response.ok) return { ok: true, value }
    return { ok: false, errors: value.errors ?? {}, message: value.message ?? '' }
  } catch {
    return { ok: false, errors: {}, message: 'The program does not answer. Is it still running?' }
  }
}

interface Listeners {
  /** By the name of the event. */
  [event: string]: (data: never) => void
}

export interface Connection {
  /** `isRefused`: another program answers at this address. */
  onLost(isRefused: boolean): void
  onBack(): void
}

/** Follows the program's events, over interruptions. Returns how to stop. */
export function listen(listeners: Listeners, { onLost, onBack }: Connection): () => void {
  const source = new EventSource('api/events')
  for (const [name, listener] of Object.entries(listeners)) {
    source.addEventListener(name, (event) =>
      listener(JSON.parse((event as MessageEvent).data) as never),
    )
  }
  source.addEventListener('error', () => onLost(source.readyState === EventSource.CLOSED))
  source.addEventListener('open', () => onBack())
  return () => source.close()
}
