import { createHash } from 'node:crypto'
import type { StreamConfig } from '@nats-io/jetstream'
import type { ObjectStore } from '@nats-io/obj'
import { BridgeError } from './errors.js'
import type { Stream } from './stream.js'
import { linked, pause } from './wait.js'

/** Milliseconds without bytes after which the store is asked whether they exist. */
const ASK_AGAIN = 5000

/** Beside a stream: the messages that are too large for it, by their contents. */
export class Objects {
  readonly #stream: Stream
  readonly #bucket: string
  readonly #allowed: boolean

  constructor(stream: Stream, allowed = true) {
    this.#stream = stream
    this.#bucket = `${stream.name}-large`
    this.#allowed = allowed
  }

  /** Stores bytes, unless they are there, and returns their name. */
  async put(
    bytes: Uint8Array,
    index: number,
    available: number,
    config: StreamConfig,
  ): Promise<string> {
    const facts = { index, needed: bytes.byteLength, available }
    const large = `message ${index} has ${bytes.byteLength} bytes, and stream '${this.#stream.name}' takes ${available}`
    if (!this.#allowed)
      throw new BridgeError(
        'ERR_MMFILE_CAPACITY',
        `${large}: allow 'objects', or raise max_payload`,
        facts,
      )
    const manager = await this.#manager(large, facts)
    const name = nameOf(bytes)
    // Objects stay twice as long as messages, and are stored again in the second half: all find theirs.
    const { num_replicas: replicas, storage, max_age: age } = config
    await this.#stream.persist(async () => {
      const store = await manager.create(this.#bucket, { replicas, storage, ttl: 2 * age })
      const known = await store.info(name)
      const isThere = known !== null && !known.deleted && known.size === bytes.byteLength
      const isYoung = age === 0 || Date.now() - Date.parse(known?.mtime ?? '') < age / 1e6
      if (!isThere || !isYoung) await store.putBlob({ name }, bytes)
    })
    return name
  }

  /** The bytes of that name. */
  async get(name: string, index: number): Promise<Uint8Array> {
    const manager = await this.#manager(`message ${index} is in the object store`, { index })
    const bytes = await this.#stream.persist(async () =>
      this.#bytes(await manager.open(this.#bucket, false), name),
    )
    if (bytes === undefined || nameOf(bytes) !== name) {
      const message = `message ${index} of stream '${this.#stream.name}' was in the object store '${this.#bucket}' as '${name}', and is gone`
      throw new BridgeError('ERR_MMFILE_LOST', message, { index })
    }
    return bytes
  }

  /** The bytes of that name, or `undefined` if they are not all there: they would be waited for without end. */
  async #bytes(store: ObjectStore, name: string): Promise<Uint8Array | undefined> {
    let coming: Promise<Uint8Array | null> | undefined
    while (await this.#isThere(store, name)) {
      coming ??= store.getBlob(name)
      const asks = linked(undefined)
      const bytes = await Promise.race([coming, pause(ASK_AGAIN, asks.signal)])
      asks.abort()
      if (bytes !== undefined) return bytes ?? undefined
    }
    coming?.catch(() => {})
    return undefined
  }

  async #isThere(store: ObjectStore, name: string): Promise<boolean> {
    const bucket = `OBJ_${this.#bucket}`
    if ((await this.#stream.info(bucket)) === undefined) return false
    const known = await store.info(name)
    if (known === null || known.deleted) return false
    const subject = `$O.${this.#bucket}.C.${known.nuid}`
    const info = await this.#stream.info(bucket, subject)
    return (info?.state.subjects?.[subject] ?? 0) === known.chunks
  }

  async #manager(why: string, facts: object) {
    const { Objm } = await import('@nats-io/obj').catch((cause) => {
      const message = `${why}: install '@nats-io/obj'`
      throw new BridgeError('ERR_MMFILE_CAPACITY', message, { ...facts, cause })
    })
    return new Objm(this.#stream.js)
  }
}

/** The name of some bytes: the same bytes have the same name, however often they are stored. */
export function nameOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
