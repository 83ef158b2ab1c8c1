import type { MessageStream } from '@libp2p/interface'

/** Counts the bytes of streams between two scrapes. */
export class Transfers {
  readonly #maxNames: number
  readonly #bytes = new Map<string, number>()

  /** Above `maxNames` names, the newest are counted together. */
  constructor(maxNames: number) {
    this.#maxNames = maxNames
  }

  /**
   * Counts what goes through a stream from now on, under `<name> sent` and `<name> received`. It wraps the methods
   * rather than listen: libp2p hands out buffered bytes to the first listener of `message`, which must not be us.
   */
  track(stream: MessageStream, name: string): void {
    const dispatchEvent = stream.dispatchEvent.bind(stream)
    stream.dispatchEvent = (event: Event): boolean => {
      if (event.type === 'message' && 'data' in event) this.#add(`${name} received`, event.data)
      return dispatchEvent(event)
    }
    const send = stream.send.bind(stream)
    stream.send = (data): boolean => {
      this.#add(`${name} sent`, data)
      return send(data)
    }
  }

  /** Gives the bytes since the last call. */
  take(): Record<string, number> {
    const bytes = Object.fromEntries(this.#bytes)
    this.#bytes.clear()
    return bytes
  }

  #add(name: string, data: unknown): void {
    if (typeof data !== 'object' || data == null || !('byteLength' in data)) return
    const known = this.#bytes.get(name)
    const key = known != null || this.#bytes.size < this.#maxNames ? name : 'other'
    this.#bytes.set(key, (this.#bytes.get(key) ?? 0) + Number(data.byteLength))
  }
}
