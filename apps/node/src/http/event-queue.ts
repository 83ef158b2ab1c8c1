import type { SSEMessage } from '@fastify/sse'

/** Events that wait for one slow client. */
const MAX_WAITING = 1_000

/** The events of one client, until it takes them: beyond a thousand, old ones give way. */
export class EventQueue {
  readonly #givesWay: (message: SSEMessage) => boolean
  #waiting: SSEMessage[] = []
  #wake = Promise.withResolvers<void>()

  /** @param givesWay which events go first: what comes by the thousand must not drive out the rest */
  constructor(givesWay: (message: SSEMessage) => boolean) {
    this.#givesWay = givesWay
  }

  push(message: SSEMessage): void {
    this.#waiting.push(message)
    if (this.#waiting.length > MAX_WAITING) {
      const index = this.#waiting.findIndex(this.#givesWay)
      this.#waiting.splice(Math.max(index, 0), 1)
    }
    this.#wake.resolve()
  }

  /** What waits, as it comes, until the signal aborts. */
  async *take(signal: AbortSignal): AsyncGenerator<SSEMessage, void> {
    const onAbort = (): void => this.#wake.resolve()
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted) {
        yield* this.#waiting.splice(0)
        await this.#wake.promise
        this.#wake = Promise.withResolvers()
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}
