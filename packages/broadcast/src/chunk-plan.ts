import { MAX_PEERS_PER_CHUNK } from './constants.ts'

/** Chunks that were asked for together. */
export interface PlannedChunks {
  /** Those that have not come. */
  readonly missing: Set<number>
  /** Peers that were asked and have not answered. */
  readonly askedPeers: Set<string>
  /** Their requests; each can be called off. */
  readonly requests: Set<AbortController>
  /** It takes long: others may be asked too. */
  isLate: boolean
}

/** Who is asked for which chunks of one payload: each chunk of one peer, until that is late with it. */
export class ChunkPlan {
  readonly #count: number
  /** Given back by peers that failed. */
  readonly #returned: number[] = []
  readonly #asked = new Set<PlannedChunks>()
  #next = 0

  constructor(count: number) {
    this.#count = count
  }

  /** Up to `max` chunks to ask `peer` for: those nobody is asked for, else some that others are late with. */
  take(peer: string, max: number): PlannedChunks | undefined {
    const missing = new Set<number>()
    while (missing.size < max) {
      const index = this.#returned.pop() ?? (this.#next < this.#count ? this.#next++ : undefined)
      if (index === undefined) break
      missing.add(index)
    }
    if (missing.size === 0) return this.#takeLate(peer, max)
    const chunks: PlannedChunks = { missing, askedPeers: new Set([peer]), requests: new Set(), isLate: false }
    this.#asked.add(chunks)
    return chunks
  }

  /** `peer` has answered or failed: what did not come, and nobody else is asked for, is free again. */
  release(chunks: PlannedChunks, peer: string): void {
    chunks.askedPeers.delete(peer)
    if (chunks.missing.size > 0 && chunks.askedPeers.size > 0) {
      // Whoever is left was late when this one was asked.
      chunks.isLate = true
      return
    }
    this.#asked.delete(chunks)
    this.#returned.push(...chunks.missing)
    chunks.missing.clear()
  }

  #takeLate(peer: string, max: number): PlannedChunks | undefined {
    for (const chunks of this.#asked) {
      const { isLate, askedPeers, missing } = chunks
      if (!isLate || askedPeers.has(peer) || askedPeers.size >= MAX_PEERS_PER_CHUNK) continue
      if (missing.size === 0 || missing.size > max) continue
      chunks.isLate = false
      askedPeers.add(peer)
      return chunks
    }
    return undefined
  }
}
