import { createHash } from 'node:crypto'
import type { StreamConfig } from '@nats-io/jetstream'
import type { ObjectStore } from '@nats-io/obj'
import { BridgeError } from './errors.js'
import type { Stream } from './stream.js'

/** Beside a stream: the messages that are too large for it, by their contents. */
export class Objects {
  readonly #stream: Stream
  readonly #allowed: boolean
  #store: Promise<ObjectStore> | undefined

  constructor(stream: Stream, allowed = true) {
    this.#stream = stream
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
    const store = await this.#open(large, facts, config)
    const name = nameOf(bytes)
    await this.#stream.persist(async () => {
      const known = await store.info(name)
      if (known === null || known.deleted || known.size !== bytes.byteLength)
        await store.putBlob({ name }, bytes)
    })
    return name
  }

  /** The bytes of that name. */
  async get(name: string, index: number): Promise<Uint8Array> {
    const store = await this.#open(`message ${index} is in the object store`, { index })
    const bytes = await this.#stream.persist(() => store.getBlob(name))
    if (bytes === null || nameOf(bytes) !== name) {
      const message = `message ${index} of stream '${this.#stream.name}' was in the object store as '${name}', and is gone`
      throw new BridgeError('ERR_MMFILE_LOST', message, { index })
    }
    return bytes
  }

  /** Opens the store, and makes it where there is none, with the stream's replicas and age. */
  #open(why: string, facts: object, config?: StreamConfig): Promise<ObjectStore> {
    this.#store ??= this.#connect(why, facts, config).catch((error) => {
      this.#store = undefined
      throw error
    })
    return this.#store
  }

  async #connect(why: string, facts: object, config?: StreamConfig): Promise<ObjectStore> {
    const { Objm } = await import('@nats-io/obj').catch((cause) => {
      const message = `${why}: install '@nats-io/obj'`
      throw new BridgeError('ERR_MMFILE_CAPACITY', message, { ...facts, cause })
    })
    const bucket = `${this.#stream.name}-large`
    const manager = new Objm(this.#stream.js)
    return this.#stream.persist(() =>
      config === undefined
        ? manager.open(bucket)
        : manager.create(bucket, {
            replicas: config.num_replicas,
            storage: config.storage,
            ttl: config.max_age,
          }),
    )
  }
}

/** What bytes are called: the same bytes have one name, however often they are stored. */
export function nameOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
