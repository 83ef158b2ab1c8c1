import type { PeerId } from '@libp2p/interface'
import { MAX_COUNTED_PEERS } from './constants.ts'

/** How many payloads each peer announced of which nobody gave anything, since one came that it gave. */
export class VainAnnouncers {
  readonly #counts = new Map<string, number>()

  countOf(peer: string): number {
    return this.#counts.get(peer) ?? 0
  }

  failed(peer: PeerId): void {
    const key = peer.toString()
    const count = this.countOf(key)
    // Those that failed last stay.
    this.#counts.delete(key)
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size < MAX_COUNTED_PEERS) break
      this.#counts.delete(oldest)
    }
    this.#counts.set(key, count + 1)
  }

  gave(peer: PeerId): void {
    this.#counts.delete(peer.toString())
  }

  clear(): void {
    this.#counts.clear()
  }
}
