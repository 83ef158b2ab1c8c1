import type { PeerId } from '@libp2p/interface'

/** A peer that may be worth a dial. */
export interface Candidate {
  readonly id: PeerId
  /** Multiaddrs, the newest first. */
  readonly addresses: readonly string[]
}

/**
 * A bounded set of candidates. A full set evicts one at random, never the oldest or the newest: whoever floods it
 * cannot choose whom it loses, and a share of the honest ones stays.
 */
export class Candidates {
  readonly #max: number
  readonly #list: Candidate[] = []
  readonly #places = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#list.length
  }

  has(key: string): boolean {
    return this.#places.has(key)
  }

  /** Adds a candidate, or replaces what is held of it. */
  put(candidate: Candidate): void {
    const key = candidate.id.toString()
    const held = this.#places.get(key)
    if (held !== undefined) {
      this.#list[held] = candidate
      return
    }
    if (this.#list.length >= this.#max) this.#removeAt(Math.floor(Math.random() * this.#list.length))
    this.#places.set(key, this.#list.length)
    this.#list.push(candidate)
  }

  delete(key: string): void {
    const place = this.#places.get(key)
    if (place !== undefined) this.#removeAt(place)
  }

  /** A copy, in no order that means anything. */
  list(): Candidate[] {
    return [...this.#list]
  }

  // The last one takes the empty place, so that removing costs the same at any size.
  #removeAt(place: number): void {
    const removed = this.#list[place]
    const last = this.#list.pop()
    if (removed === undefined || last === undefined) return
    this.#places.delete(removed.id.toString())
    if (removed === last) return
    this.#list[place] = last
    this.#places.set(last.id.toString(), place)
  }
}
