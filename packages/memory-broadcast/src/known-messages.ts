import type { BroadcastAnswer } from '@gridmesh/interfaces'
import type { MemoryDelivery } from './delivery.ts'

/** What became of a message that was to be judged. */
export type Answer = BroadcastAnswer | 'not-subscribed'

/** What a node remembers of a message. */
export interface KnownMessage {
  /** The verdict, or the promise of it while the handler is still thinking. */
  verdict: Answer | Promise<Answer>
  /** Our own newest publish of it; it learns of peers that bring the message to us. */
  delivery?: MemoryDelivery
}

/** The messages that a node has met, by id. At its limit the oldest is forgotten. */
export class KnownMessages {
  readonly #maxIds: number
  readonly #messages = new Map<string, KnownMessage>()

  constructor(maxIds: number) {
    this.#maxIds = maxIds
  }

  get(id: string): KnownMessage | undefined {
    return this.#messages.get(id)
  }

  /** Remembers a message that is not known yet. */
  add(id: string, known: KnownMessage): void {
    this.#messages.set(id, known)
    const [oldest] = this.#messages.keys()
    if (this.#messages.size > this.#maxIds && oldest !== undefined) this.#messages.delete(oldest)
  }

  /** Forgets a message that was not judged, unless it is our own by now. */
  remove(id: string, known: KnownMessage): void {
    if (this.#messages.get(id) === known && known.delivery === undefined) this.#messages.delete(id)
  }

  clear(): void {
    this.#messages.clear()
  }
}
