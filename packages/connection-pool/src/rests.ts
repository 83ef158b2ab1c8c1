import { MAX_RESTS, REST_BASE_MS, REST_MAX_MS } from './constants.ts'

/** The dials of a peer that nothing came of. */
interface Rest {
  readonly dials: number
  readonly untilMs: number
}

/**
 * How long peers are left alone that were dialled and did not become ready: nothing after the first dial, since that may
 * have been bad luck, then 1 s, 2 s, 4 s and 8 s, less up to half, so that those who were refused together do not come
 * back together.
 */
export class Rests {
  /** Maps keep the order of insertion, so the one dialled longest ago comes first. */
  readonly #rests = new Map<string, Rest>()

  /** Peers that are remembered. */
  get size(): number {
    return this.#rests.size
  }

  /** Notes a dial that begins. */
  note(key: string, nowMs: number): void {
    const dials = (this.#rests.get(key)?.dials ?? 0) + 1
    const longestMs = dials === 1 ? 0 : Math.min(REST_BASE_MS * 2 ** (dials - 2), REST_MAX_MS)
    this.#rests.delete(key)
    this.#makeRoom()
    this.#rests.set(key, { dials, untilMs: nowMs + longestMs * (0.5 + Math.random() / 2) })
  }

  /** How much longer a peer is left alone, in ms. */
  leftMs(key: string, nowMs: number): number {
    return Math.max(0, (this.#rests.get(key)?.untilMs ?? 0) - nowMs)
  }

  /** Something came of a dial: the next rest begins anew. */
  forget(key: string): void {
    this.#rests.delete(key)
  }

  clear(): void {
    this.#rests.clear()
  }

  // To forget one costs a dial or two that come early.
  #makeRoom(): void {
    for (const key of this.#rests.keys()) {
      if (this.#rests.size < MAX_RESTS) return
      this.#rests.delete(key)
    }
  }
}
