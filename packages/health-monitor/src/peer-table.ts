import type { PeerId } from '@libp2p/interface'
import type { HealthOptions } from './options.ts'
import { PeerVitals } from './peer-vitals.ts'

/** The peers held, linked or gone. Who is gone is remembered, so that nobody gets a new score by redialling. */
export class PeerTable {
  readonly #options: HealthOptions
  readonly #linked = new Map<string, PeerVitals>()
  /** The one gone the longest first. */
  readonly #gone = new Map<string, PeerVitals>()

  constructor(options: HealthOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#linked.size + this.#gone.size
  }

  get(key: string): PeerVitals | undefined {
    return this.#linked.get(key) ?? this.#gone.get(key)
  }

  /** A linked peer; `undefined` for one that is gone. */
  linked(key: string): PeerVitals | undefined {
    return this.#linked.get(key)
  }

  allLinked(): [string, PeerVitals][] {
    return [...this.#linked]
  }

  /** Begins to measure a peer, or goes on. Returns `false` where as many as may be held are linked already. */
  link(key: string, peer: PeerId, nowMs: number): boolean {
    const known = this.#gone.get(key)
    this.#gone.delete(key)
    while (this.size >= this.#options.maxPeers) {
      const [longestGone] = this.#gone.keys()
      if (longestGone === undefined) return false
      this.#gone.delete(longestGone)
    }
    const vitals = known ?? new PeerVitals(peer, this.#options, nowMs)
    vitals.isLinked = true
    vitals.isClosing = false
    vitals.seen(nowMs)
    this.#linked.set(key, vitals)
    return true
  }

  unlink(key: string): void {
    const vitals = this.#linked.get(key)
    if (vitals === undefined) return
    vitals.isLinked = false
    this.#linked.delete(key)
    // Of strangers who only pass by there is nothing to remember.
    if (vitals.isMeasured) this.#gone.set(key, vitals)
  }

  delete(key: string): boolean {
    return this.#linked.delete(key) || this.#gone.delete(key)
  }
}
