import { LRUCache } from 'lru-cache'
import { MAX_COUNTED_PEERS } from './constants.ts'

/** What one peer may be asked for at a time. */
interface Window {
  chunks: number
  /** When it was last narrowed. What was asked for before that says nothing of it. */
  narrowedAtMs: number
}

/** Bounds of the windows of peers. */
export interface ChunkWindowLimits {
  /** Chunks that a peer is asked for at most. */
  most: number
  /** Time after which an answer is late, in ms. */
  lateMs: number
}

/**
 * How many chunks each peer is asked for at a time, of all payloads together: one at first, since all neighbours of an author
 * ask it in the same moment; twice as many with each answer that comes well in time, and half as many once one is late. Over a slow link all that is asked for waits in one
 * queue, with whatever is urgent behind it: to ask for more brings nothing sooner, until all of it is late.
 */
export class ChunkWindows {
  readonly #limits: ChunkWindowLimits
  readonly #windows = new LRUCache<string, Window>({ max: MAX_COUNTED_PEERS })

  constructor(limits: ChunkWindowLimits) {
    this.#limits = limits
  }

  of(peer: string): number {
    return this.#of(peer).chunks
  }

  /** So many chunks came that were asked for at `askedAtMs`. */
  answered(peer: string, chunks: number, askedAtMs: number): void {
    const window = this.#of(peer)
    const { most, lateMs } = this.#limits
    if (askedAtMs < window.narrowedAtMs || performance.now() - askedAtMs > lateMs / 2) return
    window.chunks = Math.min(window.chunks + chunks, most)
    this.#windows.set(peer, window)
  }

  /** What was asked for at `askedAtMs` is late. */
  late(peer: string, askedAtMs: number): void {
    const window = this.#of(peer)
    if (askedAtMs < window.narrowedAtMs) return
    this.#windows.set(peer, { chunks: Math.max(1, Math.floor(window.chunks / 2)), narrowedAtMs: performance.now() })
  }

  clear(): void {
    this.#windows.clear()
  }

  #of(peer: string): Window {
    return this.#windows.get(peer) ?? { chunks: 1, narrowedAtMs: Number.NEGATIVE_INFINITY }
  }
}
