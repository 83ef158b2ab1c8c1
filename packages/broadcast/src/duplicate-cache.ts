import type { BroadcastAnswer } from '@gridmesh/interfaces'

/** What is remembered of a message. */
export interface KnownMessage {
  /** The verdict, or the promise of it until it is there. */
  verdict: BroadcastAnswer | Promise<BroadcastAnswer>
  /** We published it: no copy of it reaches our handler. */
  isOwn: boolean
  /** Gossipsub has it, under whatever id, and publishes it no more. */
  isGossiped: boolean
  /** Gossipsub has sent it to others. */
  isGossipedOn: boolean
  /** Sent on along the tree: a late copy, of which nothing else is kept by then, goes no second round. */
  isBranched: boolean
  /** The author has a receipt or an acknowledgement of ours. */
  isAcknowledged: boolean
  /** Hops left in the frames we passed on, at most; -1 before we passed it on. */
  hops: number
}

/** The messages of the last minutes, by id: one cache for all strategies. At its limit the oldest is forgotten. */
export class DuplicateCache {
  readonly #maxIds: number
  readonly #lifetimeMs: number
  // One lifetime for all keeps the map in order of expiry.
  readonly #entries = new Map<string, { known: KnownMessage; expiresAtMs: number }>()

  constructor(maxIds: number, lifetimeMs: number) {
    this.#maxIds = maxIds
    this.#lifetimeMs = lifetimeMs
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): KnownMessage | undefined {
    const entry = this.#entries.get(id)
    return entry !== undefined && entry.expiresAtMs > performance.now() ? entry.known : undefined
  }

  /** Remembers a message that is not known yet. */
  add(id: string, verdict: KnownMessage['verdict']): KnownMessage {
    const now = performance.now()
    const known: KnownMessage = {
      verdict,
      isOwn: false,
      isGossiped: false,
      isGossipedOn: false,
      isBranched: false,
      isAcknowledged: false,
      hops: -1,
    }
    this.#entries.delete(id)
    for (const [oldest, { expiresAtMs }] of this.#entries) {
      if (this.#entries.size < this.#maxIds && expiresAtMs > now) break
      this.#entries.delete(oldest)
    }
    this.#entries.set(id, { known, expiresAtMs: now + this.#lifetimeMs })
    return known
  }

  /** Forgets a message that was not judged, unless it is our own by now. */
  remove(id: string, known: KnownMessage): void {
    if (this.#entries.get(id)?.known === known && !known.isOwn) this.#entries.delete(id)
  }

  clear(): void {
    this.#entries.clear()
  }
}
