import { byId } from '../../web-kit/page/dom.js'
import { type Life, Picture, type Side } from '../../web-kit/page/picture.js'
import type { PictureMessage } from '../../web-kit/page/picture-message.js'
import { send } from '../../web-kit/page/server.js'

/** The picture of the file, as this process sees it. */
export class Memory {
  readonly #picture: Picture
  #last: PictureMessage | null = null
  #progress: number | null = null
  #life: Life = 'Alive'

  constructor(complain: (message: string) => void) {
    this.#picture = new Picture({
      title: '',
      source: 'MmfSource',
      destination: 'MmfDestination',
      segment: (index) => send('GET', `segments/${index}`),
      kill: async () => {
        const answer = await send('POST', 'kill')
        if (!answer.ok) complain(answer.message)
      },
    })
    byId('pictures', HTMLElement).append(this.#picture.element)
  }

  /** Whether MmfSource, which made the file, has it open no more. */
  get isSourceGone(): boolean {
    return this.#last?.processes.some(({ isCreator, open }) => isCreator && !open) ?? false
  }

  setPicture(picture: PictureMessage): void {
    this.#last = picture
    this.#show()
  }

  setProgress(fraction: number): void {
    this.#progress = fraction
    this.#show()
  }

  /** Whether this page's own program is there, which it cannot tell once it is not. */
  setLife(life: Life): void {
    this.#life = life
    this.#show()
  }

  #show(): void {
    const processes = this.#last?.processes ?? []
    const source = processes.find(({ isCreator }) => isCreator)
    const own = processes.find(({ self }) => self)
    const sourceSide: Side = {
      pid: source?.pid ?? null,
      life: source?.open === false ? 'Gone' : 'Alive',
    }
    this.#picture.show({
      picture: this.#last,
      source: sourceSide,
      destination: { pid: own?.pid ?? null, life: this.#life },
      progress: this.#life === 'Alive' ? this.#progress : null,
    })
  }
}
